import { type Frame, isContent } from "../domain/chat.ts";
import { GatewayError } from "../domain/errors.ts";
import type { Target } from "../domain/target.ts";
import type { Watch } from "./target-states.ts";

/** One attempt at an answer, under way. */
export interface Leg {
  readonly target: Target;
  readonly watch: Watch;
  readonly answer: AsyncIterable<readonly Frame[]>;
}

/** What a target says before its first content is held up to this; a provider that goes on is broken. Frames. */
const maxHeldFrames = 1000;

/** Content, or an end: an answer without a word must not be held for ever. */
export function endsHolding(frame: Frame): boolean {
  return isContent(frame) || frame.case === "finished" || frame.case === "completed";
}

/** Pings beyond the limit are left out; they say nothing. @throws GatewayError `upstream_error` for anything else */
export function hold(frames: readonly Frame[], held: Frame[]): void {
  for (const frame of frames) {
    if (held.length < maxHeldFrames) held.push(frame);
    else if (frame.case !== "heartbeat") {
      throw new GatewayError("upstream_error", `The provider sent ${maxHeldFrames} events without content.`);
    }
  }
}
