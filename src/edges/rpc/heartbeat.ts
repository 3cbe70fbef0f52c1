import type { Frame } from "../../domain/chat.ts";
import type { Clock } from "../../domain/clock.ts";
import { orSilence } from "./silence.ts";

type Answer = AsyncIterable<readonly Frame[]>;

const beat: readonly Frame[] = [
  { case: "heartbeat", value: { $typeName: "trunkline.v1.Heartbeat" }, choice: 0, part: 0 },
];

/** The answer, with a heartbeat whenever nothing came for the interval. Milliseconds. */
export async function* withHeartbeat(answer: Answer, intervalMs: number, clock: Clock): Answer {
  const iterator = answer[Symbol.asyncIterator]();
  try {
    let next = iterator.next();
    for (;;) {
      const result = await orSilence(next, intervalMs, clock);
      if (result === "silence") {
        yield beat;
        continue;
      }
      if (result.done) return;
      yield result.value;
      next = iterator.next();
    }
  } finally {
    await iterator.return?.();
  }
}
