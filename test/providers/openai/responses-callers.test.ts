import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { PartSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import { wrapPart } from "../../../src/dialects/wrapped-parts.ts";
import type { Target } from "../../../src/domain/target.ts";
import { openai } from "../../../src/providers/openai/adapter.ts";
import { proofOf } from "../../dialects/anthropic-messages/random-parts.ts";
import { parse } from "../../dialects/openai-responses/reading.ts";

const target = { name: "openai/gpt-4o", instance: "openai", provider: "openai", model: "gpt-4o", facts: {} } as const;

function sent(body: Record<string, unknown>, more: Partial<Target> = {}) {
  const request = openai.toRequest(parse(body).call, { ...target, wire: "exact", ...more });
  const { path, losses } = request;
  return { path, text: String(request.body), fields: losses.map(({ field }) => field) };
}

const user = { role: "user", content: "hi" };

it("a caller of Responses is asked for there at OpenAI's own servers, with its own body", () => {
  const { path, text, fields } = sent({ input: [user], newer: [1], truncation: "auto" });
  expect(path).toBe("/responses");
  expect(text).toBe('{"model":"gpt-4o","input":[{"role":"user","content":"hi"}],"newer":[1],"truncation":"auto"}');
  expect(fields).toEqual([]);
});

it("and in chat at other servers, or where the model entry says so, with what is lost named", () => {
  for (const more of [{ wire: "repair" }, { facts: { api: "chat" } }] as const) {
    const { path, text, fields } = sent({ newer: 1 }, more);
    expect(path).toBe("/chat/completions");
    expect(JSON.parse(text).messages).toEqual([user]);
    expect(fields).toEqual(["newer"]);
  }
});

it("the body is built anew where it holds what another model made", () => {
  const part = create(PartSchema, { kind: { case: "reasoning", value: {} }, proof: proofOf("gemini", "p") });
  const wrapped = { type: "reasoning", id: "rs_tl_1", summary: [], encrypted_content: wrapPart(part) };
  const bare = { type: "reasoning", id: "rs_tl_1", summary: [{ type: "summary_text", text: "thought" }] };
  for (const foreign of [wrapped, bare]) {
    const { path, text, fields } = sent({ input: [user, foreign, { role: "assistant", content: "x" }, user] });
    expect(path).toBe("/responses");
    expect(text).not.toContain("rs_tl_1");
    expect(fields).toContain("messages[1].parts[0].reasoning");
  }
  const own = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "sealed" };
  expect(sent({ input: [user, own, user] }).text).toContain('"sealed"');
});
