import type { Clock } from "../../src/domain/clock.ts";

/** A clock that stands still until it is wound. */
export interface FakeClock extends Clock {
  /** Lets time pass: what falls due on the way is called in its order, timers set meanwhile included. */
  advance(ms: number): void;
  /** Timers that are set and neither due nor cancelled. */
  readonly timers: number;
  /** How long until the next one is due; null without timers. Milliseconds. */
  readonly nextMs: number | null;
}

/** @param wallMs wall-clock time at the start; the monotonic clock starts at 0 */
export function createFakeClock(wallMs = Date.UTC(2026, 0, 1)): FakeClock {
  let nowMs = 0;
  const timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>();

  function earliest(untilMs: number) {
    let next: { readonly dueMs: number; readonly callback: () => void } | undefined;
    for (const timer of timers) if (timer.dueMs <= untilMs && !(next && next.dueMs <= timer.dueMs)) next = timer;
    return next;
  }

  return {
    wallMs: () => wallMs + nowMs,
    nowMs: () => nowMs,
    after(delayMs, callback) {
      const timer = { dueMs: nowMs + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const untilMs = nowMs + ms;
      for (let timer = earliest(untilMs); timer; timer = earliest(untilMs)) {
        timers.delete(timer);
        nowMs = timer.dueMs;
        timer.callback();
      }
      nowMs = untilMs;
    },
    get nextMs() {
      const next = earliest(Number.POSITIVE_INFINITY);
      return next === undefined ? null : next.dueMs - nowMs;
    },
    get timers() {
      return timers.size;
    },
  };
}
