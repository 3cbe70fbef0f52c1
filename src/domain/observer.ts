import type { RequestContext } from "./context.ts";
import type { GatewayError } from "./errors.ts";

/** How a request ended. */
export interface RequestEnd {
  readonly outcome: "ok" | "error" | "canceled";
  readonly error: GatewayError | null;
  readonly endedMs: number;
  readonly stream: boolean;
}

/** Told about each request once when it begins and once when it ends, refusals and cut streams included. */
export interface Observer {
  requestStarted(context: RequestContext): void;
  requestEnded(context: RequestContext, end: RequestEnd): void;
}
