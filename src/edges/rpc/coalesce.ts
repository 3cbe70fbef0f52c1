import type { Frame } from "../../domain/chat.ts";
import type { Clock } from "../../domain/clock.ts";
import { orSilence } from "./silence.ts";

type Answer = AsyncIterable<readonly Frame[]>;

/**
 * The answer in fewer events: text that comes within the delay after its first piece is joined. Anything but text ends
 * the wait, and so does a failure, before which everything that was said still goes out. Milliseconds.
 */
export async function* coalesced(answer: Answer, delayMs: number, clock: Clock): Answer {
  const iterator = answer[Symbol.asyncIterator]();
  let held: readonly Frame[] = [];
  let heldSinceMs = 0;
  try {
    let next = iterator.next();
    for (;;) {
      const waitMs = Math.max(0, heldSinceMs + delayMs - clock.nowMs());
      const result = held.length === 0 ? await next : await orSilence(next, waitMs, clock);
      if (result !== "silence" && result.done) break;
      if (result !== "silence") {
        if (held.length === 0) heldSinceMs = clock.nowMs();
        held = joined([...held, ...result.value]);
        next = iterator.next();
        if (held.every(isText)) continue;
      }
      yield held;
      held = [];
    }
    if (held.length > 0) yield held;
  } catch (failure) {
    if (held.length > 0) yield held;
    throw failure;
  } finally {
    await iterator.return?.();
  }
}

const textCases: ReadonlySet<Frame["case"]> = new Set([
  "textDelta",
  "reasoningDelta",
  "refusalDelta",
  "argumentsDelta",
  "transcriptDelta",
]);

function isText(frame: Frame): boolean {
  return textCases.has(frame.case);
}

function joined(frames: readonly Frame[]): readonly Frame[] {
  const result: Frame[] = [];
  for (const frame of frames) {
    const last = result.at(-1);
    if (last && areOneText(last, frame)) {
      // Both hold text, as their case says.
      const value = `${last.value}${frame.value}`;
      result[result.length - 1] = { case: frame.case, value, choice: frame.choice, part: frame.part } as Frame;
    } else result.push(frame);
  }
  return result;
}

/** Log probabilities belong to one delta each, so those stay alone. */
function areOneText(a: Frame, b: Frame): boolean {
  if (a.case !== b.case || !isText(a) || a.logprobs || b.logprobs) return false;
  return a.choice === b.choice && a.part === b.part;
}
