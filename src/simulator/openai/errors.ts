import type { WholeReply } from "../exchange.ts";
import { WireError } from "../wire-error.ts";

/** A member of the request that is wrong. @param param its path, such as `messages[0].role` */
export function invalid(param: string | null, message: string, code = "invalid_value"): WireError {
  return new WireError(400, "invalid_request_error", message, param === null ? {} : { param, code });
}

export function unknownModel(model: string): WireError {
  const message = `The model \`${model}\` does not exist; simulated are echo, reasoner, embed, and names as gpt-… and o….`;
  return new WireError(404, "invalid_request_error", message, { code: "model_not_found", param: "model" });
}

const types: Readonly<Record<number, readonly [type: string, code?: string]>> = {
  400: ["invalid_request_error", "invalid_value"],
  401: ["invalid_request_error", "invalid_api_key"],
  402: ["insufficient_quota", "insufficient_quota"],
  403: ["invalid_request_error", "unsupported_country_region_territory"],
  404: ["invalid_request_error", "model_not_found"],
  413: ["invalid_request_error"],
  429: ["requests", "rate_limit_exceeded"],
  503: ["overloaded_error", "overloaded"],
};

export function failureOf(status: number, retryAfterSeconds: number): WireError {
  const [type, code] = types[status] ?? [status < 500 ? "invalid_request_error" : "server_error"];
  const retry = status === 429 || status >= 500 ? { "retry-after": String(retryAfterSeconds) } : {};
  const limits =
    status === 429
      ? {
          "x-ratelimit-limit-requests": "60",
          "x-ratelimit-remaining-requests": "0",
          "x-ratelimit-reset-requests": "1s",
        }
      : {};
  return new WireError(status, type, `This failure with status ${status} is simulated.`, {
    ...(code === undefined ? {} : { code }),
    headers: { ...retry, ...limits },
  });
}

export function renderError(error: Error, requestId: string): WholeReply {
  const known = error instanceof WireError ? error : new WireError(500, "server_error", "The simulator failed.");
  const { status, headers, message, type, param, code } = known;
  return {
    status,
    headers: { "x-request-id": requestId, ...headers },
    body: { error: { message, type, param, code } },
  };
}
