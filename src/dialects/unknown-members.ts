import type { Dialect, SourceBody } from "../domain/chat.ts";
import type { LossReport } from "../domain/loss.ts";

/**
 * Reports what the caller sent beyond its dialect and this request does not carry on: everything unknown, unless the
 * provider's body is the caller's own, patched.
 * @param patched the dialect in which the caller's text is sent on; null when the body is built anew
 * @param carried names of top-level members that the request carries on by other ways
 * @throws GatewayError `unsupported_parameter` under the REFUSE policy
 */
export function reportUnknownMembers(
  source: SourceBody | undefined,
  patched: Dialect | null,
  losses: LossReport,
  carried: ReadonlySet<string> = none,
): void {
  if (source === undefined || source.dialect === patched) return;
  for (const name of source.unknown) {
    if (!carried.has(/^\w+/.exec(name)?.[0] ?? name)) {
      losses.drop(name, "is not a field that this provider is known to have.");
    }
  }
}

const none: ReadonlySet<string> = new Set();
