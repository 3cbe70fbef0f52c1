import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatRequestSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import type { ModelFacts } from "../../src/domain/model-facts.ts";
import { needsOf, unfitness } from "../../src/routing/fitness.ts";
import { targetNamed } from "./parts.ts";

type Request = MessageInitShape<typeof ChatRequestSchema>;

const why = (request: Request, facts: ModelFacts) =>
  unfitness(targetNamed("a/m", { facts }), needsOf(create(ChatRequestSchema, request)));

const tool: Request = { tools: [{ kind: { case: "function", value: { name: "f" } } }] };
const schema: Request = { responseFormat: { kind: { case: "jsonSchema", value: { name: "s", schema: "{}" } } } };
const image = { kind: { case: "image" as const, value: {} } };
const picture: Request = { messages: [{ parts: [image] }] };
const shown: Request = {
  messages: [{ parts: [{ kind: { case: "toolResult", value: { callId: "1", parts: [image] } } }] }],
};
const long: Request = { messages: [{ parts: [{ kind: { case: "text", value: "four".repeat(1_000) } }] }] };

describe("what a request asks of a model", () => {
  it.each<[string, Request, ModelFacts, string]>([
    ["tools", tool, { capabilities: ["json_schema"] }, "tools"],
    ["a JSON schema", schema, { capabilities: ["tools"] }, "json_schema"],
    ["an image", picture, { inputModalities: ["text"] }, "image"],
    ["an image in a tool's result", shown, { inputModalities: ["text"] }, "image"],
    ["audio in its answer", { output: { modalities: ["text", "audio"] } }, { outputModalities: ["text"] }, "audio"],
    ["a long prompt", long, { contextWindow: 1_000 }, "context_length"],
    ["a long answer", { maxOutputTokens: 2_000 }, { contextWindow: 1_000 }, "context_length"],
  ])("includes %s", (_, request, facts, reason) => {
    expect(why(request, facts)).toBe(reason);
    // Unknown is never "no".
    expect(why(request, {})).toBeNull();
  });

  it("is met by a model that has it", () => {
    const facts = { capabilities: ["tools", "json_schema"], inputModalities: ["text", "image"], contextWindow: 10_000 };
    for (const request of [tool, schema, picture, shown, long]) expect(why(request, facts)).toBeNull();
  });
});
