import type { BeginOptions } from "../../domain/begin.ts";
import type { Operation } from "../../domain/context.ts";
import { GatewayError } from "../../domain/errors.ts";
import { type Incoming, single } from "../http.ts";

/** What a request's headers say of how it begins. @throws GatewayError `invalid_value` for a deadline that is no number */
export function beginOptions(req: Incoming, operation: Operation): BeginOptions {
  const traceparent = single(req.headers, "traceparent");
  const idempotencyKey = single(req.headers, "idempotency-key");
  return {
    operation,
    protocol: "rest",
    timeoutMs: timeoutOf(req),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(traceparent !== undefined && traceparentPattern.test(traceparent) && { traceparent }),
  };
}

const traceparentPattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The caller's deadline in milliseconds: `x-request-timeout-ms`, else what OpenAI's, Anthropic's and Google's SDKs
 * say of themselves, in seconds (design 15.2). What an SDK says is not the caller's doing, so nonsense there is ignored.
 */
function timeoutOf(req: Incoming): number | null {
  const own = req.headers["x-request-timeout-ms"];
  if (own !== undefined) {
    if (typeof own === "string" && /^[1-9]\d{0,9}$/.test(own)) return Number(own);
    throw new GatewayError("invalid_value", "x-request-timeout-ms must be a number of milliseconds, 1 or more.", {
      param: "x-request-timeout-ms",
    });
  }
  const told = single(req.headers, "x-stainless-timeout") ?? single(req.headers, "x-server-timeout");
  const seconds = told !== undefined && /^\d{1,7}(?:\.\d{1,3})?$/.test(told) ? Number(told) : 0;
  return seconds > 0 ? seconds * 1000 : null;
}
