import type { FakeClock } from "./clock.ts";

/** Lets asynchronous work go on under a clock that is wound by hand. */
export interface Turns {
  readonly clock: FakeClock;
  /** Lets everything happen that can happen without time passing. */
  settle(): Promise<void>;
  /** Lets time pass, and what falls due on the way happen. Milliseconds. */
  pass(ms: number): Promise<void>;
  /** Lets time pass until the work is done, an hour at most. */
  until(work: Promise<unknown>): Promise<void>;
}

/** Turns of the event loop after which nothing is left to happen: no chain of promises here is longer. */
const settlingTurns = 5;
/** Milliseconds at a time; what falls due in between is called at its own time. */
const stepMs = 25;

export function createTurns(clock: FakeClock): Turns {
  async function settle(): Promise<void> {
    for (let i = 0; i < settlingTurns; i++) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  async function pass(ms: number): Promise<void> {
    const untilMs = clock.nowMs() + ms;
    await settle();
    while (clock.nowMs() < untilMs) {
      clock.advance(Math.min(stepMs, untilMs - clock.nowMs()));
      await settle();
    }
  }
  return {
    clock,
    settle,
    pass,
    async until(work) {
      let done = false;
      const note = () => {
        done = true;
      };
      work.then(note, note);
      await settle();
      for (let ms = 0; !done && ms < 3_600_000; ms += stepMs) await pass(stepMs);
      if (!done) throw new Error("It was not done within an hour.");
    },
  };
}
