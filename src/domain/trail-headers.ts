import type { Trail } from "./context.ts";

/** What the gateway's stages decided, as response headers (design 15.9). Values hold visible ASCII only. */
export function trailHeaders(trail: Trail): Record<string, string> {
  const headers: Record<string, string> = {};
  const losses: string[] = [];
  // Those of the target that answers; of one that said nothing before it failed they are of no interest.
  let served: string[] = [];
  let spoken = false;
  const skipped: string[] = [];
  let attempts = 0;
  for (const entry of trail.entries) {
    switch (entry.kind) {
      case "attempt":
        attempts++;
        break;
      case "answered":
        headers["trunkline-provider"] = clean(entry.target.instance);
        headers["trunkline-model"] = clean(entry.target.model);
        if (entry.simulated) headers["trunkline-simulated"] = "true";
        if (!spoken) served = [];
        break;
      case "cache":
        headers["trunkline-cache"] = entry.status;
        break;
      case "first_token":
        spoken = true;
        break;
      case "loss":
        (entry.target ? served : losses).push(...entry.losses.map(({ field, action }) => `${field};${action}`));
        break;
      case "skipped":
        skipped.push(`${entry.target.name};${entry.reason}`);
        break;
      case "replayed":
        headers["trunkline-replayed"] = entry.status;
        break;
      case "rate_limit":
        Object.assign(headers, allowedRateLimits(entry.headers));
    }
  }
  if (attempts > 0) headers["trunkline-attempts"] = String(attempts);
  losses.push(...served);
  if (losses.length > 0) headers["trunkline-loss"] = list(losses);
  if (skipped.length > 0) headers["trunkline-skipped"] = list(skipped);
  return headers;
}

/** As OpenAI's family and Anthropic name them. */
const rateLimitName =
  /^(?:x-ratelimit-(?:limit|remaining|reset)-[a-z-]{1,32}|anthropic-ratelimit-[a-z-]{1,32}-(?:limit|remaining|reset))$/;

/** Of a provider's headers these alone go on: the others may tell of its account (attacks.md 40). */
function allowedRateLimits(headers: Readonly<Record<string, string>>): Record<string, string> {
  const allowed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (rateLimitName.test(name)) allowed[name] = clean(value);
  return allowed;
}

/** Clients and proxies take 8 KiB of headers in all. */
const maxListLength = 2_048;

/** `temperature;dropped, messages[0].parts[1].image.detail;dropped`, each once; `and-more;<count>` when it is too long. */
function list(entries: readonly string[]): string {
  const distinct = [...new Set(entries)].map(clean);
  let text = "";
  for (const [i, entry] of distinct.entries()) {
    if (text.length + entry.length > maxListLength) return `${text}and-more;${distinct.length - i}`;
    text += i === distinct.length - 1 ? entry : `${entry}, `;
  }
  return text;
}

const maxValueLength = 256;

/** A header value cannot hold line ends or text beyond ASCII; what does not fit becomes a question mark. */
function clean(value: string): string {
  return value.slice(0, maxValueLength).replace(/[^\x20-\x7e]/g, "?");
}
