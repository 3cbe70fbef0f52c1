import type { Reason } from "./abilities.ts";
import type { Feature } from "./feature.ts";
import type { Seen } from "./seen.ts";
import type { Reached } from "./upstreams/upstream.ts";

/** What became of a feature, as it was seen on both sides. */
export interface Verdict {
  readonly verdict:
    | "full"
    /** In another form or left out, and reported. */
    | "approximate"
    /** With a typed error that names the field. */
    | "refused"
    /** Missing on one side, and nobody said so. */
    | "lost"
    /** An error that the question does not deserve. */
    | "failed"
    /** The inbound has no words for it. */
    | "unaskable"
    /** Only told, by providers that have it. */
    | "absent";
  /** What was reported, missing or refused. */
  readonly notes: readonly string[];
}

const refusals = /^(?:unsupported|invalid)_|invalid_request|content_too_large/;

export function judge(feature: Feature, reached: Reached | null, seen: Seen, reason: Reason | null): Verdict {
  const { error, losses } = seen;
  const expectsError = feature.field.source === "^$";
  if (error !== null && !expectsError) {
    const { code, param, message } = error;
    const isNamed = feature.field.test(param) || feature.field.test(message);
    if (reason !== null && isNamed && refusals.test(code)) return { verdict: "refused", notes: [param || message] };
    return { verdict: "failed", notes: [`${code}: ${message}${param === "" ? "" : ` (${param})`}`] };
  }
  if (reason !== null && feature.isTold) return { verdict: "absent", notes: [reason.why] };
  const missing = reached === null ? "the request" : (feature.reached(reached) ?? feature.got(seen));
  if (missing === null)
    return losses.length === 0 ? { verdict: "full", notes: [] } : { verdict: "approximate", notes: losses };
  if (losses.some((loss) => feature.field.test(loss.split(";", 1)[0] ?? "")))
    return { verdict: "approximate", notes: losses };
  return { verdict: "lost", notes: [missing, ...losses] };
}

/** Whether a cell is as the provider's abilities demand. @returns what is wrong with it, or null */
export function faultOf({ verdict, notes }: Verdict, reason: Reason | null): string | null {
  const noted = notes.join("; ");
  if (verdict === "lost") return `lost in silence: ${noted}`;
  if (verdict === "failed") return `failed: ${noted}`;
  if (verdict === "full" && reason !== null) return `in full, although the provider is said not to: ${reason.why}`;
  return null;
}
