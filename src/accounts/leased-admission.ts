import type { Clock } from "../domain/clock.ts";
import type { RequestContext } from "../domain/context.ts";
import type { GatewayError } from "../domain/errors.ts";
import type { RoutePolicy } from "../domain/route.ts";
import { type Entrance, full, tooLong } from "./admission.ts";
import type { PlaceAnswer, PlaceAsk } from "./place-messages.ts";

/** How long the ledger may take to answer, beyond what the request may wait. Milliseconds. */
const answerMs = 5_000;

interface Waiter {
  /** From now on its time runs. */
  stand(): void;
  enter(queued: boolean): void;
  refuse(error: GatewayError): void;
}

/**
 * Admission of one of several workers. Its places come from the ledger that all share: a few are at hand, so that a
 * request usually enters without asking; more are asked for, and waited for, there.
 */
export class LeasedAdmission implements Entrance {
  readonly #clock: Clock;
  readonly #ask: (ask: PlaceAsk) => void;
  readonly #waiting = new Map<number, Waiter>();
  #lastId = 0;
  /** Places at hand: leased, and no request runs on them. */
  #idle = 0;
  #batch = 0;
  #isScarce = false;
  #isFull = false;

  /** @param ask sends to the ledger; its answers come to `take` */
  constructor(clock: Clock, ask: (ask: PlaceAsk) => void) {
    this.#clock = clock;
    this.#ask = ask;
  }

  get queued(): number {
    return this.#waiting.size;
  }

  checkRoom(): void {
    if (this.#isFull && this.#idle === 0) throw full();
  }

  async enter({ queueMs, priority }: RoutePolicy, { signal, trail }: RequestContext): Promise<() => void> {
    if (this.#idle > 0) {
      this.#idle--;
      // Before they are used up, so that the next request need not wait for the answer.
      if (this.#idle === 0 && !this.#isScarce) this.#ask({ kind: "more" });
    } else {
      const sinceMs = this.#clock.nowMs();
      const queued = await this.#wait(priority, queueMs, signal);
      if (queued) trail.note({ kind: "queued", waitedMs: this.#clock.nowMs() - sinceMs });
    }
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#free();
    };
  }

  /** What the ledger says. */
  take(answer: PlaceAnswer): void {
    switch (answer.kind) {
      case "lease":
        this.#batch = answer.batch;
        this.#idle += answer.count;
        return;
      case "enter": {
        const waiter = this.#waiting.get(answer.id);
        // The request may have gone meanwhile.
        return waiter === undefined ? this.#free() : waiter.enter(answer.queued);
      }
      case "stand":
        return this.#waiting.get(answer.id)?.stand();
      case "refuse":
        return this.#waiting.get(answer.id)?.refuse(full());
      case "scarce":
        this.#isScarce = true;
        if (this.#idle > 0) this.#ask({ kind: "back", count: this.#idle });
        this.#idle = 0;
        return this.#ask({ kind: "recalled" });
      case "plenty":
        this.#isScarce = false;
        return;
      case "full":
        this.#isFull = answer.full;
        return;
    }
  }

  /** The ledger is gone: nobody enters any more but on the places at hand. */
  lose(): void {
    this.#isFull = true;
    this.#isScarce = false;
    this.#batch = Number.MAX_SAFE_INTEGER;
    for (const waiter of this.#waiting.values()) waiter.refuse(full());
  }

  /** A place that no request runs on any more. */
  #free(): void {
    if (this.#isScarce) return this.#ask({ kind: "back", count: 1 });
    this.#idle++;
    if (this.#idle <= 2 * this.#batch) return;
    const count = Math.max(1, this.#batch);
    this.#idle -= count;
    this.#ask({ kind: "back", count });
  }

  /** @returns whether it stood in the queue, and did not only wait for the answer */
  #wait(priority: number, queueMs: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const end = () => {
        cancelTimer();
        signal.removeEventListener("abort", onAbort);
        this.#waiting.delete(id);
      };
      const leave = (reason: unknown) => {
        end();
        this.#ask({ kind: "leave", id });
        reject(reason);
      };
      const onAbort = () => leave(signal.reason);
      const leaveAfter = (ms: number) => this.#clock.after(ms, () => leave(tooLong(queueMs)));
      let cancelTimer = leaveAfter(queueMs + answerMs);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.set(id, {
        stand() {
          cancelTimer();
          cancelTimer = leaveAfter(queueMs);
        },
        enter(queued) {
          end();
          resolve(queued);
        },
        refuse(error) {
          end();
          reject(error);
        },
      });
      this.#ask({ kind: "want", id, priority });
    });
  }
}
