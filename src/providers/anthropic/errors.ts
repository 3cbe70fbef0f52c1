import { type Fields, fieldsOrNone, isFields, text } from "../../dialects/anthropic-messages/fields.ts";
import { codeOfStatus, maxRepeatedLength, retryAfterMs, scrubbed, untilDate } from "../../dialects/upstream-errors.ts";
import { parseUpstreamJson } from "../../dialects/upstream-json.ts";
import { type ErrorCode, type ErrorDetail, GatewayError } from "../../domain/errors.ts";
import type { Target } from "../../domain/target.ts";
import type { DecodeMemory, HttpReply } from "../provider.ts";

/**
 * What a failed call means, by contract section 2.7. Bodies may be Anthropic's, another server's, HTML or nothing:
 * the status decides, the body refines.
 */
export function fromError(reply: HttpReply, memory: DecodeMemory): GatewayError {
  const error = errorOf(reply.body);
  const type = text(error, "type");
  const words = text(error, "message");
  const { code, advice } = classify(reply.status, type, words, text(fieldsOrNone(error, "details"), "error_code"));
  const { instance, model } = memory.target;
  const requestId = reply.headers["request-id"];
  const detail: ErrorDetail = {
    provider: instance,
    model,
    upstreamStatus: reply.status,
    ...(type && { upstreamCode: type.slice(0, maxCodeLength) }),
    ...(requestId && { upstreamRequestId: requestId }),
    ...retryAdvice(code, reply.headers),
  };
  return new GatewayError(code, advice ?? message(words, reply.status), detail);
}

/** An error that came inside an answer, under HTTP 200. */
export function failureOf(error: Fields, target: Target): GatewayError {
  const type = text(error, "type");
  const status = statuses.get(type) ?? 500;
  const words = text(error, "message");
  const { code, advice } = classify(status, type, words, text(fieldsOrNone(error, "details"), "error_code"));
  return new GatewayError(code, advice ?? message(words, status), {
    provider: target.instance,
    model: target.model,
    ...(type && { upstreamCode: type.slice(0, maxCodeLength) }),
    ...retryAdvice(code, {}),
  });
}

interface Verdict {
  readonly code: ErrorCode;
  /** Replaces the provider's words, where they must not be shown. */
  readonly advice?: string;
}

function classify(status: number, type: string, words: string, errorCode: string): Verdict {
  // The gateway's own key is at fault, not the caller's; the provider's words may hold a part of it.
  if (status === 401 || status === 403) {
    return { code: "upstream_auth", advice: `The provider refused the gateway's credential (HTTP ${status}).` };
  }
  if (isOutOfMoney(status, type, words, errorCode)) return { code: "insufficient_quota" };
  if (status === 400 || status === 413 || status === 422) return { code: refusalCode(status, type, words) };
  if (status === 404) return { code: aboutFile(words) ? "file_not_found" : "model_not_found" };
  return { code: codeOfStatus(status) };
}

function isOutOfMoney(status: number, type: string, words: string, errorCode: string): boolean {
  if (status === 402 || type === "billing_error" || errorCode.endsWith("spend_limit_reached")) return true;
  return status < 500 && /credit balance is too low|spend(?:ing)? limit/i.test(words);
}

function refusalCode(status: number, type: string, words: string): ErrorCode {
  if (tooLong.test(words)) return "context_length_exceeded";
  if (status === 413 || type === "request_too_large") return "request_too_large";
  return filtered.test(words) ? "content_filter" : "invalid_value";
}

function aboutFile(words: string): boolean {
  return /\bfile/i.test(words) && !/\bmodel/i.test(words);
}

// Anthropic's own wordings and those of servers that speak its format.
const tooLong =
  /prompt is too long|input is too long|exceeds? (?:the )?(?:model'?s? )?(?:maximum )?context|context (?:window|length)|input length and `max_tokens` exceed|too many (?:input )?tokens/i;
const filtered = /content filter|blocked by content/i;

/** The status that each error type goes with, for errors that come without one. */
const statuses: ReadonlyMap<string, number> = new Map([
  ["invalid_request_error", 400],
  ["authentication_error", 401],
  ["billing_error", 402],
  ["permission_error", 403],
  ["not_found_error", 404],
  ["conflict_error", 409],
  ["request_too_large", 413],
  ["rate_limit_error", 429],
  ["api_error", 500],
  ["timeout_error", 504],
  ["overloaded_error", 529],
]);

function retryAdvice(code: ErrorCode, headers: HttpReply["headers"]): ErrorDetail {
  const said = headers["x-should-retry"];
  if (code === "insufficient_quota") return { retryable: false };
  const wait = waitable.has(code) ? (retryAfterMs(headers) ?? untilReset(code, headers)) : undefined;
  return {
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    ...(said === "true" || said === "false" ? { retryable: said === "true" } : {}),
  };
}

const waitable: ReadonlySet<ErrorCode> = new Set([
  "timeout",
  "rate_limit_exceeded",
  "overloaded",
  "service_unavailable",
  "upstream_error",
  "conflict",
]);

/** Without `retry-after`: when the last of the exhausted limits is reset. */
function untilReset(code: ErrorCode, headers: HttpReply["headers"]): number | undefined {
  if (code !== "rate_limit_exceeded") return undefined;
  const waits = limits
    .filter((limit) => headers[`anthropic-ratelimit-${limit}-remaining`] === "0")
    .map((limit) => untilDate(headers[`anthropic-ratelimit-${limit}-reset`], headers.date) ?? 0);
  return waits.length === 0 ? undefined : Math.max(...waits);
}

const limits = ["requests", "tokens", "input-tokens", "output-tokens"];

/** `{"type":"error","error":{…}}`, `{"error":{…}}`, `{"error":"…"}` or anything else. */
function errorOf(body: string): Fields {
  let value: unknown;
  try {
    value = parseUpstreamJson(body);
  } catch {
    return {}; // HTML, plain text, nothing: the status says enough, and such text is no message for people.
  }
  if (!isFields(value)) return {};
  if (isFields(value.error)) return value.error;
  return typeof value.error === "string" ? { message: value.error } : {};
}

function message(words: string, status: number): string {
  const shown = scrubbed(words).trim();
  if (shown === "") return `The provider answered with HTTP ${status}.`;
  return `The provider says: ${shown}`.slice(0, maxRepeatedLength + 32);
}

const maxCodeLength = 64;
