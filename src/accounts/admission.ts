import type { Clock } from "../domain/clock.ts";
import type { RequestContext } from "../domain/context.ts";
import { GatewayError } from "../domain/errors.ts";
import type { RoutePolicy } from "../domain/route.ts";

export interface AdmissionOptions {
  readonly clock: Clock;
  /** Requests that run at the same time. */
  readonly maxInFlight: number;
  /** Requests that may wait beyond those. */
  readonly maxQueued: number;
}

/** When to come again, for those who are sent away. Milliseconds. */
const retryAfterMs = 1_000;

/** The way to a place among the running requests. */
export interface Entrance {
  /** Requests that wait. */
  readonly queued: number;
  /** Refuses what could not even wait, before its body is read. @throws GatewayError `overloaded` */
  checkRoom(): void;
  /**
   * Waits until the request may run.
   * @returns a function that makes room again; calling it twice is harmless
   * @throws GatewayError `overloaded` when the queue is full, `timeout` (phase `queue`) when it took too long, and the
   *   signal's own reason
   */
  enter(policy: RoutePolicy, context: RequestContext): Promise<() => void>;
}

interface Waiter {
  readonly priority: number;
  readonly enter: () => void;
  readonly refuse: (error: GatewayError) => void;
}

/**
 * How much runs at once. More waits, in a bounded queue, those of larger priority first; what neither runs nor fits the
 * queue is refused at once, before it costs memory.
 */
export class Admission implements Entrance {
  #options: AdmissionOptions;
  /** Largest priority first; within one, oldest first. */
  readonly #waiting: Waiter[] = [];
  #inFlight = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Other limits from now on. Requests that run or wait are left alone. */
  limit(limits: Pick<AdmissionOptions, "maxInFlight" | "maxQueued">): void {
    this.#options = { ...this.#options, ...limits };
    while (this.#inFlight < limits.maxInFlight && this.#waiting.length > 0) {
      this.#inFlight++;
      this.#waiting.shift()?.enter();
    }
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#waiting.length;
  }

  checkRoom(): void {
    const { maxInFlight, maxQueued } = this.#options;
    if (this.#inFlight >= maxInFlight && this.#waiting.length >= maxQueued) throw full();
  }

  async enter({ queueMs, priority }: RoutePolicy, { signal, trail }: RequestContext): Promise<() => void> {
    if (this.#inFlight < this.#options.maxInFlight) this.#inFlight++;
    else {
      const { clock } = this.#options;
      const sinceMs = clock.nowMs();
      // Whoever leaves hands its place on, so that the count stays.
      await this.#wait(priority, queueMs, signal);
      trail.note({ kind: "queued", waitedMs: clock.nowMs() - sinceMs });
    }
    let left = false;
    return () => {
      if (left) return;
      left = true;
      // Under a limit that has become smaller, nobody follows.
      const next = this.#inFlight > this.#options.maxInFlight ? undefined : this.#waiting.shift();
      if (next === undefined) this.#inFlight--;
      else next.enter();
    };
  }

  #wait(priority: number, queueMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (!this.#makeRoom(priority)) return Promise.reject(full());
    return new Promise((resolve, reject) => {
      const end = () => {
        cancelTimer();
        signal.removeEventListener("abort", onAbort);
      };
      const leave = (reason: unknown) => {
        end();
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(reason);
      };
      const onAbort = () => leave(signal.reason);
      const waiter: Waiter = {
        priority,
        enter() {
          end();
          resolve();
        },
        refuse(error) {
          end();
          reject(error);
        },
      };
      const cancelTimer = this.#options.clock.after(queueMs, () => leave(tooLong(queueMs)));
      signal.addEventListener("abort", onAbort, { once: true });
      const place = this.#waiting.findLastIndex((other) => other.priority >= priority) + 1;
      this.#waiting.splice(place, 0, waiter);
    });
  }

  /** Sends the last one away when somebody more important comes to a full queue. */
  #makeRoom(priority: number): boolean {
    const { maxQueued } = this.#options;
    if (this.#waiting.length < maxQueued) return true;
    const last = this.#waiting.at(-1);
    if (last === undefined || last.priority >= priority) return false;
    this.#waiting.pop();
    last.refuse(full());
    return true;
  }
}

export function full(): GatewayError {
  return new GatewayError("overloaded", "The gateway is at its limit of requests.", { retryAfterMs, retryable: true });
}

export function tooLong(queueMs: number): GatewayError {
  const words = `Waited ${queueMs} ms for a place among the running requests.`;
  return new GatewayError("timeout", words, { phase: "queue", retryAfterMs, retryable: true });
}
