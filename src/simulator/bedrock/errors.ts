import type { WholeReply } from "../exchange.ts";
import { WireError } from "../wire-error.ts";

/** A request that is wrong. */
export function refused(message: string): WireError {
  return new WireError(400, "ValidationException", message);
}

const types: Readonly<Record<number, string>> = {
  400: "ValidationException",
  401: "UnrecognizedClientException",
  403: "AccessDeniedException",
  404: "ResourceNotFoundException",
  408: "ModelTimeoutException",
  424: "ModelErrorException",
  429: "ThrottlingException",
  500: "InternalServerException",
  503: "ServiceUnavailableException",
};

export function failureOf(status: number, retryAfterSeconds: number): WireError {
  const headers = status === 429 || status >= 500 ? { "retry-after": String(retryAfterSeconds) } : {};
  return new WireError(status, typeOf(status), `This failure with status ${status} is simulated.`, { headers });
}

export function renderError(error: Error, requestId: string): WholeReply {
  const known = error instanceof WireError ? error : new WireError(500, "InternalServerException", "It failed.");
  const { status, headers, message } = known;
  // Errors of the format behind have names of their own.
  const type = /Exception$/.test(known.type) ? known.type : typeOf(status);
  const own = { "x-amzn-requestid": requestId, "x-amzn-errortype": `${type}:http://internal.amazon.com/coral/` };
  return { status, headers: { ...headers, ...own }, body: { message } };
}

function typeOf(status: number): string {
  return types[status] ?? (status < 500 ? "ValidationException" : "InternalServerException");
}
