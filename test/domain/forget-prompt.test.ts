import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { FunctionToolSchema, ToolSchema } from "../../gen/trunkline/v1/tool_pb.ts";
import { estimateInputTokens } from "../../src/domain/estimate.ts";
import { forgetPrompt } from "../../src/domain/forget-prompt.ts";
import { callOf } from "../providers/sending.ts";

it("leaves nothing of the prompt but its estimate", () => {
  const source = { dialect: "openai-chat", bytes: Buffer.from("{}"), members: new Map(), unknown: [] } as const;
  const call = { ...callOf(), source };
  const look = create(FunctionToolSchema, { name: "look", description: "Looks." });
  call.request.tools = [create(ToolSchema, { kind: { case: "function", value: look } })];
  const tokens = estimateInputTokens(call.request);
  forgetPrompt(call);
  expect(call).toMatchObject({ source: undefined, request: { messages: [], tools: [], model: "gpt-4o" } });
  expect(estimateInputTokens(call.request)).toBe(tokens);
});
