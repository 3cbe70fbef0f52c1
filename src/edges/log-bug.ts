import type { GatewayError } from "../domain/errors.ts";
import type { Log } from "../domain/log.ts";

/** A bug of the gateway is logged once, at the edge, with its cause; the caller sees its message alone. */
export function logBug(log: Log, { code, message, detail, cause }: GatewayError): void {
  if (code === "internal") log.error("the gateway failed", { reason: message, ...detail, cause });
}
