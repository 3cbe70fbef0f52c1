import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatResponseSchema, type ChoiceSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import { FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import { UsageSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import { encodeChatResponse } from "../../../src/dialects/openai-chat/encode-response.ts";
import { encodeUsage } from "../../../src/dialects/openai-chat/encode-usage.ts";
import { encodeErrorBody, errorFace } from "../../../src/dialects/openai-chat/error-body.ts";
import { errorCodes, GatewayError } from "../../../src/domain/errors.ts";
import { requestOf } from "./parsing.ts";

type ChoiceInit = MessageInitShape<typeof ChoiceSchema>;

// biome-ignore lint/suspicious/noExplicitAny: JSON under test
function encode(choice: ChoiceInit, legacyFunctions = false): any {
  const response = create(ChatResponseSchema, { id: "r", model: "m", created: { seconds: 5n }, choices: [choice] });
  return JSON.parse(encodeChatResponse(response, { legacyFunctions }));
}

const proof = { issuer: "anthropic", format: "signature", data: new TextEncoder().encode("sig") };
const call = { id: "c", name: "f", arguments: '{"a":1}' };

describe("whole answers", () => {
  it("are chat.completion objects, every part in its place", () => {
    const parts = [
      { kind: { case: "reasoning", value: { text: "why" } }, proof },
      { kind: { case: "text", value: "a" } },
      { kind: { case: "text", value: "b" } },
      { kind: { case: "toolCall", value: call } },
      { kind: { case: "toolCall", value: { ...call, id: "d", kind: ToolCallKind.CUSTOM } } },
    ] as const;
    const answer = encode({ message: { parts: [...parts] }, finishReason: FinishReason.TOOL_CALLS });
    expect(answer).toEqual({
      id: "r",
      object: "chat.completion",
      created: 5,
      model: "m",
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: "ab",
            refusal: null,
            reasoning_content: "why",
            reasoning_details: [
              { type: "reasoning.text", text: "why", signature: "sig", format: "anthropic", index: 0 },
            ],
            tool_calls: [
              { id: "c", type: "function", function: { name: "f", arguments: '{"a":1}' } },
              { id: "d", type: "custom", custom: { name: "f", input: '{"a":1}' } },
            ],
          },
          logprobs: null,
          finish_reason: "tool_calls",
        },
      ],
    });
  });

  it("sent back as received, they are read as the parts that they were", () => {
    const { message } = encode({
      message: {
        parts: [
          { kind: { case: "reasoning", value: { text: "why" } }, proof },
          { kind: { case: "text", value: "a" } },
          { kind: { case: "toolCall", value: call }, proof: { ...proof, issuer: "gemini" } },
        ],
      },
    }).choices[0];
    expect(requestOf({ messages: [message] }).messages[0]?.parts).toMatchObject([
      { kind: { case: "reasoning", value: { text: "why" } }, proof: { issuer: "anthropic" } },
      { kind: { case: "text", value: "a" } },
      { kind: { case: "toolCall", value: call }, proof: { issuer: "gemini" } },
    ]);
  });

  it("without text say null beside calls and an empty text otherwise (edge case 111)", () => {
    expect(encode({ finishReason: FinishReason.LENGTH }).choices[0]).toMatchObject({
      message: { content: "" },
      finish_reason: "length",
    });
    const { message } = encode({ message: { parts: [{ kind: { case: "toolCall", value: call } }] } }).choices[0];
    expect(message.content).toBeNull();
  });

  it("edge case 59: a refusal without words carries its explanation", () => {
    const [choice] = encode({ finishReason: FinishReason.REFUSAL, finishMessage: "not this" }).choices;
    expect(choice).toMatchObject({ message: { content: null, refusal: "not this" }, finish_reason: "content_filter" });
  });

  it("end with stop where a model of OpenAI's own declined", () => {
    const parts = [{ kind: { case: "refusal", value: { text: "no" } } }] as const;
    const ended = { finishReason: FinishReason.REFUSAL, nativeFinishReason: "stop" };
    const [choice] = encode({ message: { parts: [...parts] }, ...ended }).choices;
    expect(choice).toMatchObject({ message: { content: null, refusal: "no" }, finish_reason: "stop" });
  });

  it("answer deprecated functions in their own words", () => {
    const parts = [{ kind: { case: "toolCall", value: call } }] as const;
    const [choice] = encode({ message: { parts: [...parts] }, finishReason: FinishReason.TOOL_CALLS }, true).choices;
    expect(choice.message.function_call).toEqual({ name: "f", arguments: '{"a":1}' });
    expect(choice.message.tool_calls).toBeUndefined();
    expect(choice.finish_reason).toBe("function_call");
  });
});

describe("usage", () => {
  const usage = (counts: MessageInitShape<typeof UsageSchema>) => encodeUsage(create(UsageSchema, counts));

  it("is absent when unknown, never zero", () => {
    expect(encodeUsage(undefined)).toBeNull();
    expect(usage({})).toBeNull();
  });

  it("edge cases 62, 64: details are told where they are known", () => {
    const counts = {
      inputTokens: 10_007,
      outputTokens: 50,
      cacheReadTokens: 9_000,
      cacheWriteTokens: 1_000,
      reasoningTokens: 20,
    };
    expect(usage(counts)).toEqual({
      prompt_tokens: 10_007,
      completion_tokens: 50,
      total_tokens: 10_057,
      prompt_tokens_details: { cached_tokens: 9_000, cache_write_tokens: 1_000 },
      completion_tokens_details: { reasoning_tokens: 20 },
    });
  });

  it("makes what is missing follow from the rest", () => {
    expect(usage({ totalTokens: 9, outputTokens: 4 })).toEqual({
      prompt_tokens: 5,
      completion_tokens: 4,
      total_tokens: 9,
    });
  });
});

describe("errors", () => {
  it("every code has a status, a type and a body", () => {
    for (const code of errorCodes) {
      const error = new GatewayError(code, "why", { param: "p" });
      expect(errorFace(error).status).toBeGreaterThanOrEqual(400);
      const body = JSON.parse(encodeErrorBody(error));
      expect(Object.keys(body.error)).toEqual(["message", "type", "param", "code"]);
    }
  });

  it.each([
    ["guardrail_blocked", 400, "content_filter"],
    ["budget_exceeded", 429, "insufficient_quota"],
    ["unknown_route", 404, "unknown_url"],
    ["rate_limit_exceeded", 429, "rate_limit_exceeded"],
    ["upstream_auth", 502, "upstream_auth"],
    ["timeout", 504, "timeout"],
    ["canceled", 499, "canceled"],
  ] as const)("%s is %i %s", (code, status, shown) => {
    const error = new GatewayError(code, "why");
    expect(errorFace(error).status).toBe(status);
    expect(JSON.parse(encodeErrorBody(error)).error.code).toBe(shown);
  });

  it.each([
    ["max_output_tokens", "max_completion_tokens"],
    ["choice_count", "n"],
    ["reasoning.effort", "reasoning_effort"],
    ["messages[3].parts[0].image", "messages[3].content[0].image"],
    ["temperature", "temperature"],
  ])("the contract's %s is OpenAI's %s", (field, param) => {
    expect(JSON.parse(encodeErrorBody(new GatewayError("unsupported_value", "why", { field }))).error.param).toBe(
      param,
    );
  });
});
