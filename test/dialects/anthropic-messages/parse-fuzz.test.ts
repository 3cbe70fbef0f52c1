import { expect, it } from "vitest";
import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { encodeMessagesError } from "../../../src/dialects/anthropic-messages/error-body.ts";
import { parseMessagesRequest } from "../../../src/dialects/anthropic-messages/parse-request.ts";
import { readJsonBody } from "../../../src/dialects/json-body.ts";
import { proofCarrier, wrapPart } from "../../../src/dialects/wrapped-parts.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { createRandom } from "../../tooling/random.ts";
import { mutate } from "../mutate.ts";
import { proofOf } from "./random-parts.ts";

/** A body that uses most of what the dialect has. */
const whole = {
  model: "m",
  ...{ max_tokens: 9, temperature: 1, top_p: 1, top_k: 1, stop_sequences: ["a"], stream: true, service_tier: "auto" },
  ...{
    metadata: { user_id: "u" },
    cache_control: { type: "ephemeral" },
    thinking: { type: "enabled", budget_tokens: 9 },
  },
  ...{ container: "c", mcp_servers: [{ name: "m" }], context_management: { edits: [] }, fallback_models: ["n"] },
  output_config: { effort: "low", format: { type: "json_schema", schema: {} }, task_budget: { total: 1 } },
  system: [{ type: "text", text: "s", cache_control: { type: "ephemeral", ttl: "1h" } }],
  messages: [
    {
      role: "user",
      content: [
        { type: "text", text: "t" },
        { type: "image", source: { type: "base64", media_type: "image/png", data: "AAEC" } },
        { type: "document", source: { type: "content", content: [{ type: "text", text: "d" }] }, title: "t" },
        { type: "search_result", source: "s", title: "t", content: [{ type: "text", text: "p" }] },
      ],
    },
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "r", signature: "s" },
        { type: "redacted_thinking", data: wrapPart(proofCarrier(proofOf("gemini", "p"), "c")) },
        { type: "text", text: "x", citations: [{ type: "char_location", cited_text: "c", document_index: 0 }] },
        { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: {} },
        {
          type: "web_search_tool_result",
          tool_use_id: "srvtoolu_1",
          content: [{ type: "web_search_result", url: "u" }],
        },
        { type: "tool_use", id: "c", name: "f", input: { a: 1 }, caller: { type: "x" } },
      ],
    },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "c", content: [{ type: "text", text: "r" }] }] },
    { role: "system", content: "now" },
  ],
  tools: [
    { name: "f", description: "d", input_schema: { type: "object" }, strict: true, input_examples: [{ a: 1 }] },
    { type: "web_search_20260209", name: "web_search", user_location: { type: "approximate", city: "c" } },
    { type: "bash_20250124", name: "bash" },
  ],
  tool_choice: { type: "tool", name: "f", disable_parallel_tool_use: true },
};

function outcome(bytes: Uint8Array): "read" | "refused" {
  try {
    parseMessagesRequest(readJsonBody(bytes), { lossPolicy: LossPolicy.UNSPECIFIED, header: () => undefined });
    return "read";
  } catch (error) {
    expect(error).toBeInstanceOf(GatewayError);
    const refusal = error as GatewayError;
    expect(refusal.code).toBe("invalid_value");
    expect(() => JSON.parse(encodeMessagesError(refusal, "r"))).not.toThrow();
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
