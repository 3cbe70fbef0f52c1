import type { WholeReply } from "../exchange.ts";
import { WireError } from "../wire-error.ts";

/** A request that is wrong. */
export function invalid(message: string): WireError {
  return new WireError(400, "", message);
}

export function unknownModel(model: string): WireError {
  return new WireError(404, "", `model '${model}' not found, make sure the correct model ID was used (simulated)`);
}

export function failureOf(status: number, retryAfterSeconds: number): WireError {
  const headers = status === 429 || status >= 500 ? { "retry-after": String(retryAfterSeconds) } : {};
  const trial = "You are using a Trial key, which is limited to 20 API calls / minute. This failure is simulated.";
  return new WireError(status, "", status === 429 ? trial : `This failure with status ${status} is simulated.`, {
    headers: status === 429 ? { ...headers, "x-trial-endpoint-call-remaining": "0" } : headers,
  });
}

export function renderError(error: Error, requestId: string): WholeReply {
  const known = error instanceof WireError ? error : new WireError(500, "", "The simulator failed.");
  const { status, headers, message } = known;
  return { status, headers: { "x-debug-trace-id": requestId, ...headers }, body: { id: requestId, message } };
}
