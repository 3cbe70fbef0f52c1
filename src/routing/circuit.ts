import type { Clock } from "../domain/clock.ts";

export interface CircuitOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it stays open before one request may probe. Milliseconds. */
  readonly openMs: number;
}

export type CircuitState = "closed" | "open" | "half-open";

/**
 * A circuit breaker. Closed, it lets everything pass and counts failures in a row. Open, it lets nothing pass. After
 * `openMs` it is half-open: one request passes at a time, and decides.
 */
export class Circuit {
  readonly #clock: Clock;
  readonly #options: CircuitOptions;
  #failures = 0;
  /** When the next probe may pass; null while it is closed. */
  #openUntilMs: number | null = null;
  #probing = false;

  constructor(clock: Clock, options: CircuitOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  get state(): CircuitState {
    if (this.#openUntilMs === null) return "closed";
    return this.#clock.nowMs() < this.#openUntilMs ? "open" : "half-open";
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Whether a request would pass now. */
  get passable(): boolean {
    return this.#openUntilMs === null || (!this.#probing && this.#clock.nowMs() >= this.#openUntilMs);
  }

  /** How long until a probe may pass. Milliseconds; 0 when something may pass now. */
  get waitMs(): number {
    if (this.#openUntilMs === null || this.passable) return 0;
    // A probe is out: it decides soon, and nobody knows when.
    return Math.max(this.#openUntilMs - this.#clock.nowMs(), 1_000);
  }

  /**
   * A request passes.
   * @returns whether it is the probe; to be given back to exactly one of `succeeded`, `failed` and `left`
   */
  enter(): boolean {
    const isProbe = this.#openUntilMs !== null;
    if (isProbe) this.#probing = true;
    return isProbe;
  }

  /** Something spoke for it: an open circuit becomes half-open before its time. */
  letProbe(): void {
    if (this.#openUntilMs !== null) this.#openUntilMs = Math.min(this.#openUntilMs, this.#clock.nowMs());
  }

  /** Any success closes it, also one of a request that began before it opened. */
  succeeded(): void {
    this.#failures = 0;
    this.#openUntilMs = null;
    this.#probing = false;
  }

  failed(isProbe: boolean): void {
    this.#failures++;
    // Requests that were under way when it opened say nothing new.
    if (this.#openUntilMs !== null && !isProbe) return;
    if (isProbe) this.#probing = false;
    if (isProbe || this.#failures >= this.#options.failures) {
      this.#openUntilMs = this.#clock.nowMs() + this.#options.openMs;
    }
  }

  /** It ended without saying anything of the target: the caller left, or the request was at fault. */
  left(isProbe: boolean): void {
    if (isProbe) this.#probing = false;
  }
}
