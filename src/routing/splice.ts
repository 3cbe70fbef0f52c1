import type { Frame } from "../domain/chat.ts";
import type { Said } from "./said.ts";

/** How an answer is continued: the model goes on from the text so far, or begins anew and its repetition is swallowed. */
export type Continuation = "prefill" | "restart";

/** A new answer that did not repeat what had been sent. */
export class Divergence extends Error {
  override readonly name = "Divergence";
}

/**
 * Joins a further attempt's frames to what the caller already has: part numbers go on, the beginning is not told twice,
 * and a repetition is swallowed only while it equals what was sent, code point for code point (design 15.5).
 */
export class Splice {
  readonly #said: Said;
  /** What the new answer is expected to repeat. */
  #text: string;
  #reasoning: string;
  /** Whether what is expected may also be missing: white space that providers do not take at the end of a prefill. */
  readonly #optional: boolean;
  /** Reasoning that comes again after the answer's text had begun says nothing new. */
  readonly #dropReasoning: boolean;
  /** Part numbers of the new answer → those that the caller knows. */
  readonly #parts = new Map<number, number>();
  readonly #dropped = new Set<number>();
  #textResumed = false;

  constructor(said: Said, how: Continuation) {
    this.#said = said;
    this.#optional = how === "prefill";
    this.#text = how === "restart" ? said.text : said.text.slice(said.text.trimEnd().length);
    this.#dropReasoning = said.textPart !== null || said.reasoningClosed;
    this.#reasoning = this.#dropReasoning ? "" : said.reasoning;
  }

  /** @throws Divergence when the new answer differs from what was sent */
  push(frames: readonly Frame[]): readonly Frame[] {
    return frames.flatMap((frame) => {
      const joined = this.#join(frame);
      return joined === null ? [] : [joined];
    });
  }

  #join(frame: Frame): Frame | null {
    if (frame.choice !== 0) throw new Divergence();
    const { choice, logprobs } = frame;
    switch (frame.case) {
      case "started":
      case "heartbeat":
        return null;
      case "notice":
      case "moderation":
        return bare(frame);
      case "usage":
        return { ...bare(frame), value: this.#said.total(frame.value) };
      case "completed":
        return this.#completed(frame);
      case "finished":
        this.#expectAllRepeated();
        return bare(frame);
      case "textDelta": {
        this.#expectReasoningRepeated();
        const value = this.#rest(frame.value, "text");
        if (value === "") return null;
        return {
          case: "textDelta",
          value,
          choice,
          part: this.#textPart(frame.part),
          ...(logprobs && value === frame.value && { logprobs }),
        };
      }
      case "reasoningDelta": {
        if (this.#dropped.has(frame.part)) return null;
        const value = this.#rest(frame.value, "reasoning");
        return value === "" ? null : { case: "reasoningDelta", value, choice, part: this.#numberOf(frame.part) };
      }
      case "partStarted":
        return this.#partStarted(frame);
      default:
        if (this.#dropped.has(frame.part)) return null;
        this.#expectAllRepeated();
        return { ...bare(frame), part: this.#numberOf(frame.part) };
    }
  }

  #partStarted(frame: Extract<Frame, { case: "partStarted" }>): Frame | null {
    const kind = frame.value.part?.kind.case;
    if (kind === "reasoning") {
      if (this.#dropReasoning) this.#dropped.add(frame.part);
      else if (this.#said.reasoningPart !== null) this.#parts.set(frame.part, this.#said.reasoningPart);
      else return { ...bare(frame), part: this.#numberOf(frame.part) };
      return null;
    }
    if (kind === "text" && this.#said.textPart !== null && !this.#textResumed) {
      this.#textPart(frame.part);
      return null;
    }
    this.#expectAllRepeated();
    return { ...bare(frame), part: this.#numberOf(frame.part) };
  }

  #completed(frame: Extract<Frame, { case: "completed" }>): Frame {
    const { usage } = frame.value;
    return { ...bare(frame), value: { ...frame.value, ...(usage && { usage: this.#said.total(usage) }) } };
  }

  /** What of a delta is new. @throws Divergence */
  #rest(delta: string, channel: "text" | "reasoning"): string {
    const expected = channel === "text" ? this.#text : this.#reasoning;
    const most = Math.min(delta.length, expected.length);
    let length = 0;
    while (length < most && delta[length] === expected[length]) length++;
    const repeats = length === most;
    if (!repeats && !this.#optional) throw new Divergence();
    const left = repeats ? expected.slice(length) : "";
    if (channel === "text") this.#text = left;
    else this.#reasoning = left;
    return delta.slice(length);
  }

  #expectReasoningRepeated(): void {
    if (this.#reasoning !== "") throw new Divergence();
  }

  #expectAllRepeated(): void {
    this.#expectReasoningRepeated();
    if (this.#text !== "" && !this.#optional) throw new Divergence();
  }

  /** The first text of the new answer goes on with the text that the caller has. */
  #textPart(part: number): number {
    const { textPart } = this.#said;
    if (textPart !== null && !this.#textResumed) this.#parts.set(part, textPart);
    this.#textResumed = true;
    return this.#numberOf(part);
  }

  #numberOf(part: number): number {
    let known = this.#parts.get(part);
    if (known === undefined) {
      known = Math.max(this.#said.nextPart, ...[...this.#parts.values()].map((number) => number + 1));
      this.#parts.set(part, known);
    }
    return known;
  }
}

/** The frame without the provider's own bytes: they would tell of another answer. */
function bare<F extends Frame>({ wire: _, ...frame }: F): F {
  // Only the optional `wire` is gone.
  return frame as F;
}
