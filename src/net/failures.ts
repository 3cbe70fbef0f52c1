import { type ErrorCode, GatewayError } from "../domain/errors.ts";

/**
 * What a broken exchange means.
 * @param cause as undici or the system gave it; a GatewayError stays what it is
 * @param phase how far it had come: before it was written, written, or its head answered
 */
export function toFailure(cause: unknown, phase: "connecting" | "sent" | "answered"): GatewayError {
  if (cause instanceof GatewayError) return cause;
  const [code, message] = phase === "answered" ? cut : phase === "connecting" ? notSent(cause) : meaningOf(cause);
  return new GatewayError(code, message, {}, { cause });
}

type Meaning = readonly [code: ErrorCode, message: string];

const cut: Meaning = ["upstream_cut", "The connection to the provider broke before its answer was complete."];
const silent: Meaning = ["upstream_error", "The provider closed the connection without an answer."];
const unreachable: Meaning = ["service_unavailable", "The provider cannot be reached."];

const meanings: ReadonlyMap<string, Meaning> = new Map([
  ["UND_ERR_SOCKET", silent],
  ["ECONNRESET", silent],
  ["EPIPE", silent],
  ["UND_ERR_HEADERS_OVERFLOW", ["upstream_error", "The head of the provider's answer is too large."]],
]);

/** Nothing was sent, so nothing can have been done. */
function notSent(cause: unknown): Meaning {
  // A header or path that HTTP does not allow.
  const isOurs = cause instanceof Error && "code" in cause && cause.code === "UND_ERR_INVALID_ARG";
  return isOurs ? ["internal", "The request to the provider could not be written."] : unreachable;
}

function meaningOf(cause: unknown): Meaning {
  if (!(cause instanceof Error)) return unreachable;
  // Not every error of undici's parser has a code.
  if (cause.name === "HTTPParserError") return ["upstream_error", "The provider's answer is not HTTP."];
  return meanings.get("code" in cause ? String(cause.code) : "") ?? unreachable;
}
