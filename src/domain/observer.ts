import type { RequestContext } from "./context.ts";
import type { GatewayError } from "./errors.ts";

/** Structured log: a short constant sentence plus fields. Never a prompt, an answer or a secret. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose lines all carry these fields. */
  with(fields: LogFields): Log;
}

export type LogFields = Readonly<Record<string, unknown>>;

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
