import { type Fields, isFields, listOf, textOf } from "../../dialects/openai-chat/wire.ts";
import { codeOfStatus, retryAfterMs, scrubbed } from "../../dialects/upstream-errors.ts";
import { parseUpstreamJson } from "../../dialects/upstream-json.ts";
import { type ErrorCode, type ErrorDetail, GatewayError } from "../../domain/errors.ts";
import type { Target } from "../../domain/target.ts";
import type { DecodeMemory, HttpReply } from "../provider.ts";

/** What a server's failures mean where its words say more than its status. The first that fits counts. */
export type ErrorRules = readonly {
  /** Absent: any. */
  readonly status?: number;
  /** Found in the error object's JSON. */
  readonly words: RegExp;
  readonly code: ErrorCode;
}[];

/** By which a provider finds a call again: OpenAI's and most others', OpenRouter's, Mistral's. */
const requestIdHeaders = ["x-request-id", "x-generation-id", "mistral-correlation-id"];

/**
 * What a failed call means, by contract section 2.7. Bodies may be OpenAI's, another server's, HTML or nothing: the
 * status decides, the body refines.
 */
export function fromError(reply: HttpReply, memory: DecodeMemory, rules: ErrorRules = []): GatewayError {
  const requestId = requestIdHeaders.map((name) => reply.headers[name]).find(Boolean);
  return toError(reply.status, errorIn(reply.body), memory.target, rules, reply.headers, {
    upstreamStatus: reply.status,
    ...(requestId && { upstreamRequestId: requestId }),
  });
}

/** An error that came inside an answer, under HTTP 200. */
export function failureOf(error: unknown, target: Target, rules: ErrorRules = []): GatewayError {
  const fields: Fields = isFields(error) ? worded(error) : { message: typeof error === "string" ? error : "" };
  const status = typeof fields.code === "number" ? fields.code : statusOf(fields);
  return toError(status >= 400 && status < 600 ? status : 500, fields, target, rules, {}, {});
}

/** Chat names the class of the error by its type; a failed response has a code alone. */
function statusOf(error: Fields): number {
  const code = textOf(error, "code");
  return statuses.get(textOf(error, "type")) ?? statuses.get(code) ?? (callersFault.test(code) ? 400 : 500);
}

/** Codes of failed responses that are about what was sent (the SDK's `ResponseError`). */
const callersFault =
  /^(?:invalid_|image_|empty_image|unsupported_|failed_to_download_image|context_length_|bio_policy$|misalignment_policy_)/;
const policies: ReadonlySet<string> = new Set([
  "content_filter",
  "content_policy_violation",
  // A prompt that was flagged, whatever the name says.
  "invalid_prompt",
  "bio_policy",
  "image_content_policy_violation",
  "misalignment_policy_violation",
]);

function toError(
  status: number,
  error: Fields,
  target: Target,
  rules: ErrorRules,
  headers: HttpReply["headers"],
  facts: ErrorDetail,
): GatewayError {
  const upstreamCode = textOf(error, "code") || textOf(error, "type");
  const words = textOf(error, "message");
  const { code, advice } =
    ruled(status, error, rules) ?? classify(status, textOf(error, "type"), textOf(error, "code"), words);
  const param = textOf(error, "param");
  return new GatewayError(code, advice ?? message(words, status), {
    ...facts,
    provider: target.instance,
    model: target.model,
    ...(upstreamCode && { upstreamCode: scrubbed(upstreamCode).slice(0, maxCodeLength) }),
    ...(param && requestFaults.has(code) && { param: param.slice(0, maxParamLength), field: fieldOf(param) }),
    ...retryAdvice(code, headers),
  });
}

interface Verdict {
  readonly code: ErrorCode;
  /** Replaces the provider's words, where they must not be shown. */
  readonly advice?: string;
}

function ruled(status: number, error: Fields, rules: ErrorRules): Verdict | null {
  if (rules.length === 0) return null;
  const text = JSON.stringify(error).slice(0, maxRuledLength);
  const rule = rules.find((one) => (one.status ?? status) === status && one.words.test(text));
  if (!rule) return null;
  return rule.code === "upstream_auth" ? { code: rule.code, advice: refusedCredential(status) } : { code: rule.code };
}

/** Rules look for words that stand at the beginning. Characters. */
const maxRuledLength = 4_096;

function refusedCredential(status: number): string {
  return `The provider refused the gateway's credential (HTTP ${status}).`;
}

function classify(status: number, type: string, code: string, words: string): Verdict {
  // The gateway's own key is at fault, not the caller's; the provider's words hold a part of it.
  if (status === 401 || status === 403) {
    return { code: "upstream_auth", advice: refusedCredential(status) };
  }
  if (status === 402 || code === "insufficient_quota" || type === "insufficient_quota")
    return { code: "insufficient_quota" };
  if (policies.has(code)) return { code: "content_filter" };
  if (status === 400 || status === 413 || status === 422) return { code: refusalCode(status, code, words) };
  if (status === 404)
    return { code: /\bfile\b/i.test(words) && !/\bmodel\b/i.test(words) ? "file_not_found" : "model_not_found" };
  if (status === 503 && /overloaded/i.test(code + words)) return { code: "overloaded" };
  return { code: codeOfStatus(status) };
}

function refusalCode(status: number, code: string, words: string): ErrorCode {
  if (code === "context_length_exceeded" || tooLong.test(words)) return "context_length_exceeded";
  if (code === "unsupported_parameter" || code === "unsupported_value") return code;
  return status === 413 ? "request_too_large" : "invalid_value";
}

/** The wordings of OpenAI and of servers that speak its format. */
const tooLong =
  /maximum context length|context (?:window|length|size)|prompt is too long|input is too long|too many (?:input )?tokens|reduce the length of the messages/i;

/** The status that each error type goes with, for errors that come without one. */
const statuses: ReadonlyMap<string, number> = new Map([
  ["invalid_request_error", 400],
  ["authentication_error", 401],
  ["permission_error", 403],
  ["not_found_error", 404],
  ["insufficient_quota", 402],
  ["rate_limit_error", 429],
  ["rate_limit_exceeded", 429],
  ["server_error", 500],
  ["overloaded_error", 529],
]);

const requestFaults: ReadonlySet<ErrorCode> = new Set([
  "invalid_value",
  "unsupported_parameter",
  "unsupported_value",
  "context_length_exceeded",
]);

/** Names that differ between chat completions and the contract; paths inside messages differ more and are cut there. */
const fields: ReadonlyMap<string, string> = new Map([
  ["max_tokens", "max_output_tokens"],
  ["max_completion_tokens", "max_output_tokens"],
  ["n", "choice_count"],
  ["reasoning_effort", "reasoning.effort"],
  ["text.verbosity", "verbosity"],
  ["text.format", "response_format"],
  ["user", "end_user_id"],
  ["safety_identifier", "end_user_id"],
]);

function fieldOf(param: string): string {
  // Items of a response's input are not one to one with messages.
  if (/^input\b/.test(param)) return "messages";
  return (fields.get(param) ?? param.replace(/^(messages\[\d+\]|messages\.\[?\d+\]?).*$/, "$1")).slice(
    0,
    maxParamLength,
  );
}

function retryAdvice(code: ErrorCode, headers: HttpReply["headers"]): ErrorDetail {
  if (code === "insufficient_quota") return { retryable: false };
  const said = headers["x-should-retry"];
  const wait = waitable.has(code) ? retryAfterMs(headers) : undefined;
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

/**
 * `{"error":{…}}`, `{"error":"…"}`, xAI's `{"code":"…","error":"…"}`, vLLM's and Mistral's bare `{"object":"error",…}`,
 * the list of faults that a validator in front of them gives, or anything else.
 */
function errorIn(body: string): Fields {
  let value: unknown;
  try {
    value = parseUpstreamJson(body);
  } catch {
    return {}; // HTML, plain text, nothing: the status says enough, and such text is no message for people.
  }
  if (Array.isArray(value)) value = value[0];
  if (!isFields(value)) return {};
  return worded(isFields(value.error) ? value.error : value);
}

/** An error object with its words where OpenAI has them. */
function worded(error: Fields): Fields {
  if (typeof error.message === "string") return error;
  if (typeof error.error === "string") return { ...error, message: error.error };
  const faults = listOf(isFields(error.message) ? error.message : error, "detail");
  const [first] = faults;
  if (!first) return typeof error.detail === "string" ? { ...error, message: error.detail } : { ...error, message: "" };
  const place = Array.isArray(first.loc) ? first.loc.filter(isStep).join(".") : "";
  const words = [textOf(first, "msg"), place].filter((one) => one !== "").join(": ");
  return { ...error, message: words, ...(place !== "" && { param: place }) };
}

/** Steps of a path in the body; what begins it names the body itself. */
function isStep(step: unknown): boolean {
  return typeof step === "number" || (typeof step === "string" && step !== "body");
}

function message(words: string, status: number): string {
  const shown = scrubbed(words).trim();
  return shown === "" ? `The provider answered with HTTP ${status}.` : `The provider says: ${shown}`;
}

const maxCodeLength = 64;
const maxParamLength = 256;
