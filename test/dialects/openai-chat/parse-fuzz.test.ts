import { expect, it } from "vitest";
import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { readJsonBody } from "../../../src/dialects/json-body.ts";
import { encodeErrorBody } from "../../../src/dialects/openai-chat/error-body.ts";
import { parseChatRequest } from "../../../src/dialects/openai-chat/parse-request.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { createRandom } from "../../tooling/random.ts";

/** A body that uses most of what the dialect has. */
const whole = {
  model: "m",
  messages: [
    { role: "system", content: "s", cache_control: { type: "ephemeral", ttl: "5m" } },
    {
      role: "user",
      content: [
        { type: "text", text: "t" },
        { type: "image_url", image_url: { url: "data:image/png;base64,AAEC", detail: "low" } },
        { type: "input_audio", input_audio: { data: "AAEC", format: "wav" } },
        { type: "file", file: { file_id: "f" } },
      ],
    },
    {
      role: "assistant",
      content: null,
      reasoning_details: [{ type: "reasoning.text", text: "r", signature: "s", format: "anthropic", index: 0 }],
      tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
    },
    { role: "tool", tool_call_id: "c", content: "r" },
    { role: "assistant", content: "x", function_call: { name: "f", arguments: "{}" } },
  ],
  tools: [
    { type: "function", function: { name: "f", description: "d", parameters: { type: "object" }, strict: true } },
    {
      type: "custom",
      custom: { name: "g", format: { type: "grammar", grammar: { syntax: "lark", definition: "x" } } },
    },
    { type: "web_search", user_location: { approximate: { city: "c" } } },
  ],
  tool_choice: {
    type: "allowed_tools",
    allowed_tools: { mode: "auto", tools: [{ type: "function", function: { name: "f" } }] },
  },
  response_format: { type: "json_schema", json_schema: { name: "n", schema: {}, strict: true } },
  ...{ temperature: 1, n: 1, stop: ["a"], seed: 1, logit_bias: { "1": 1 }, metadata: { a: "b" } },
  ...{ stream: true, stream_options: { include_usage: true }, thinking: { type: "enabled", budget_tokens: 10 } },
  ...{ reasoning: { max_tokens: 10 }, audio: { format: "wav", voice: "v" }, modalities: ["text"] },
  ...{
    prediction: { type: "content", content: "p" },
    moderation: { model: "m", policy: { input: { mode: "block" } } },
  },
  ...{ prompt_cache_options: { mode: "implicit", ttl: "1h" }, provider_options: { openai: { a: 1 } } },
  ...{ web_search_options: { search_context_size: "low" }, functions: [{ name: "h" }], function_call: "auto" },
};

const strange = [
  null,
  true,
  -1,
  1e308,
  0.5,
  "",
  "\ud800",
  "x".repeat(600),
  [],
  [[]],
  {},
  { type: "x" },
  [null],
  { __proto__: null },
];

/** A copy with one random value, at any depth, replaced by something strange or removed. */
function mutate(value: unknown, random: () => number): unknown {
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  if (typeof value !== "object" || value === null || random() < 0.15) return pick(strange);
  if (Array.isArray(value)) {
    const at = Math.floor(random() * value.length);
    return value.map((element, i) => (i === at ? mutate(element, random) : element));
  }
  const chosen = pick(Object.keys(value));
  const entries = Object.entries(value).filter(([key]) => key !== chosen || random() > 0.1);
  return Object.fromEntries(entries.map(([key, member]) => [key, key === chosen ? mutate(member, random) : member]));
}

function outcome(bytes: Uint8Array): "read" | "refused" {
  try {
    parseChatRequest(readJsonBody(bytes), LossPolicy.UNSPECIFIED);
    return "read";
  } catch (error) {
    expect(error).toBeInstanceOf(GatewayError);
    const refusal = error as GatewayError;
    expect(refusal.code).toBe("invalid_value");
    expect(() => JSON.parse(encodeErrorBody(refusal))).not.toThrow();
    return "refused";
  }
}

it("reads the whole body", () => {
  expect(outcome(new TextEncoder().encode(JSON.stringify(whole)))).toBe("read");
});

it("refuses strange values with a GatewayError and nothing else", () => {
  const random = createRandom(1);
  const counts = { read: 0, refused: 0 };
  for (let i = 0; i < 4_000; i++) {
    let body: unknown = whole;
    for (let edits = 1 + Math.floor(random() * 3); edits > 0; edits--) body = mutate(body, random);
    counts[outcome(new TextEncoder().encode(JSON.stringify(body ?? null)))]++;
  }
  // Both outcomes must be common, or the test looks at one half only.
  expect(counts.read).toBeGreaterThan(300);
  expect(counts.refused).toBeGreaterThan(300);
  expect(({} as Record<string, unknown>).type).toBeUndefined();
});

it("refuses broken bytes with a GatewayError and nothing else", () => {
  const random = createRandom(2);
  const good = new TextEncoder().encode(JSON.stringify(whole));
  for (let i = 0; i < 3_000; i++) {
    const bytes = good.slice(0, random() < 0.2 ? Math.floor(random() * good.length) : good.length);
    for (let edits = 1 + Math.floor(random() * 3); edits > 0; edits--) {
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    }
    outcome(bytes);
  }
});
