import type { ErrorCode } from "../domain/errors.ts";
/** Longest text of a provider that is repeated to a caller. Characters. */
export const maxRepeatedLength = 500;

/** Longest wait that is believed: a clock that is wrong by years must not look like advice. Milliseconds. */
const maxRetryAfterMs = 24 * 60 * 60 * 1000;

/**
 * How long a provider asks to wait, from `retry-after-ms` or `retry-after` (seconds, decimals allowed, or an HTTP date
 * read against the answer's own `date` header, so that no clock is needed).
 * @param headers lower-case names
 * @returns milliseconds, at most a day; undefined when the provider does not say
 */
export function retryAfterMs(headers: Readonly<Record<string, string>>): number | undefined {
  return (
    positiveNumber(headers["retry-after-ms"], 1) ??
    positiveNumber(headers["retry-after"], 1000) ??
    untilDate(headers["retry-after"], headers.date)
  );
}

/**
 * Milliseconds from the answer's `date` header to an HTTP date or RFC 3339 time; undefined when either cannot be read.
 */
export function untilDate(then: string | undefined, date: string | undefined): number | undefined {
  if (then === undefined || date === undefined) return undefined;
  const waitMs = Date.parse(then) - Date.parse(date);
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), maxRetryAfterMs);
}

/**
 * A provider's own words, fit to show to a caller: credentials taken out, bounded to `maxRepeatedLength` characters.
 * Providers repeat a part of a wrong key in their message, and proxies print whole request headers.
 */
export function scrubbed(text: string): string {
  // Bounded before the patterns run: a hostile body must not buy time.
  const bounded = text.length > 4 * maxRepeatedLength ? text.slice(0, 4 * maxRepeatedLength) : text;
  let clean = bounded;
  for (const [pattern, replacement] of credentials) clean = clean.replace(pattern, replacement);
  return clean.length > maxRepeatedLength ? `${clean.slice(0, maxRepeatedLength)}…` : clean;
}

const credentials: readonly (readonly [RegExp, string])[] = [
  // Keys with a known beginning: OpenAI, Anthropic, OpenRouter, Groq, xAI, Google, AWS, Hugging Face, GitHub, JWT.
  [/\b(?:sk|pk|rk|gsk|xai|hf|ghp|pplx|nvapi)[-_][A-Za-z0-9_*.-]{4,}/g, "[secret]"],
  [/\b(?:AIza|AKIA|ASIA|ya29\.|eyJ)[A-Za-z0-9_*.-]{8,}/g, "[secret]"],
  // Accounts: not secret, and no business of the callers.
  [/\b(?:org|proj|acct)[-_][A-Za-z0-9]{8,}/g, "[account]"],
  // Whatever follows a word that announces a credential.
  [/\b(bearer|basic)\s+[A-Za-z0-9_~+/=*.-]{6,}/gi, "$1 [secret]"],
  [
    /\b(x-api-key|api[-_ ]?key|authorization|password|secret|token)(["']?\s{0,4}[:=]\s{0,4}["']?)[^\s"',}]{4,}/gi,
    "$1$2[secret]",
  ],
];

function positiveNumber(value: string | undefined, unitMs: number): number | undefined {
  if (value === undefined || value.trim() === "") return undefined;
  const amount = Number(value);
  if (!Number.isFinite(amount) || amount < 0) return undefined;
  return Math.min(Math.ceil(amount * unitMs), maxRetryAfterMs);
}

/**
 * What a provider's failing status means where it tells nothing more exact (wire.md §18): what the caller did wrong below
 * 500, a fault of the provider's above.
 */
export function codeOfStatus(status: number): ErrorCode {
  return codes.get(status) ?? (status >= 400 && status < 500 ? "invalid_value" : "upstream_error");
}

const codes: ReadonlyMap<number, ErrorCode> = new Map([
  [408, "timeout"],
  [409, "conflict"],
  [425, "service_unavailable"],
  [429, "rate_limit_exceeded"],
  [498, "rate_limit_exceeded"],
  [500, "upstream_error"],
  [501, "not_implemented"],
  [502, "service_unavailable"],
  [503, "service_unavailable"],
  [504, "timeout"],
  [529, "overloaded"],
]);
