/** Rate-limit headers that callers may see, with the prefixes of Anthropic's and Cohere's families. Everything else stays inside. */
const exact = new Set(["retry-after", "retry-after-ms"]);
const prefixes = ["x-ratelimit-", "anthropic-ratelimit-", "x-trial-endpoint-call-", "x-endpoint-monthly-call-"];
/** More than any provider sends. */
const maxHeaders = 32;
const maxValueChars = 128;

/** The provider's rate-limit state, for the caller and for routing. Names are lower case. */
export function rateLimitHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  let count = 0;
  for (const name in headers) {
    // Most names are told apart by their first letter.
    const first = name.charCodeAt(0);
    if (first !== letterA && first !== letterR && first !== letterX) continue;
    if (!exact.has(name) && !prefixes.some((prefix) => name.startsWith(prefix))) continue;
    if (++count > maxHeaders) break;
    kept[name] = (headers[name] ?? "").slice(0, maxValueChars);
  }
  return kept;
}

const letterA = 97;
const letterR = 114;
const letterX = 120;
