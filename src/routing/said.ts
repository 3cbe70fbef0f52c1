import { create } from "@bufbuild/protobuf";
import type { ChatRequest } from "../../gen/trunkline/v1/chat_pb.ts";
import { type Usage, UsageSchema } from "../../gen/trunkline/v1/usage_pb.ts";
import type { Frame } from "../domain/chat.ts";
import { type Counted, type Sizes, sizesOf, usageSoFar } from "../domain/estimate.ts";

/** Answers longer than this are not continued, and not kept for it. UTF-16 units. */
const maxSaidLength = 1024 * 1024;

/** What of an answer has reached the caller: enough to go on from there, should it be cut. */
export class Said {
  /** The texts so far. UTF-16 units. */
  text = "";
  reasoning = "";
  /** Numbers of the parts that hold them; null before they began. */
  textPart: number | null = null;
  reasoningPart: number | null = null;
  /** Number of the next part. */
  nextPart = 0;
  /** Whether the reasoning part has been closed. */
  reasoningClosed = false;
  /** Why it cannot be continued, for people; null while it can. */
  obstacle: string | null = null;
  readonly #request: ChatRequest;
  readonly #sizes: Sizes = { outputChars: 0, reasoningChars: 0 };
  /** Of the attempt that runs, as its provider counted. */
  #counted: Counted | null = null;
  /** Of the attempts before it. */
  #before: Usage | null = null;
  #running = true;
  /** Characters of text and of reasoning beyond what is kept. */
  readonly #beyond = { text: 0, reasoning: 0 };

  constructor(request: ChatRequest) {
    this.#request = request;
  }

  /** Frames that go to the caller as they came. */
  push(frames: readonly Frame[]): void {
    for (const frame of frames) this.count(frame);
    this.tell(frames);
  }

  /** Frames that go to the caller. */
  tell(frames: readonly Frame[]): void {
    for (const frame of frames) this.#note(frame);
  }

  /** The attempt is over: what it used is set aside, so that the next one's use is added to it. */
  cut(): void {
    if (!this.#running) return;
    this.#running = false;
    const used = usageSoFar(this.#request, this.#sizes, this.#counted);
    this.#before = this.#before === null ? used : sum(this.#before, used);
    this.#counted = null;
    Object.assign(this.#sizes, { outputChars: 0, reasoningChars: 0 });
  }

  /** A further attempt begins. */
  goOn(): void {
    this.#running = true;
  }

  /** How much has been sent. Characters. */
  get lengths(): { readonly text: number; readonly reasoning: number } {
    const { text, reasoning } = this.#beyond;
    return { text: text + [...this.text].length, reasoning: reasoning + [...this.reasoning].length };
  }

  /** What all attempts have used, the running one as told. */
  total(running: Usage): Usage {
    return this.#before === null ? running : sum(this.#before, running);
  }

  /** What the cut attempts have used; null when none was cut. */
  get used(): Usage | null {
    return this.#before;
  }

  /** Counts what a running attempt says, whether or not it reaches the caller. */
  count(frame: Frame): void {
    sizesOf(frame, this.#sizes);
    if (frame.case === "usage") this.#counted = { usage: frame.value, sizes: { ...this.#sizes } };
  }

  #note(frame: Frame): void {
    if (frame.choice !== 0) this.obstacle ??= "it has several choices";
    switch (frame.case) {
      case "textDelta":
        if (this.textPart !== null && this.textPart !== frame.part) this.obstacle ??= "it has several texts";
        this.textPart = frame.part;
        this.#keep("text", frame.value);
        break;
      case "reasoningDelta":
        if (this.reasoningPart !== frame.part) this.obstacle ??= "its reasoning has several parts";
        this.#keep("reasoning", frame.value);
        break;
      case "partStarted":
        this.#notePart(frame.value.part?.kind.case, frame.part);
        break;
      case "partFinished":
        if (frame.part === this.reasoningPart) this.reasoningClosed = true;
        break;
      case "finished":
        this.obstacle ??= "it had finished";
        break;
      case "refusalDelta":
      case "argumentsDelta":
      case "mediaDelta":
      case "transcriptDelta":
      case "annotation":
        this.obstacle ??= "it holds more than text";
        break;
      default:
        return;
    }
    this.nextPart = Math.max(this.nextPart, frame.part + 1);
  }

  #keep(channel: "text" | "reasoning", delta: string): void {
    if (this.text.length + this.reasoning.length + delta.length > maxSaidLength) this.obstacle ??= "it is too long";
    // What cannot be continued is only counted.
    if (this.obstacle === null) this[channel] += delta;
    else this.#beyond[channel] += [...delta].length;
  }

  #notePart(kind: string | undefined, part: number): void {
    if (kind === "text") this.textPart ??= part;
    else if (kind === "reasoning" && this.reasoningPart === null && this.textPart === null) this.reasoningPart = part;
    else this.obstacle ??= kind === "toolCall" ? "a tool call had begun" : "it holds more than text";
  }
}

/** Counts of two attempts together. A count that one of them lacks stays unknown only if the other lacks it too. */
function sum(a: Usage, b: Usage): Usage {
  const added = create(UsageSchema, { estimated: a.estimated || b.estimated, priceVersion: b.priceVersion });
  for (const count of counts) {
    const [left, right] = [a[count], b[count]];
    if (left !== undefined || right !== undefined) added[count] = (left ?? 0) + (right ?? 0);
  }
  if (a.costNanoUsd !== undefined && b.costNanoUsd !== undefined) added.costNanoUsd = a.costNanoUsd + b.costNanoUsd;
  added.cacheWriteByTtl = [...a.cacheWriteByTtl, ...b.cacheWriteByTtl];
  added.byModality = [...a.byModality, ...b.byModality];
  added.hostedToolUses = [...a.hostedToolUses, ...b.hostedToolUses];
  return added;
}

const counts = [
  "inputTokens",
  "outputTokens",
  "totalTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "reasoningTokens",
  "acceptedPredictionTokens",
  "rejectedPredictionTokens",
  "toolPromptTokens",
] as const;
