import type { GatewayError } from "../../domain/errors.ts";

/** Headers that browsers of a listed origin may read. */
export const exposedHeaders = [
  "x-request-id",
  "request-id",
  "trunkline-provider",
  "trunkline-model",
  "trunkline-attempts",
  "trunkline-cache",
  "trunkline-loss",
  "trunkline-replayed",
  "trunkline-skipped",
  "retry-after",
  "retry-after-ms",
  "x-should-retry",
];

/** When and whether to try again. */
export function retryHeaders(error: GatewayError, face: { readonly retry?: false }): Record<string, string> {
  const headers: Record<string, string> = {};
  const { retryAfterMs, retryable } = error.detail;
  if (retryAfterMs !== undefined) {
    headers["retry-after"] = String(Math.ceil(retryAfterMs / 1000));
    headers["retry-after-ms"] = String(Math.ceil(retryAfterMs));
  }
  const advice = face.retry ?? retryable;
  if (advice !== undefined) headers["x-should-retry"] = String(advice);
  return headers;
}
