import { expect, it } from "vitest";
import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { encodeGeminiError } from "../../../src/dialects/gemini/error-body.ts";
import { parseBatchEmbed } from "../../../src/dialects/gemini/parse-embeddings.ts";
import { parseGenerateRequest } from "../../../src/dialects/gemini/parse-request.ts";
import { wrapPart } from "../../../src/dialects/gemini/proofs.ts";
import { type JsonBody, readJsonBody } from "../../../src/dialects/json-body.ts";
import { partOf } from "../../../src/domain/blank.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { createRandom } from "../../tooling/random.ts";
import { proofOf } from "../anthropic-messages/random-parts.ts";

const wrapped = wrapPart({ ...partOf({ case: undefined }), proof: proofOf("anthropic", "p") });

/** A body that uses most of what the dialect has. */
const whole = {
  systemInstruction: { role: "user", parts: [{ text: "s" }] },
  contents: [
    {
      role: "user",
      parts: [
        { text: "t" },
        {
          inlineData: { mimeType: "image/png", data: "AAEC", displayName: "n" },
          mediaResolution: { level: "MEDIA_RESOLUTION_LOW" },
        },
        {
          file_data: { file_uri: "https://youtu.be/x", mime_type: "video/mp4" },
          video_metadata: { start_offset: "1s", end_offset: "2.5s", fps: 1 },
        },
      ],
    },
    {
      role: "model",
      parts: [
        { text: "r", thought: true },
        { text: "", thought: true, thoughtSignature: wrapped },
      ],
    },
    {
      role: "model",
      parts: [
        { text: "x" },
        { functionCall: { id: "1", name: "f", args: { a: 1 } }, thoughtSignature: "c2ln" },
        { functionCall: { name: "g" } },
      ],
    },
    {
      role: "model",
      parts: [
        { executableCode: { language: "PYTHON", code: "1" } },
        { codeExecutionResult: { outcome: "OUTCOME_OK", output: "1" } },
      ],
    },
    {
      role: "user",
      parts: [
        {
          functionResponse: {
            id: "1",
            name: "f",
            response: { output: "r" },
            parts: [{ inlineData: { mimeType: "image/png", data: "AAEC" } }],
          },
        },
        { functionResponse: { name: "g", response: { error: "e" }, willContinue: false } },
      ],
    },
  ],
  tools: [
    {
      functionDeclarations: [
        {
          name: "f",
          description: "d",
          parameters: { type: "OBJECT", properties: { a: { type: "INTEGER", nullable: true } } },
        },
        { name: "g", parametersJsonSchema: { type: "object" }, responseJsonSchema: {} },
      ],
    },
    { googleSearch: { excludeDomains: ["a.b"] }, codeExecution: {}, mcpServers: [{ name: "m" }] },
  ],
  toolConfig: {
    functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["f", "g"] },
    includeServerSideToolInvocations: true,
  },
  generationConfig: {
    ...{ temperature: 1, topP: 1, topK: 1, candidateCount: 1, maxOutputTokens: 9, seed: 1, stopSequences: ["a"] },
    ...{
      responseMimeType: "application/json",
      responseSchema: { type: "OBJECT" },
      responseLogprobs: true,
      logprobs: 2,
    },
    ...{
      thinkingConfig: { thinkingBudget: 9, includeThoughts: true },
      responseModalities: ["TEXT"],
      mediaResolution: "MEDIA_RESOLUTION_LOW",
    },
    ...{
      speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: "v" } } },
      imageConfig: { aspectRatio: "1:1" },
    },
  },
  safetySettings: [{ category: "c", threshold: "t" }],
  ...{
    cachedContent: "c",
    labels: { a: "b" },
    serviceTier: "flex",
    store: true,
    fallbackModels: ["n"],
    providerOptions: { openai: { a: 1 } },
  },
};

const batch = {
  requests: [
    {
      model: "models/m",
      content: { parts: [{ text: "a" }] },
      taskType: "CLUSTERING",
      outputDimensionality: 4,
      title: "t",
    },
    {
      content: { parts: [{ text: "b" }, { inlineData: { mimeType: "image/png", data: "AAEC" } }] },
      taskType: "CLUSTERING",
      outputDimensionality: 4,
      title: "t",
    },
  ],
};

const strange = [
  ...[null, true, -1, 1e308, 0.5, "", "\ud800", "x".repeat(600), [], [[]], {}, { type: "x" }, [null], "9", "1.5s"],
  { __proto__: null },
];

/** A copy with one random value, at any depth, replaced by something strange or removed. */
function mutate(value: unknown, random: () => number): unknown {
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  if (typeof value !== "object" || value === null || random() < 0.12) return pick(strange);
  if (Array.isArray(value)) {
    const at = Math.floor(random() * value.length);
    return value.map((element, i) => (i === at ? mutate(element, random) : element));
  }
  const chosen = pick(Object.keys(value));
  const entries = Object.entries(value).filter(([key]) => key !== chosen || random() > 0.1);
  return Object.fromEntries(entries.map(([key, member]) => [key, key === chosen ? mutate(member, random) : member]));
}

const readers: readonly (readonly [string, object, (body: JsonBody) => unknown])[] = [
  [
    "generateContent",
    whole,
    (body) => parseGenerateRequest(body, { lossPolicy: LossPolicy.UNSPECIFIED, model: "m", stream: false }),
  ],
  ["batchEmbedContents", batch, (body) => parseBatchEmbed(body, "m")],
];

function outcome(read: (body: JsonBody) => unknown, bytes: Uint8Array): "read" | "refused" {
  try {
    read(readJsonBody(bytes));
    return "read";
  } catch (error) {
    expect(error).toBeInstanceOf(GatewayError);
    const refusal = error as GatewayError;
    expect(refusal.code).toBe("invalid_value");
    expect(() => JSON.parse(encodeGeminiError(refusal, "r"))).not.toThrow();
    return "refused";
  }
}

it.each(readers)("reads the whole body of %s", (_, body, read) => {
  expect(outcome(read, new TextEncoder().encode(JSON.stringify(body)))).toBe("read");
});

it.each(readers)("refuses strange values in %s with a GatewayError and nothing else", (_, whole, read) => {
  const random = createRandom(3);
  const counts = { read: 0, refused: 0 };
  for (let i = 0; i < 3_000; i++) {
    let body: unknown = whole;
    for (let edits = 1 + Math.floor(random() * 3); edits > 0; edits--) body = mutate(body, random);
    counts[outcome(read, new TextEncoder().encode(JSON.stringify(body ?? null)))]++;
  }
  // Both outcomes must be common, or the test looks at one half only.
  expect(counts.read).toBeGreaterThan(10);
  expect(counts.refused).toBeGreaterThan(200);
  expect(({} as Record<string, unknown>).type).toBeUndefined();
});

it("refuses broken bytes with a GatewayError and nothing else", () => {
  const random = createRandom(4);
  const good = new TextEncoder().encode(JSON.stringify(whole));
  for (let i = 0; i < 2_000; i++) {
    const bytes = good.slice(0, random() < 0.2 ? Math.floor(random() * good.length) : good.length);
    for (let edits = 1 + Math.floor(random() * 3); edits > 0; edits--) {
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    }
    for (const [, , read] of readers.slice(0, 1)) outcome(read, bytes);
  }
});
