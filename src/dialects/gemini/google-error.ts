import type { ErrorCode, ErrorDetail } from "../../domain/errors.ts";
import { type Fields, fieldsOf, isFields, listOf, textOf } from "../openai-chat/wire.ts";
import { maxRepeatedLength, retryAfterMs, scrubbed } from "../upstream-errors.ts";
import { parseUpstreamJson } from "../upstream-json.ts";

/** What a failed call of a Google API means. */
export interface GoogleFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail: ErrorDetail;
}

/**
 * Reads `{"error":{code,message,status,details}}`, which may stand in a list, or whatever else came: the HTTP status
 * decides, the body refines (wire.md §5.4, contract section 2.7).
 * @param headers lower-case names
 */
export function readGoogleError(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): GoogleFailure {
  return failureOf(errorOf(body), status, headers);
}

/** An error that came inside an answer, under HTTP 200: its own `code` is the HTTP status that it would have had. */
export function readInnerError(error: unknown): GoogleFailure {
  const fields = isFields(error) ? error : {};
  const { code } = fields;
  return failureOf(fields, typeof code === "number" && code >= 400 ? code : 500, {});
}

function failureOf(error: Fields, status: number, headers: Readonly<Record<string, string>>): GoogleFailure {
  const word = textOf(error, "status");
  const words = textOf(error, "message");
  const details = listOf(error, "details");
  const reason = details.map((detail) => textOf(detail, "reason")).find((text) => text !== "") ?? "";
  const code = classify(status, word, words, reason);
  const upstreamCode = (reason || word).slice(0, maxCodeLength);
  const wait = waitable.has(code) ? (retryDelayMs(details) ?? retryAfterMs(headers)) : undefined;
  const field = fieldOf(code, words);
  return {
    code,
    // The provider's words on a wrong key may hold a part of it.
    message:
      code === "upstream_auth"
        ? `The provider refused the gateway's credential (HTTP ${status}).`
        : shown(words, status),
    detail: {
      ...(upstreamCode !== "" && { upstreamCode }),
      ...(field !== undefined && { field }),
      ...(code === "insufficient_quota" && { retryable: false }),
      ...(wait !== undefined && { retryAfterMs: wait }),
    },
  };
}

function classify(status: number, word: string, words: string, reason: string): ErrorCode {
  // A wrong key is a 400 here.
  if (reason.startsWith("API_KEY_") || status === 401) return "upstream_auth";
  if (status === 403)
    return aboutFile.test(words) ? "file_not_found" : aboutCache.test(words) ? "invalid_value" : "upstream_auth";
  if (status === 402 || (status === 429 && outOfMoney.test(words))) return "insufficient_quota";
  if (status === 400 || status === 413 || status === 422) return refusal(status, words);
  if (status === 404) {
    if (aboutCache.test(words)) return "invalid_value";
    return aboutFile.test(words) && !/\bmodel/i.test(words) ? "file_not_found" : "model_not_found";
  }
  if (status === 503 && /overloaded|high demand/i.test(words)) return "overloaded";
  return codes.get(status) ?? byWord.get(word) ?? (status >= 400 && status < 500 ? "invalid_value" : "upstream_error");
}

function refusal(status: number, words: string): ErrorCode {
  if (tooLong.test(words)) return "context_length_exceeded";
  if (status === 413 || /request payload size exceeds/i.test(words)) return "request_too_large";
  return /blocked by|safety/i.test(words) && /prompt|content/i.test(words) ? "content_filter" : "invalid_value";
}

const tooLong = /input token count .{0,40}exceeds|exceeds the maximum number of tokens|context (?:window|length)/i;
const aboutFile = /\bfiles?\b/i;
const aboutCache = /cached ?content/i;
const outOfMoney = /credits? (?:are|is|have been) (?:depleted|exhausted)|spend(?:ing)? (?:cap|limit)/i;
const maxCodeLength = 64;

const codes: ReadonlyMap<number, ErrorCode> = new Map([
  [408, "timeout"],
  [409, "conflict"],
  [429, "rate_limit_exceeded"],
  [499, "service_unavailable"],
  [500, "upstream_error"],
  [501, "not_implemented"],
  [502, "service_unavailable"],
  [503, "service_unavailable"],
  [504, "timeout"],
]);

const byWord: ReadonlyMap<string, ErrorCode> = new Map([
  ["RESOURCE_EXHAUSTED", "rate_limit_exceeded"],
  ["UNAVAILABLE", "service_unavailable"],
  ["DEADLINE_EXCEEDED", "timeout"],
]);

const waitable: ReadonlySet<ErrorCode> = new Set([
  ...(["timeout", "rate_limit_exceeded", "overloaded", "service_unavailable", "upstream_error", "conflict"] as const),
]);

/** `google.rpc.RetryInfo`: seconds with decimals, such as `34.4s`. Google sends no retry-after. */
function retryDelayMs(details: readonly Fields[]): number | undefined {
  const delay = details.map((detail) => textOf(detail, "retryDelay")).find((text) => text !== "");
  const seconds = /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(delay ?? "")?.[1];
  // The same bounds as for the header.
  return seconds === undefined ? undefined : retryAfterMs({ "retry-after": seconds });
}

function fieldOf(code: ErrorCode, words: string): string | undefined {
  return code === "invalid_value" && aboutCache.test(words) ? "cache.cached_content" : undefined;
}

function errorOf(body: string): Fields {
  let value: unknown;
  try {
    value = parseUpstreamJson(body);
  } catch {
    return {}; // HTML, plain text, nothing: the status says enough, and such text is no message for people.
  }
  const [first] = Array.isArray(value) ? value : [value];
  if (!isFields(first)) return {};
  return typeof first.error === "string" ? { message: first.error } : fieldsOf(first, "error");
}

function shown(words: string, status: number): string {
  const clean = scrubbed(words).trim();
  if (clean === "") return `The provider answered with HTTP ${status}.`;
  return `The provider says: ${clean}`.slice(0, maxRepeatedLength + 32);
}
