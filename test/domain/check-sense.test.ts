import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatRequestSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../../gen/trunkline/v1/message_pb.ts";
import { checkChat } from "../../src/domain/check-chat.ts";
import { GatewayError } from "../../src/domain/errors.ts";

type Request = MessageInitShape<typeof ChatRequestSchema>;
type Message = NonNullable<Request["messages"]>[number];
type Part = NonNullable<MessageInitShape<typeof ChatRequestSchema>["messages"]>[number]["parts"] extends infer P
  ? NonNullable<P> extends readonly (infer One)[]
    ? One
    : never
  : never;

const text = (value: string): Part => ({ kind: { case: "text", value } });
const call = (id: string): Part => ({ kind: { case: "toolCall", value: { id, name: "f", arguments: "{}" } } });
const result = (callId: string): Part => ({ kind: { case: "toolResult", value: { callId, parts: [text("ok")] } } });
const user = (...parts: Part[]): Message => ({ role: Role.USER, parts });
const assistant = (...parts: Part[]): Message => ({ role: Role.ASSISTANT, parts });
const tool = (...parts: Part[]): Message => ({ role: Role.TOOL, parts });

function refusalOf(request: Request): { readonly field?: string | undefined; readonly message: string } | null {
  try {
    checkChat(create(ChatRequestSchema, { model: "m", messages: [user(text("Hi"))], ...request }));
    return null;
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown;
    return { field: thrown.detail.field, message: thrown.message };
  }
}

describe("what makes sense passes", () => {
  it.each<[string, Request]>([
    ["a question", {}],
    ["an answer without a word, as it was received", { messages: [user(text("Hi")), assistant(), user(text("So?"))] }],
    [
      "results of the calls before them",
      { messages: [user(text("Go")), assistant(call("a"), call("b")), tool(result("b"), result("a"))] },
    ],
    [
      "a result among the user's words",
      { messages: [user(text("Go")), assistant(call("a")), user(result("a"), text("Well?"))] },
    ],
    [
      "one result answered twice over",
      { messages: [user(text("Go")), assistant(call("a")), tool(result("a")), assistant(text("ok"))] },
    ],
  ])("%s", (_, request) => {
    expect(refusalOf(request)).toBeNull();
  });
});

describe("what does not is refused with its place", () => {
  it.each<[string, Request, string]>([
    ["a question without words", { messages: [user()] }, "messages[0].parts"],
    [
      "a result that nobody asked for",
      { messages: [user(text("Hi")), tool(result("x"))] },
      "messages[1].parts[0].tool_result.call_id",
    ],
    [
      "a result before its call",
      { messages: [user(result("a")), assistant(call("a"))] },
      "messages[0].parts[0].tool_result.call_id",
    ],
    [
      "a result that the model gives",
      { messages: [assistant(call("a"), result("a"))] },
      "messages[0].parts[1].tool_result",
    ],
    ["a call that the user makes", { messages: [user(call("a"))] }, "messages[0].parts[0].tool_call"],
    [
      "a schema that is no JSON",
      { responseFormat: { kind: { case: "jsonSchema", value: { schema: "{nope" } } } },
      "response_format.json_schema.schema",
    ],
    ["likely tokens without likelihoods", { logprobs: false, topLogprobs: 3 }, "top_logprobs"],
    [
      "two tools of one name",
      { tools: ["f", "f"].map((name) => ({ kind: { case: "function" as const, value: { name } } })) },
      "tools[1]",
    ],
    [
      "a tool whose schema is no object",
      { tools: [{ kind: { case: "function", value: { name: "f", parametersSchema: "[]" } } }] },
      "tools[0].function.parameters_schema",
    ],
  ])("%s", (_, request, field) => {
    const refusal = refusalOf(request);
    expect(refusal?.field).toMatch(new RegExp(`^${field.replace(/[[\].]/g, "\\$&")}`));
    expect(refusal?.message.startsWith(refusal.field ?? "")).toBe(true);
  });
});
