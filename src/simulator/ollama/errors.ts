import type { WholeReply } from "../exchange.ts";
import { WireError } from "../wire-error.ts";

/** A request that is wrong. */
export function invalid(message: string): WireError {
  return new WireError(400, "", message);
}

export function unknownModel(model: string): WireError {
  return new WireError(404, "", `model '${model}' not found`);
}

export function failureOf(status: number, retryAfterSeconds: number): WireError {
  // A server of one's own says nothing of when to come back; the cloud does.
  const headers = status === 429 ? { "retry-after": String(retryAfterSeconds) } : {};
  const busy = "server busy, please try again.  maximum pending requests exceeded (simulated)";
  return new WireError(status, "", status === 503 ? busy : `This failure with status ${status} is simulated.`, {
    headers,
  });
}

export function renderError(error: Error): WholeReply {
  const known = error instanceof WireError ? error : new WireError(500, "", "The simulator failed.");
  return { status: known.status, headers: known.headers, body: { error: known.message } };
}
