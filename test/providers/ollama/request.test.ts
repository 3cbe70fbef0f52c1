import { fromJson, type JsonObject } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatRequestSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import type { ModelFacts } from "../../../src/domain/model-facts.ts";
import type { Target } from "../../../src/domain/target.ts";
import { ollama } from "../../../src/providers/ollama/adapter.ts";

const user = { role: "ROLE_USER", parts: [{ text: "Hi" }] };

function targetOf(model: string, facts: ModelFacts = {}): Target {
  return { name: `ollama/${model}`, instance: "ollama", provider: "ollama", model, wire: "repair", facts };
}

function sent(request: JsonObject, target = targetOf("qwen3")) {
  const chat = fromJson(ChatRequestSchema, { model: "m", messages: [user], ...request });
  const { body, losses } = ollama.toRequest({ request: chat, stream: true }, target);
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

const call = { toolCall: { id: "c1", name: "f", arguments: "{}" } };
const result = (more: JsonObject) => ({ role: "ROLE_TOOL", parts: [{ toolResult: { parts: [], ...more } }] });

describe("a request to Ollama", () => {
  it("is refused where the server would read it as something else, or could not serve it", () => {
    expect(refusal(() => sent({ maxOutputTokens: 0 }))).toBe("unsupported_value max_output_tokens");
    expect(refusal(() => sent({ choiceCount: 2 }))).toBe("unsupported_value choice_count");
    expect(refusal(() => sent({ reasoning: { effort: "immense" } }))).toBe("unsupported_value reasoning.effort");
    expect(refusal(() => sent({ output: { modalities: ["audio"] } }))).toBe("unsupported_value output.modalities");
    const bad = { role: "ROLE_ASSISTANT", parts: [{ toolCall: { id: "c", name: "f", arguments: "[1]" } }] };
    expect(refusal(() => sent({ messages: [user, bad, user] }))).toBe(
      "invalid_value messages[1].parts[0].tool_call.arguments",
    );
    expect(refusal(() => sent({ messages: [user, result({ callId: "nobody" })] }))).toBe(
      "invalid_value messages[1].parts[0].tool_result.call_id",
    );
    expect(refusal(() => sent({ messages: [{ role: "ROLE_USER", parts: [{ text: "" }] }] }))).toBe(
      "invalid_value messages",
    );
  });

  it("is refused for its first loss where the caller wants none", () => {
    const strict = { verbosity: "low", lossPolicy: "LOSS_POLICY_REFUSE" };
    expect(refusal(() => sent(strict))).toBe("unsupported_parameter verbosity");
  });

  it("leaves out empty messages and says so", () => {
    const empty = { role: "ROLE_ASSISTANT", parts: [{ text: "" }] };
    const { body, losses } = sent({ messages: [user, empty, user] });
    expect(body.messages).toHaveLength(2);
    expect(losses).toEqual(["messages[1];dropped"]);
  });

  it("finds the call of a result by its id, and else takes the name that the result has", () => {
    const model = { role: "ROLE_ASSISTANT", parts: [call] };
    const { body } = sent({ messages: [user, model, result({ callId: "c1" }), result({ callId: "x", name: "g" })] });
    expect(body.messages.slice(2).map((message: { tool_name: string }) => message.tool_name)).toEqual(["f", "g"]);
  });

  it("shows only the tool whose call is demanded, and says that it cannot force one", () => {
    const tools = ["f", "g"].map((name) => ({ function: { name } }));
    const choose = (toolChoice: JsonObject) => {
      const { body, losses } = sent({ tools, toolChoice });
      return [body.tools.map((tool: { function: { name: string } }) => tool.function.name).join(), ...losses];
    };
    expect(choose({ toolName: "g" })).toEqual(["g", "tool_choice.tool_name;approximated"]);
    expect(choose({ mode: "TOOL_CHOICE_MODE_REQUIRED" })).toEqual(["f,g", "tool_choice.mode;approximated"]);
    const allowed = { names: ["f"], mode: "TOOL_CHOICE_MODE_REQUIRED" };
    expect(choose({ allowed })).toEqual(["f", "tool_choice.allowed;approximated"]);
    expect(refusal(() => choose({ toolName: "h" }))).toBe("invalid_value tool_choice");
    expect(refusal(() => sent({ toolChoice: { mode: "TOOL_CHOICE_MODE_REQUIRED" } }))).toBe(
      "invalid_value tool_choice",
    );
  });

  it("merges what only this provider knows, and nothing twice", () => {
    const options = (json: string) => ({ temperature: 0.5, providerOptions: { ollama: json } });
    const { body } = sent(options('{"keep_alive":-1,"options":{"num_ctx":4096},"truncate":true}'));
    expect(body).toMatchObject({ keep_alive: -1, options: { temperature: 0.5, num_ctx: 4096 }, truncate: true });
    const field = "invalid_value provider_options.ollama";
    expect(refusal(() => sent(options('{"options":{"temperature":1}}')))).toBe(`${field}.options.temperature`);
    expect(refusal(() => sent(options('{"model":"other"}')))).toBe(`${field}.model`);
    expect(refusal(() => sent(options('{"options":3}')))).toBe(`${field}.options`);
  });

  it("thinks as far as the model does", () => {
    const think = (reasoning: JsonObject, target?: Target) => sent({ reasoning }, target).body.think;
    const plain = targetOf("llama3.2", { capabilities: ["tools"] });
    expect(think({ budgetTokens: -1 })).toBe(true);
    expect(think({ effort: "none" }, plain)).toBeUndefined();
    expect(sent({ reasoning: { effort: "low" } }, plain).losses).toEqual(["reasoning.effort;dropped"]);
    expect(think({ effort: "max" }, targetOf("gpt-oss:20b"))).toBe("high");
    expect(sent({ reasoning: { effort: "medium" } }, targetOf("gpt-oss:20b")).losses).toEqual([]);
    expect(think({ budgetTokens: 9_000 }, targetOf("library/gpt-oss:120b-cloud"))).toBe("medium");
  });
});

describe("an answer from Ollama", () => {
  const memory = { target: targetOf("qwen3"), stream: false };
  const read = (body: string) => ollama.fromResponse({ status: 200, headers: {}, body }, memory);

  it("is an error unless it says that it is done", () => {
    expect(refusal(() => read('{"model":"m","message":{"content":"Hal"},"done":false}'))).toBe("upstream_cut");
    expect(refusal(() => read('{"model":"m","message":{"content":"Hal"},"done":true}'))).toBe("sent");
  });

  it("is an error when it is one, under any status, or nothing that can be read", () => {
    expect(refusal(() => read('{"error":"model \'x\' not found"}'))).toBe("model_not_found");
    expect(refusal(() => read('{"model":"m"}'))).toBe("upstream_error");
    expect(refusal(() => read("[]"))).toBe("upstream_error");
    expect(refusal(() => read("<html>"))).toBe("upstream_error");
    const nameless = '{"message":{"tool_calls":[{"function":{}}]},"done":true}';
    expect(refusal(() => read(nameless))).toBe("upstream_error");
  });

  it("has arguments from servers that write them as text, and none where there are none", () => {
    const args = (value: string) =>
      read(`{"message":{"tool_calls":[{"function":{"name":"f","arguments":${value}}}]},"done":true}`).flatMap(
        (frame) => (frame.case === "argumentsDelta" ? [frame.value] : []),
      );
    expect([args('"{\\"a\\":1}"'), args("null"), args('{"a":1.0}')]).toEqual([['{"a":1}'], ["{}"], ['{"a":1.0}']]);
  });
});
