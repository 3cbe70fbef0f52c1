import { describe, expect, it } from "vitest";
import { anthropic } from "../../../src/providers/anthropic/adapter.ts";
import { plainMemory } from "./fixtures.ts";

function failed(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return anthropic.fromError({ status, headers, body: text }, plainMemory);
}

const error = (type: string, message = "It failed.", details?: object) => ({
  type: "error",
  error: { type, message, ...(details && { details }) },
});

describe("a refused call", () => {
  it.each([
    [400, "invalid_request_error", "invalid_value"],
    [401, "authentication_error", "upstream_auth"],
    [402, "billing_error", "insufficient_quota"],
    [403, "permission_error", "upstream_auth"],
    [404, "not_found_error", "model_not_found"],
    [408, "timeout_error", "timeout"],
    [409, "conflict_error", "conflict"],
    [413, "request_too_large", "request_too_large"],
    [418, "teapot_error", "invalid_value"],
    [422, "invalid_request_error", "invalid_value"],
    [429, "rate_limit_error", "rate_limit_exceeded"],
    [500, "api_error", "upstream_error"],
    [501, "api_error", "not_implemented"],
    [502, "api_error", "service_unavailable"],
    [503, "api_error", "service_unavailable"],
    [504, "timeout_error", "timeout"],
    [529, "overloaded_error", "overloaded"],
    [302, "", "upstream_error"],
  ])("%d %s is %s", (status, type, code) => {
    expect(failed(status, error(type))).toMatchObject({
      code,
      detail: { upstreamStatus: status, provider: "anthropic" },
    });
  });

  it.each([
    "prompt is too long: 210000 tokens > 200000 maximum",
    "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
    "This model's maximum context length is 8192 tokens",
    "Your input exceeds the context window of this model",
    "Input is too long for requested model.",
  ])("a prompt that is too long is told apart: %s", (message) => {
    expect(failed(400, error("invalid_request_error", message)).code).toBe("context_length_exceeded");
  });

  it("an empty purse is no bad request, and waiting does not fill it", () => {
    const empty = failed(400, error("invalid_request_error", "Your credit balance is too low to access the API."));
    expect(empty).toMatchObject({ code: "insufficient_quota", detail: { retryable: false } });
    const capped = failed(429, error("rate_limit_error", "Limited.", { error_code: "contract_spend_limit_reached" }), {
      "retry-after": "5",
    });
    expect(capped).toMatchObject({ code: "insufficient_quota", detail: { retryable: false } });
    expect(capped.detail.retryAfterMs).toBeUndefined();
  });

  it("a file that is not there is no missing model; filtered content is said so", () => {
    expect(failed(404, error("not_found_error", "File file_1 was not found.")).code).toBe("file_not_found");
    expect(failed(400, error("invalid_request_error", "Output blocked by content filtering policy")).code).toBe(
      "content_filter",
    );
  });

  it("edge case 150: a refused key's words never reach the caller", () => {
    for (const status of [401, 403]) {
      const refused = failed(status, error("authentication_error", "invalid x-api-key: abcdefgh-1234"));
      expect(JSON.stringify([refused.message, refused.detail])).not.toContain("abcdefgh");
    }
    expect(failed(400, error("invalid_request_error", "bad sk-ant-api03-XyZ123")).message).toBe(
      "The provider says: bad [secret]",
    );
  });

  it.each([["<html><h1>Bad gateway</h1></html>"], [""], ["null"], ["[]"], ["plain words"]])(
    "keeps its status with the body %j",
    (body) => {
      expect(failed(502, body)).toMatchObject({
        code: "service_unavailable",
        message: "The provider answered with HTTP 502.",
      });
    },
  );

  it("tells whose request it was and how long to wait", () => {
    const limited = failed(429, error("rate_limit_error"), { "request-id": "req_1", "retry-after": "34.4" });
    expect(limited.detail).toMatchObject({
      upstreamRequestId: "req_1",
      retryAfterMs: 34_400,
      upstreamCode: "rate_limit_error",
    });
    expect(
      failed(529, error("overloaded_error"), { "retry-after": "2", "x-should-retry": "false" }).detail,
    ).toMatchObject({
      retryAfterMs: 2000,
      retryable: false,
    });
  });

  it("without retry-after, waits for the last of the exhausted limits", () => {
    const headers = {
      date: "Mon, 23 Nov 2026 13:00:00 GMT",
      "anthropic-ratelimit-requests-remaining": "0",
      "anthropic-ratelimit-requests-reset": "2026-11-23T13:00:07Z",
      "anthropic-ratelimit-input-tokens-remaining": "0",
      "anthropic-ratelimit-input-tokens-reset": "2026-11-23T13:00:21Z",
      "anthropic-ratelimit-tokens-remaining": "5",
      "anthropic-ratelimit-tokens-reset": "2026-11-23T14:00:00Z",
    };
    expect(failed(429, error("rate_limit_error"), headers).detail.retryAfterMs).toBe(21_000);
    expect(failed(429, error("rate_limit_error")).detail.retryAfterMs).toBeUndefined();
  });
});

describe("an error under HTTP 200", () => {
  const whole = (body: unknown) => () =>
    anthropic.fromResponse(
      { status: 200, headers: {}, body: typeof body === "string" ? body : JSON.stringify(body) },
      plainMemory,
    );

  it("is the provider's error in a whole answer too", () => {
    expect(whole(error("overloaded_error", "Overloaded"))).toThrow(expect.objectContaining({ code: "overloaded" }));
    expect(whole(error("authentication_error", "sk-ant-1234567"))).toThrow(
      expect.objectContaining({ code: "upstream_auth" }),
    );
  });

  it("is an upstream error where the body is no message", () => {
    for (const body of ["", "<html>", "[]", "{}", { content: [{}] }, { content: [{ type: "tool_use" }] }]) {
      expect(whole(body)).toThrow(expect.objectContaining({ code: "upstream_error" }));
    }
  });
});
