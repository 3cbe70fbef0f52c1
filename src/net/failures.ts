import { type ErrorCode, type ErrorDetail, GatewayError } from "../domain/errors.ts";

/**
 * What a broken exchange means.
 * @param cause as undici or the system gave it; a GatewayError stays what it is
 * @param answered whether the head of the answer had arrived
 */
export function toFailure(cause: unknown, answered: boolean): GatewayError {
  if (cause instanceof GatewayError) return cause;
  const [code, message, detail] = answered ? cut : meaningOf(cause);
  return new GatewayError(code, message, detail, { cause });
}

type Meaning = readonly [code: ErrorCode, message: string, detail?: ErrorDetail];

const cut: Meaning = ["upstream_cut", "The connection to the provider broke before its answer was complete."];
const silent: Meaning = ["upstream_error", "The provider closed the connection without an answer."];
const unreachable: Meaning = ["service_unavailable", "The provider cannot be reached."];

const meanings: ReadonlyMap<string, Meaning> = new Map([
  ["UND_ERR_SOCKET", silent],
  ["ECONNRESET", silent],
  ["EPIPE", silent],
  ["UND_ERR_CONNECT_TIMEOUT", ["timeout", "The provider could not be reached in time.", { phase: "connect" }]],
  ["UND_ERR_HEADERS_OVERFLOW", ["upstream_error", "The head of the provider's answer is too large."]],
  // A header or path that HTTP does not allow; nothing was sent.
  ["UND_ERR_INVALID_ARG", ["internal", "The request to the provider could not be written."]],
]);

function meaningOf(cause: unknown): Meaning {
  if (!(cause instanceof Error)) return unreachable;
  // Not every error of undici's parser has a code.
  if (cause.name === "HTTPParserError") return ["upstream_error", "The provider's answer is not HTTP."];
  return meanings.get("code" in cause ? String(cause.code) : "") ?? unreachable;
}
