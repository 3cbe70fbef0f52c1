import { fromJson, type JsonObject } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatRequestSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import type { Target } from "../../../src/domain/target.ts";
import { cohere } from "../../../src/providers/cohere/adapter.ts";
import { packageFacts } from "../../fakes/facts.ts";

const user = { role: "ROLE_USER", parts: [{ text: "Hi" }] };
const tool = (name: string, strict?: boolean) => ({ function: { name, ...(strict !== undefined && { strict }) } });

function sent(request: JsonObject, model = "command-a-03-2025") {
  const target: Target = {
    name: `cohere/${model}`,
    instance: "cohere",
    provider: "cohere",
    model,
    wire: "repair",
    facts: packageFacts("cohere", model),
  };
  const chat = fromJson(ChatRequestSchema, { model: "m", messages: [user], ...request });
  const { body, losses } = cohere.toRequest({ request: chat, stream: true }, target);
  return { body: JSON.parse(String(body)), losses: losses.map(({ field, action }) => `${field};${action}`) };
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof GatewayError) return `${error.code} ${error.detail.field ?? ""}`.trim();
    throw error;
  }
  return "sent";
}

describe("a request to Cohere", () => {
  it("forces one tool by sending that one alone", () => {
    const { body, losses } = sent({ tools: [tool("f"), tool("g")], toolChoice: { toolName: "g" } });
    expect(body).toMatchObject({ tools: [{ function: { name: "g" } }], tool_choice: "REQUIRED" });
    expect(losses).toEqual(["tool_choice.tool_name;approximated"]);
    expect(sent({ tools: [tool("g")], toolChoice: { toolName: "g" } }).losses).toEqual([]);
    expect(refusal(() => sent({ tools: [tool("f")], toolChoice: { toolName: "g" } }))).toBe(
      "invalid_value tool_choice",
    );
  });

  it("restricts the choice to the allowed tools", () => {
    const allowed = { mode: "TOOL_CHOICE_MODE_REQUIRED", names: ["f"] };
    const { body, losses } = sent({ tools: [tool("f"), tool("g")], toolChoice: { allowed } });
    expect(body).toMatchObject({ tools: [{ function: { name: "f" } }], tool_choice: "REQUIRED" });
    expect(losses).toEqual(["tool_choice.allowed;approximated"]);
  });

  it("is strict with all tools when it is with one, and says so of the others", () => {
    const { body, losses } = sent({ tools: [tool("f", true), tool("g", false), tool("h")] });
    expect(body.strict_tools).toBe(true);
    expect(losses).toEqual(["tools[1];approximated", "tools[2];approximated"]);
    expect(sent({ tools: [tool("f", false)] }).body).not.toHaveProperty("strict_tools");
  });

  it("turns reasoning off where the model reasons, and says nothing of it where it does not", () => {
    const off = { reasoning: { effort: "none" } };
    expect(sent(off, "command-a-reasoning-08-2025").body.thinking).toEqual({ type: "disabled" });
    expect(sent(off)).toMatchObject({ losses: [] });
    expect(sent(off).body).not.toHaveProperty("thinking");
    expect(sent({ reasoning: { budgetTokens: -1 } }, "some-later-model").body.thinking).toEqual({ type: "enabled" });
  });

  it("is refused for what the provider cannot carry", () => {
    const result = { role: "ROLE_TOOL", parts: [{ toolResult: { callId: "nobody", parts: [{ text: "x" }] } }] };
    expect(refusal(() => sent({ messages: [user, result] }))).toBe(
      "invalid_value messages[1].parts[0].tool_result.call_id",
    );
    const pdf = { file: { media: { data: Buffer.from("%PDF-1.4").toString("base64"), mediaType: "application/pdf" } } };
    expect(refusal(() => sent({ messages: [{ role: "ROLE_USER", parts: [pdf] }] }))).toBe(
      "unsupported_value messages[0].parts[0].file",
    );
    const uploaded = { image: { media: { fileId: "file-1" } } };
    expect(refusal(() => sent({ messages: [{ role: "ROLE_USER", parts: [uploaded] }] }))).toBe(
      "unsupported_value messages[0].parts[0].image.media",
    );
    expect(refusal(() => sent({ providerOptions: { cohere: '{"p":0.5}' } }))).toBe(
      "invalid_value provider_options.cohere.p",
    );
  });

  it("leaves out empty messages and says so", () => {
    const empty = { role: "ROLE_ASSISTANT", parts: [{ text: "" }] };
    const { body, losses } = sent({ messages: [user, empty, user] });
    expect(body.messages).toHaveLength(2);
    expect(losses).toEqual(["messages[1];dropped"]);
  });
});
