import type { Clock } from "../domain/clock.ts";
import { GatewayError, type TimeoutPhase } from "../domain/errors.ts";

/** Bounds on the phases of one attempt, and the one signal that stops it. */
export interface Watchdog {
  /** Aborts when the caller's signal does, or when a bound is crossed (`timeout` with the bound's phase). */
  readonly signal: AbortSignal;
  /** Sets or moves a bound, counted from now. */
  allow(phase: TimeoutPhase, ms: number): void;
  /** Lets a bound rest until it is set anew. */
  hold(phase: TimeoutPhase): void;
  /** Takes a bound away. */
  forget(phase: TimeoutPhase): void;
  /** Frees timer and listener. Called once, when the attempt is over. */
  stop(): void;
}

/**
 * Moving a bound writes a number; the timer notices when it fires that there is time left and goes on. So a stream's
 * idle bound costs no timer a read.
 */
export function createWatchdog(caller: AbortSignal, clock: Clock): Watchdog {
  const controller = new AbortController();
  const bounds = new Map<TimeoutPhase, { at: number; ms: number }>();
  let wakeAt = Number.POSITIVE_INFINITY;
  let cancelTimer = () => {};

  const onCaller = () => controller.abort(caller.reason);
  if (caller.aborted) onCaller();
  else caller.addEventListener("abort", onCaller, { once: true });

  function check(): void {
    const now = clock.nowMs();
    wakeAt = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const [phase, { at, ms }] of bounds) {
      if (at <= now) return controller.abort(expired(phase, ms));
      next = Math.min(next, at);
    }
    if (next < Number.POSITIVE_INFINITY) wake(next, now);
  }
  function wake(at: number, now: number): void {
    cancelTimer();
    wakeAt = at;
    // Rounded up: timers may fire a fraction early, and would find nothing expired.
    cancelTimer = clock.after(Math.ceil(at - now), check);
  }

  return {
    signal: controller.signal,
    allow(phase, ms) {
      const now = clock.nowMs();
      const bound = bounds.get(phase);
      if (bound) bound.at = now + ms;
      else bounds.set(phase, { at: now + ms, ms });
      if (now + ms < wakeAt) wake(now + ms, now);
    },
    hold(phase) {
      const bound = bounds.get(phase);
      if (bound) bound.at = Number.POSITIVE_INFINITY;
    },
    forget: (phase) => void bounds.delete(phase),
    stop() {
      cancelTimer();
      caller.removeEventListener("abort", onCaller);
    },
  };
}

const waitedFor: Partial<Record<TimeoutPhase, string>> = {
  first_byte: "the provider's first byte",
  first_token: "the provider's first token",
  idle: "more of the provider's answer",
  total: "the provider's whole answer",
};

function expired(phase: TimeoutPhase, ms: number): GatewayError {
  return new GatewayError("timeout", `Waited ${ms} ms for ${waitedFor[phase] ?? "the provider"}.`, { phase });
}
