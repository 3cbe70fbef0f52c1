import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { type ChatResponse, ChatResponseSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type Part, PartSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import { FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import { encodeGenerateResponse } from "../../../src/dialects/gemini/encode-response.ts";
import { createGeminiEncoder, type StreamForm } from "../../../src/dialects/gemini/encode-stream.ts";
import { type Frame, withWire } from "../../../src/domain/chat.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { unfold } from "../../../src/domain/fold.ts";
import { completed, finished, started, text } from "../../fakes/frames.ts";
import { createRandom } from "../../tooling/random.ts";
import { proofOf, randomParts } from "../anthropic-messages/random-parts.ts";
import { hi, requestOf } from "./parsing.ts";

// biome-ignore lint/suspicious/noExplicitAny: JSON under test
type Json = any;

const part = (kind: Part["kind"], more: Partial<Part> = {}) => ({ ...create(PartSchema, { kind }), ...more });
const answer = (parts: Part[], more: object = {}) =>
  create(ChatResponseSchema, {
    ...{ id: "a", model: "m", requestId: "req_1" },
    choices: [{ message: { role: 4, parts }, finishReason: FinishReason.STOP, ...more }],
  });
const whole = (response: ChatResponse): Json => JSON.parse(encodeGenerateResponse(response));
const candidate = (parts: Part[], more: object = {}): Json => whole(answer(parts, more)).candidates[0];

/** The events of a stream, in either form. */
function streamed(batches: readonly (readonly Frame[])[], form: StreamForm): Json[] {
  const encoder = createGeminiEncoder(form, "req_1");
  const said = batches.map((frames) => encoder.push(frames)).join("");
  if (form === "array") return JSON.parse(said);
  const events = said.split("\n\n");
  expect(events.pop()).toBe("");
  return events.map((event) => JSON.parse(event.slice("data: ".length)));
}

const end = [finished(), completed({ input: 5, output: 7 })];

describe("an answer in Google's words", () => {
  it("has text, thoughts and calls, the first call marked as not Google's own", () => {
    const call = (id: string, args: string) =>
      part({
        case: "toolCall",
        value: { $typeName: "trunkline.v1.ToolCall", id, name: "f", kind: 1, arguments: args },
      });
    const parts = [
      part({
        case: "reasoning",
        value: { $typeName: "trunkline.v1.ReasoningPart", text: "t", summary: [], redacted: false },
      }),
      part({ case: "text", value: "Hi" }),
      call("1", '{"n":1.0}'),
      call("call_gemini_x", "{"),
    ];
    expect(encodeGenerateResponse(answer(parts, { finishReason: FinishReason.TOOL_CALLS }))).toBe(
      '{"candidates":[{"content":{"parts":[{"text":"t","thought":true},{"text":"Hi"},' +
        '{"functionCall":{"id":"1","name":"f","args":{"n":1.0}},"thoughtSignature":"skip_thought_signature_validator"},' +
        '{"functionCall":{"name":"f","args":{"raw_arguments":"{"}}}],"role":"model"},"finishReason":"STOP","index":0}],' +
        '"modelVersion":"m","responseId":"a"}',
    );
  });

  it.each([
    [FinishReason.LENGTH, "max_tokens", "MAX_TOKENS"],
    [FinishReason.CONTENT_FILTER, "content_filter", "SAFETY"],
    [FinishReason.CONTENT_FILTER, "RECITATION", "RECITATION"],
    [FinishReason.REFUSAL, "refusal", "SAFETY"],
    [FinishReason.PAUSE, "pause_turn", "OTHER"],
    [FinishReason.UNSPECIFIED, "novel", "OTHER"],
  ])("ends with reason %d, which the provider calls %s, as %s", (finishReason, nativeFinishReason, word) => {
    expect(candidate([], { finishReason, nativeFinishReason }).finishReason).toBe(word);
  });

  it("edge case 111: has no content where nothing was said", () => {
    expect(candidate([])).toEqual({ finishReason: "STOP", index: 0 });
  });

  it("edge case 108: counts thoughts beside the answer, and zeros not at all", () => {
    const usage = {
      ...{
        inputTokens: 10,
        outputTokens: 7,
        totalTokens: 17,
        cacheReadTokens: 4,
        reasoningTokens: 5,
        toolPromptTokens: 3,
      },
      byModality: [{ direction: "input", modality: "text", tokens: 7 }],
    };
    const response = create(ChatResponseSchema, { usage, serviceTier: "default" });
    expect(whole(response).usageMetadata).toEqual({
      ...{ promptTokenCount: 7, toolUsePromptTokenCount: 3, candidatesTokenCount: 2, thoughtsTokenCount: 5 },
      ...{ totalTokenCount: 17, cachedContentTokenCount: 4, serviceTier: "standard" },
      promptTokensDetails: [{ modality: "TEXT", tokenCount: 7 }],
    });
  });

  it("cites by bytes, each source once", () => {
    const cited = (start: number, stop: number) => ({ type: "url_citation", uri: "u", title: "t", start, end: stop });
    const parts = [
      part({ case: "text", value: "Ü" }),
      create(PartSchema, { kind: { case: "text", value: "é👋 end" }, annotations: [cited(0, 2), cited(3, 6)] }),
    ];
    const { groundingMetadata } = candidate(parts);
    expect(groundingMetadata.groundingChunks).toEqual([{ web: { uri: "u", title: "t" } }]);
    expect(groundingMetadata.groundingSupports.map((one: Json) => one.segment)).toEqual([
      { partIndex: 1, endIndex: 6, text: "é👋" },
      { partIndex: 1, startIndex: 7, endIndex: 10, text: "end" },
    ]);
    const frames = unfold(answer(parts));
    const last = streamed([frames], "sse").at(-1);
    expect(last.candidates[0].groundingMetadata.groundingSupports[0].segment).toEqual({
      startIndex: 2,
      endIndex: 8,
      text: "é👋",
    });
  });

  it("edge case 94: ends a stream with its reason and the counts together, in both forms", () => {
    const batches = [[started()], [text("He")], [text("llo")], [finished()], [completed({ input: 5, output: 7 })]];
    for (const form of ["sse", "array"] as const) {
      const events = streamed(batches, form);
      expect(events.map((event) => event.candidates[0].content.parts[0].text)).toEqual(["He", "llo", ""]);
      expect(events.at(-1)).toMatchObject({
        candidates: [{ finishReason: "STOP", index: 0 }],
        usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 7 },
      });
    }
  });

  it("passes Google's own events on as they came, and writes anew what a stage replaced", () => {
    const event = (words: string, more = "") =>
      `data: { "candidates" : [{"content":{"parts":[{"text":"${words}"}]}${more}}],"x":1e2}\n\n`;
    const own = withWire([text("a"), text("b")], "gemini", event("ab"));
    const last = withWire([finished()], "gemini", event("", ',"finishReason":"STOP"'));
    const untouched = createGeminiEncoder("sse", "r");
    const said =
      untouched.push([started(), ...own]) + untouched.push(last) + untouched.push([completed({ input: 1, output: 1 })]);
    expect(said).toBe(event("ab") + event("", ',"finishReason":"STOP"'));
    const replaced = createGeminiEncoder("sse", "r");
    expect(replaced.push(own.slice(0, 1))).toBe(
      'data: {"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"index":0}],"modelVersion":"","responseId":"r"}\n\n',
    );
    const array = createGeminiEncoder("array", "r");
    const list = array.push(own) + array.push([...last, completed({ input: 1, output: 1 })]);
    expect(list).toContain('{ "candidates" : [');
    expect(JSON.parse(list)).toHaveLength(2);
  });

  it.each(["sse", "array"] as const)("ends a stream that failed with Google's error, as %s", (form) => {
    const encoder = createGeminiEncoder(form, "req_1");
    const said =
      encoder.push([started(), text("Hi")]) +
      encoder.error(new GatewayError("rate_limit_exceeded", "Slow.", { retryAfterMs: 34_400 }));
    const events: Json[] =
      form === "array"
        ? JSON.parse(said)
        : said
            .trim()
            .split("\n\n")
            .map((event) => JSON.parse(event.slice(6)));
    const { error } = events.at(-1);
    expect(error).toMatchObject({ code: 429, status: "RESOURCE_EXHAUSTED", message: "Slow." });
    expect(error.details.map((detail: Json) => detail["@type"].split(".").at(-1))).toEqual([
      "ErrorInfo",
      "RetryInfo",
      "RequestInfo",
    ]);
    expect(error.details[1].retryDelay).toBe("34.4s");
    // Nothing that a reader of arrays takes for the end of a whole answer.
    expect(JSON.stringify(events)).not.toContain("finishReason");
  });

  it("draws a picture in one piece, whatever pieces it came in", () => {
    const image = create(PartSchema, {
      kind: {
        case: "image",
        value: { media: { source: { case: "data", value: new Uint8Array(0) }, mediaType: "image/png" } },
      },
    });
    const place = { choice: 0, part: 0 } as const;
    const frames: Frame[] = [
      { case: "partStarted", value: { $typeName: "trunkline.v1.PartStarted", part: image }, ...place },
      { case: "mediaDelta", value: Buffer.from("ab"), ...place },
      { case: "mediaDelta", value: Buffer.from("c"), ...place },
      { case: "partFinished", value: { $typeName: "trunkline.v1.PartFinished", status: "", mediaType: "" }, ...place },
    ];
    const [first] = streamed([frames, end], "sse");
    expect(first.candidates[0].content.parts).toEqual([{ inlineData: { mimeType: "image/png", data: "YWJj" } }]);
  });
});

describe("what other providers want back", () => {
  const withoutLosses = (random: () => number) =>
    randomParts(random).filter(({ kind, proof }, i, all) => {
      const before = all[i - 1];
      // A signature behind what it proves cannot tell where that began, if the same kind stands before it unproved.
      const merges = before !== undefined && before.kind.case === kind.case && !before.proof && proof;
      const isNothing = kind.case === "opaque" && kind.value.provider === "gemini";
      return !merges && !isNothing && !(kind.case === "text" && kind.value === "");
    });
  const summary = ({ kind, proof }: Part) => {
    // Google has one form of proofs.
    const form = proof?.issuer === "gemini" ? "signature" : proof?.format;
    const evidence = proof && `${proof.issuer} ${form} ${Buffer.from(proof.data).toString()}`;
    switch (kind.case) {
      case "text":
        return { text: kind.value, evidence };
      case "reasoning":
        return { thought: kind.value.text || kind.value.summary.join("\n\n"), hidden: kind.value.redacted, evidence };
      case "toolCall":
        return { call: kind.value.id, args: kind.value.arguments, evidence };
      default:
        return { other: JSON.stringify(kind.value), evidence };
    }
  };
  /** Neighbours of one kind without proofs may be one. */
  const told = (parts: readonly Part[]) => {
    const list: ReturnType<typeof summary>[] = [];
    for (const one of parts.map(summary)) {
      const last = list.at(-1);
      if (last && "text" in last && "text" in one && !last.evidence && !one.evidence)
        last.text = `${last.text}${one.text}`;
      else if (last && "thought" in last && "thought" in one && !last.evidence && !one.evidence && !one.hidden) {
        last.thought = `${last.thought}${one.thought}`;
      } else list.push(one);
    }
    return list;
  };
  /** In a stream Google's signature of a text stands on an empty part behind it, as Google itself does it. */
  const asStreamed = (parts: readonly Part[]) =>
    parts.flatMap((one) => {
      const { kind, proof } = one;
      if (proof?.issuer !== "gemini" || kind.case !== "text") return [one];
      const hidden = create(PartSchema, { kind: { case: "reasoning", value: { redacted: true } }, proof });
      return [create(PartSchema, { kind }), hidden];
    });
  const givenBack = (contents: readonly Json[]) => requestOf({ contents: [hi, ...contents] }).messages[1]?.parts ?? [];

  it("survives a client of Gemini, whole and streamed", () => {
    const random = createRandom(5);
    let proofs = 0;
    for (let i = 0; i < 400; i++) {
      const parts = withoutLosses(random);
      const response = answer(structuredClone(parts));
      const content = whole(response).candidates[0].content;
      if (content === undefined) continue;
      expect(told(givenBack([content]))).toEqual(told(parts));
      const chunks = streamed([unfold(answer(structuredClone(parts)))], "sse");
      expect(told(givenBack(chunks.map((chunk) => chunk.candidates[0].content)))).toEqual(told(asStreamed(parts)));
      proofs += parts.filter(({ proof }) => proof).length;
    }
    expect(proofs).toBeGreaterThan(200);
  });

  it("is base64 in any alphabet, and refused when it was changed", () => {
    const thought = part(
      {
        case: "reasoning",
        value: { $typeName: "trunkline.v1.ReasoningPart", text: "t", summary: [], redacted: false },
      },
      { proof: proofOf("anthropic", "sig???>>>") },
    );
    const [encoded] = candidate([thought]).content.parts;
    const url = encoded.thoughtSignature.replaceAll("+", "-").replaceAll("/", "_");
    const [back] = givenBack([{ role: "model", parts: [{ ...encoded, thoughtSignature: url }] }]);
    expect(back?.proof).toEqual(thought.proof);
    const changed = { ...encoded, thoughtSignature: `${encoded.thoughtSignature.slice(0, 20)}AAAA` };
    expect(() => givenBack([{ role: "model", parts: [changed] }])).toThrow(
      /thoughtSignature must be sent back as it was received/,
    );
  });
});
