import type { Clock } from "../domain/clock.ts";

/** What a budget looks back on. Seconds. */
const windowSeconds = 10;
/** Retries that are free each second, so that a gateway with little traffic can retry at all. */
const freePerSecond = 3;

/**
 * Bounds retries by the traffic there is, so that an outage is not amplified: over the last 10 s, a share of the requests
 * plus 3 a second (design 15.6).
 */
export class RetryBudget {
  readonly #clock: Clock;
  readonly #share: number;
  readonly #requests = new Array<number>(windowSeconds).fill(0);
  readonly #retries = new Array<number>(windowSeconds).fill(0);
  /** The second that was counted last. */
  #second = 0;

  /** @param share retries for each request, such as 0.1 */
  constructor(clock: Clock, share: number) {
    this.#clock = clock;
    this.#share = share;
  }

  /** Counts a request's first attempt. */
  earn(): void {
    add(this.#requests, this.#slot());
  }

  /** Counts a retry if there is room for one. */
  spend(): boolean {
    const slot = this.#slot();
    if (sum(this.#retries) >= this.#share * sum(this.#requests) + freePerSecond * windowSeconds) return false;
    add(this.#retries, slot);
    return true;
  }

  /** The current second's place; what lies further back than the window is forgotten on the way. */
  #slot(): number {
    const second = Math.floor(this.#clock.nowMs() / 1000);
    const passed = Math.min(second - this.#second, windowSeconds);
    for (let i = 0; i < passed; i++) {
      const stale = (second - i) % windowSeconds;
      this.#requests[stale] = 0;
      this.#retries[stale] = 0;
    }
    this.#second = second;
    return second % windowSeconds;
  }
}

function add(counts: number[], slot: number): void {
  counts[slot] = (counts[slot] ?? 0) + 1;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** One budget for each provider instance: an outage of one must not take the retries of another. */
export function budgets(clock: Clock, share: number): (instance: string) => RetryBudget {
  const known = new Map<string, RetryBudget>();
  // Instances come from the configuration alone, so that the map is as small as the configuration.
  return (instance) => {
    let budget = known.get(instance);
    if (budget === undefined) {
      budget = new RetryBudget(clock, share);
      known.set(instance, budget);
    }
    return budget;
  };
}
