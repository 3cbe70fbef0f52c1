import type { Clock } from "../domain/clock.ts";
import { GatewayError, type TimeoutPhase } from "../domain/errors.ts";

/** What an attempt can wait for. When several waits are too long at once, the first of them is told. */
const phases = ["total", "first_byte", "first_token", "idle"] as const satisfies readonly TimeoutPhase[];
type Phase = (typeof phases)[number];

/** Bounds on the phases of one attempt, and the one signal that stops it. */
export interface Watchdog {
  /** Aborts when the caller's signal does, or when a bound is crossed (`timeout` with the bound's phase). */
  readonly signal: AbortSignal;
  /** Sets or moves a bound, counted from now. */
  allow(phase: Phase, ms: number): void;
  /** Lets a bound rest until it is set anew. */
  hold(phase: Phase): void;
  /** Takes a bound away. */
  forget(phase: Phase): void;
  /** Frees timer and listener. Called once, when the attempt is over. */
  stop(): void;
}

export function createWatchdog(caller: AbortSignal, clock: Clock): Watchdog {
  return new AttemptWatchdog(caller, clock);
}

interface Bound {
  at: number;
  readonly ms: number;
}

/**
 * Moving a bound writes a number; the timer notices when it fires that there is time left and goes on. So a stream's
 * idle bound costs no timer a read. A class, since an open stream would hold each closure.
 */
class AttemptWatchdog implements Watchdog {
  readonly #caller: AbortSignal;
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  readonly #bounds: Record<Phase, Bound | null> = { total: null, first_byte: null, first_token: null, idle: null };
  #wakeAt = Number.POSITIVE_INFINITY;
  #cancelTimer: (() => void) | null = null;

  constructor(caller: AbortSignal, clock: Clock) {
    this.#caller = caller;
    this.#clock = clock;
    if (caller.aborted) this.#onCaller();
    else caller.addEventListener("abort", this.#onCaller, { once: true });
  }

  readonly #onCaller = () => this.#controller.abort(this.#caller.reason);

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  allow(phase: Phase, ms: number): void {
    const now = this.#clock.nowMs();
    const bound = this.#bounds[phase];
    if (bound) bound.at = now + ms;
    else this.#bounds[phase] = { at: now + ms, ms };
    if (now + ms < this.#wakeAt) this.#wake(now + ms, now);
  }

  hold(phase: Phase): void {
    const bound = this.#bounds[phase];
    if (bound) bound.at = Number.POSITIVE_INFINITY;
  }

  forget(phase: Phase): void {
    this.#bounds[phase] = null;
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#caller.removeEventListener("abort", this.#onCaller);
  }

  #check(): void {
    const now = this.#clock.nowMs();
    this.#wakeAt = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const phase of phases) {
      const bound = this.#bounds[phase];
      if (bound === null) continue;
      if (bound.at <= now) return this.#controller.abort(expired(phase, bound.ms));
      next = Math.min(next, bound.at);
    }
    if (next < Number.POSITIVE_INFINITY) this.#wake(next, now);
  }

  #wake(at: number, now: number): void {
    this.#cancelTimer?.();
    this.#wakeAt = at;
    // Rounded up: timers may fire a fraction early, and would find nothing expired.
    this.#cancelTimer = this.#clock.after(Math.ceil(at - now), () => this.#check());
  }
}

const waitedFor: Readonly<Record<Phase, string>> = {
  first_byte: "the provider's first byte",
  first_token: "the provider's first token",
  idle: "more of the provider's answer",
  total: "the provider's whole answer",
};

function expired(phase: Phase, ms: number): GatewayError {
  return new GatewayError("timeout", `Waited ${ms} ms for ${waitedFor[phase]}.`, { phase });
}
