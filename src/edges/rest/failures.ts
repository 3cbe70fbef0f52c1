import type { GatewayError } from "../../domain/errors.ts";
import type { Log } from "../../domain/log.ts";

/** An error is logged once, here at the edge, with its cause; the caller sees its message alone. */
export function logFailure(log: Log, error: GatewayError): void {
  const { code, message, detail, cause } = error;
  const fields = { code, message, ...detail, ...(cause !== undefined && { cause }) };
  if (code === "internal") log.error("request failed", fields);
  else log.info("request failed", fields);
}
