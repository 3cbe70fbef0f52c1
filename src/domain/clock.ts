/** Time as an argument, so that tests wind it by hand. */
export interface Clock {
  /** Wall-clock time. Milliseconds since 1970. For timestamps that people read. */
  wallMs(): number;
  /** Monotonic time with an arbitrary origin. Milliseconds, with fractions. For durations and deadlines. */
  nowMs(): number;
  /** Calls back once after a delay in milliseconds. The returned function cancels it; calling it twice is harmless. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The machine's own time. Timers do not keep the process alive. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  nowMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
