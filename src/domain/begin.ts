import type { Clock } from "./clock.ts";
import { type Operation, type Protocol, type RequestContext, Trail } from "./context.ts";
import { GatewayError } from "./errors.ts";
import type { Log } from "./log.ts";

/** What an edge needs to begin requests; made once by main.ts. */
export interface Beginnings {
  readonly clock: Clock;
  readonly log: Log;
  /** Begins when draining took too long: requests still running then end as `draining`. */
  readonly shutdown: Shutdown;
  /** A fresh request id. */
  newRequestId(): string;
}

/** Tells the requests that run that their time is over. A set, since an AbortSignal walks all its listeners to drop one. */
export class Shutdown {
  readonly #running = new Set<() => void>();
  #begun = false;

  /** Calls back when the shutdown begins: at once if it has. */
  add(stop: () => void): void {
    if (this.#begun) stop();
    else this.#running.add(stop);
  }

  forget(stop: () => void): void {
    this.#running.delete(stop);
  }

  begin(): void {
    this.#begun = true;
    for (const stop of this.#running) stop();
    this.#running.clear();
  }
}

export interface BeginOptions {
  readonly operation: Operation;
  readonly protocol: Protocol;
  /** The caller's deadline, counted from now. Milliseconds; null for none. */
  readonly timeoutMs: number | null;
  readonly traceparent?: string;
  readonly idempotencyKey?: string;
  /** Where a request was known before: its id, and since when. */
  readonly arrival?: { readonly requestId: string; readonly startedMs: number };
}

/** A request that has begun. The edge calls `close` once when it is over, however it ended. */
export interface Begun {
  readonly context: RequestContext;
  /** The caller is gone: aborts everything done for it. */
  hangUp(): void;
  /** Frees the deadline's timer and the place in the shutdown. Does not abort. */
  close(): void;
}

/** Longest delay that timers keep exactly; longer ones would fire at once. Milliseconds (about 24.8 days). */
const maxTimerMs = 2_147_483_647;

/**
 * Begins a request: one signal for hang-up, deadline and shutdown, whose reason is the GatewayError to answer with
 * (`canceled`, `timeout` with phase `deadline`, `draining`).
 */
export function beginRequest(parts: Beginnings, options: BeginOptions): Begun {
  const { clock, shutdown } = parts;
  const { requestId, startedMs } = options.arrival ?? { requestId: parts.newRequestId(), startedMs: clock.nowMs() };
  const controller = new AbortController();
  const stop = (reason: GatewayError) => {
    if (!controller.signal.aborted) controller.abort(reason);
  };

  const { timeoutMs } = options;
  const cancelTimer =
    timeoutMs === null
      ? noTimer
      : clock.after(Math.min(Math.max(timeoutMs, 0), maxTimerMs), () => stop(deadlinePassed()));
  const onShutdown = () => stop(new GatewayError("draining", "The gateway is shutting down.", { retryable: true }));
  shutdown.add(onShutdown);

  const context: RequestContext = {
    requestId,
    operation: options.operation,
    protocol: options.protocol,
    signal: controller.signal,
    // Not from its arrival: what has passed since then, reading its body perhaps, has been taken off already.
    deadlineMs: timeoutMs === null ? null : clock.nowMs() + timeoutMs,
    startedMs,
    log: parts.log.with({ requestId }),
    trail: new Trail(),
    ...(options.traceparent === undefined ? {} : { traceparent: options.traceparent }),
    ...(options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey }),
  };
  return {
    context,
    hangUp: () => stop(new GatewayError("canceled", "The caller went away.")),
    close() {
      cancelTimer();
      shutdown.forget(onShutdown);
    },
  };
}

/** What a request ends with whose caller's time is up. */
export function deadlinePassed(): GatewayError {
  return new GatewayError("timeout", "The caller's deadline passed.", { phase: "deadline" });
}

function noTimer(): void {}
