import type { WholeReply } from "../exchange.ts";
import { WireError } from "../wire-error.ts";

/** A request that is wrong. @param message begins with the member's path, as in `messages.0.role: …` */
export function invalid(message: string): WireError {
  return new WireError(400, "invalid_request_error", message);
}

const types: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  408: "timeout_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

export function failureOf(status: number, retryAfterSeconds: number): WireError {
  const retry = status === 429 || status >= 500 ? { "retry-after": String(retryAfterSeconds) } : {};
  return new WireError(status, types[status] ?? "api_error", `This failure with status ${status} is simulated.`, {
    headers: retry,
  });
}

export function renderError(error: Error, requestId: string): WholeReply {
  const known = error instanceof WireError ? error : new WireError(500, "api_error", "The simulator failed.");
  const { status, headers, message } = known;
  const type = types[status] ?? "api_error";
  return {
    status,
    headers: { "request-id": requestId, ...headers },
    body: { type: "error", error: { type, message }, request_id: requestId },
  };
}
