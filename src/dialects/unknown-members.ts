import type { Dialect, SourceBody } from "../domain/chat.ts";
import type { LossReport } from "../domain/loss.ts";

/**
 * Reports what the caller sent beyond its dialect and this request does not carry on: everything unknown, unless the
 * provider's body is the caller's own, patched.
 * @param patched the dialect in which the caller's text is sent on; null when the body is built anew
 * @throws GatewayError `unsupported_parameter` under the REFUSE policy
 */
export function reportUnknownMembers(
  source: SourceBody | undefined,
  patched: Dialect | null,
  losses: LossReport,
): void {
  if (source === undefined || source.dialect === patched) return;
  for (const name of source.unknown) losses.drop(name, "is not a field that this provider is known to have.");
}
