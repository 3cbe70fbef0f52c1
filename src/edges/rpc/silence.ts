import type { Clock } from "../../domain/clock.ts";

/** What comes first: the next value, or the end of a wait. Milliseconds. */
export async function orSilence<T>(next: Promise<T>, waitMs: number, clock: Clock): Promise<T | "silence"> {
  let cancel = () => {};
  const silence = new Promise<"silence">((resolve) => {
    cancel = clock.after(waitMs, () => resolve("silence"));
  });
  try {
    return await Promise.race([next, silence]);
  } finally {
    cancel();
  }
}
