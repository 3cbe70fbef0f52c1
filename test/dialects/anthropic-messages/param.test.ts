import { describe, expect, it } from "vitest";
import { encodeMessagesError, messagesErrorFace } from "../../../src/dialects/anthropic-messages/error-body.ts";
import { withMessagesParam } from "../../../src/dialects/anthropic-messages/param.ts";
import { errorCodes, GatewayError } from "../../../src/domain/errors.ts";
import { hi, parse } from "./parsing.ts";

const instructed = parse({ system: "s", messages: [hi] });
const bare = parse({});

function paramOf(field: string, parsed = bare): string | undefined {
  return withMessagesParam(new GatewayError("invalid_value", "x", { field }), parsed).detail.param;
}

describe("a field in the words of Messages", () => {
  it.each([
    ["max_output_tokens", "max_tokens"],
    ["stop[1]", "stop_sequences[1]"],
    ["end_user_id", "metadata.user_id"],
    ["reasoning.effort", "output_config.effort"],
    ["reasoning.budget_tokens", "thinking.budget_tokens"],
    ["response_format.json_schema.schema", "output_config.format.schema"],
    ["tool_choice.tool_name", "tool_choice.name"],
    ["parallel_tool_calls", "tool_choice.disable_parallel_tool_use"],
    ["tools[2].function.parameters_schema", "tools[2].input_schema"],
    ["tools[2].web_search.options.max_uses", "tools[2].max_uses"],
    ["tools[0].hosted.type", "tools[0].type"],
    ["messages[0].parts[1].image.media", "messages[0].content[1].source"],
    ["messages[0].parts[1].tool_call.arguments", "messages[0].content[1].input"],
    ["messages[0].parts[1].tool_result.call_id", "messages[0].content[1].tool_use_id"],
    ["messages[0].parts[1].tool_result.parts[2].file.title", "messages[0].content[1].content[2].title"],
    ["messages[0].parts[1].reasoning.text", "messages[0].content[1].thinking"],
    ["messages[0].parts[1].cache.ttl", "messages[0].content[1].cache_control.ttl"],
    ["cache.ttl", "cache_control.ttl"],
    ["temperature", "temperature"],
    ["store", "store"],
  ])("%s is %s", (field, param) => {
    expect(paramOf(field)).toBe(param);
  });

  it("counts messages as the caller does, the system prompt apart", () => {
    expect(paramOf("messages[0].parts[1]", instructed)).toBe("system[1]");
    expect(paramOf("messages[3].parts[0].text", instructed)).toBe("messages[2].content[0].text");
  });

  it("leaves what the caller's own words say already", () => {
    const error = new GatewayError("invalid_value", "x", { field: "stop", param: "mine" });
    expect(withMessagesParam(error, bare)).toBe(error);
  });
});

describe("an error body", () => {
  it("has one of Anthropic's types and statuses for every code", () => {
    const types = new Set(errorCodes.map((code) => messagesErrorFace(new GatewayError(code, "x")).type));
    expect([...types].toSorted()).toEqual([
      ...["api_error", "authentication_error", "billing_error", "conflict_error", "invalid_request_error"],
      ...["not_found_error", "overloaded_error", "permission_error", "rate_limit_error", "request_too_large"],
      "timeout_error",
    ]);
  });

  it("begins with the path of the member at fault, as Anthropic's do", () => {
    const detail = { field: "messages[1].parts[0].text", param: "messages[0].content[0].text" };
    const error = new GatewayError("invalid_value", "messages[1].parts[0].text must be a string.", detail);
    expect(JSON.parse(encodeMessagesError(error, "req_9"))).toEqual({
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "messages.0.content.0.text: must be a string.",
        details: { error_code: "invalid_value", param: "messages[0].content[0].text" },
      },
      request_id: "req_9",
    });
  });

  it("is one line, whatever its message says", () => {
    expect(encodeMessagesError(new GatewayError("internal", "a\nb\r\nc"), "r")).not.toMatch(/[\r\n]/);
  });
});
