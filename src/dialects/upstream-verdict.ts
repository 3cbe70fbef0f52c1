import { type ErrorCode, type ErrorDetail, GatewayError } from "../domain/errors.ts";
import type { Target } from "../domain/target.ts";
import { codeOfStatus, retryAfterMs, scrubbed } from "./upstream-errors.ts";

/** A failure as a provider told it, in no provider's form. */
export interface Failure {
  /** HTTP status; that of the error's kind where it came inside an answer. */
  readonly status: number;
  /** The provider's message; may be empty. */
  readonly words: string;
  /** Lower-case names; empty where the error came inside an answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly target: Target;
  /** Facts that only this provider tells. */
  readonly detail?: ErrorDetail;
}

/** Wordings of one provider, first match wins. */
export type Wordings = readonly (readonly [RegExp, ErrorCode, field?: string])[];

/**
 * What a failure means where status and words are all there is (wire.md §18): the status decides, the words refine
 * what the request did wrong. The words are repeated without credentials, and not at all where they tell of one.
 */
export function toVerdict({ status, words, headers, target, detail }: Failure, wordings: Wordings): GatewayError {
  const { instance, model } = target;
  const [, said, field] = wordings.find(([pattern]) => pattern.test(words)) ?? [];
  const code = codeOf(status, said);
  return new GatewayError(code, messageOf(code, status, words), {
    ...detail,
    provider: instance,
    model,
    ...(code === said && field !== undefined && { field }),
    ...retryAdvice(code, headers),
  });
}

function codeOf(status: number, said: ErrorCode | undefined): ErrorCode {
  // The gateway's own key is at fault, not the caller's.
  if (status === 401 || status === 403 || status === 498) return "upstream_auth";
  if (status === 402) return "insufficient_quota";
  if (said !== undefined) return said;
  return ownCodes.get(status) ?? codeOfStatus(status);
}

/** What only the status tells here: other providers say in words what was not found, or too large. */
const ownCodes: ReadonlyMap<number, ErrorCode> = new Map([
  [404, "model_not_found"],
  [413, "request_too_large"],
]);

function messageOf(code: ErrorCode, status: number, words: string): string {
  if (code === "upstream_auth") return `The provider refused the gateway's credential (HTTP ${status}).`;
  const shown = scrubbed(words).trim();
  return shown === "" ? `The provider answered with HTTP ${status}.` : `The provider says: ${shown}`;
}

function retryAdvice(code: ErrorCode, headers: Failure["headers"]): ErrorDetail {
  if (code === "insufficient_quota") return { retryable: false };
  const wait = waitable.has(code) ? retryAfterMs(headers) : undefined;
  return wait === undefined ? {} : { retryAfterMs: wait };
}

const waitable: ReadonlySet<ErrorCode> = new Set([
  "timeout",
  "rate_limit_exceeded",
  "overloaded",
  "service_unavailable",
  "upstream_error",
  "conflict",
]);
