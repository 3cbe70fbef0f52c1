import type { Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import type { Frame, Wire } from "../../domain/chat.ts";
import type { GatewayError } from "../../domain/errors.ts";
import { toEventLine } from "../event-lines.ts";
import type { StreamEncoder } from "../stream-encoder.ts";
import { type ChoiceEncoder, createChoiceEncoder, type Delta } from "./encode-choice.ts";
import { encodeModeration } from "./encode-moderation.ts";
import { encodeUsage } from "./encode-usage.ts";
import { encodeErrorBody } from "./error-body.ts";

export interface StreamOptions {
  /** Whether the caller asked for a usage chunk at the end. */
  readonly includeUsage: boolean;
  /** The caller declared `functions`: calls are `function_call` deltas, as deprecated clients read them. */
  readonly legacyFunctions: boolean;
  /** The gateway's id of the request, for answers that have none of their own. */
  readonly requestId: string;
}

/** A comment: shows proxies and clients that the stream lives, and means nothing. */
export const keepAliveComment = ": keep-alive\n\n";

const done = "data: [DONE]\n\n";

/** What chat clients have no place for, and people who look at the stream want to know. */
function comment(text: string): string {
  return `: ${text.replaceAll(/[\r\n]+/g, " ")}\n\n`;
}

/**
 * Frames that still are what one event of an OpenAI-compatible provider said are written as that event's own text, so
 * that fields unknown here survive; all others are encoded anew, with the id, time and model that the answer began with
 * (wire.md §2.4; edge cases 23, 26, 37, 42). `[DONE]` follows a whole answer, never an error.
 */
export function createStreamEncoder(options: StreamOptions): StreamEncoder {
  return new ChunkEncoder(options);
}

class ChunkEncoder implements StreamEncoder {
  readonly #options: StreamOptions;
  readonly #choices = new Map<number, ChoiceEncoder>();
  /** `{"id":…,"object":…,"created":…,"model":…` of every chunk made here. */
  #head: string;
  #usage: Usage | undefined;
  #usageWritten = false;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#head = chunkHead(`chatcmpl-${options.requestId}`, 0, "");
  }

  push(frames: readonly Frame[]): string {
    let text = "";
    if (frames.length > 1) this.#foresee(frames);
    for (let at = 0; at < frames.length; ) {
      const wire = frames[at]?.wire;
      const end = wire === undefined ? at + 1 : endOfGroup(frames, at, wire);
      // Most batches are one event.
      const group = end - at === frames.length ? frames : frames.slice(at, end);
      text += this.#group(group, wire);
      at = end;
    }
    return text;
  }

  error(error: GatewayError): string {
    return event(encodeErrorBody(error));
  }

  #foresee(frames: readonly Frame[]): void {
    for (const { case: kind, value, choice, part } of frames) {
      if (kind === "partFinished" && value.proof) this.#choice(choice).foresee(part, value.proof);
    }
  }

  #group(frames: readonly Frame[], wire: Wire | undefined): string {
    if (wire === undefined || !isUntouched(frames, wire)) return this.#encodeAll(frames);
    const usage = usageRole(frames);
    if (usage === "mixed" || (usage === "only" && !this.#options.includeUsage)) return this.#encodeAll(frames);
    if (usage === "only") this.#usageWritten = true;
    for (const frame of frames) {
      this.#note(frame);
      if (tellsRole.has(frame.case)) this.#choice(frame.choice).tellRole();
    }
    return frames.at(-1)?.case === "completed" ? this.#close() : wire.text;
  }

  #encodeAll(frames: readonly Frame[]): string {
    let text = "";
    for (const frame of frames) text += this.#encode(frame);
    return text;
  }

  /** One frame as a chunk of its own; empty for what chat clients cannot be told. */
  #encode(frame: Frame): string {
    this.#note(frame);
    switch (frame.case) {
      case "completed":
        return this.#close();
      case "notice":
        return frame.value.code === "failover" ? comment(frame.value.message) : "";
      case "started":
      case "usage":
      case "heartbeat":
        return "";
      case "moderation":
        return event(`${this.#head},"choices":[],"moderation":${JSON.stringify(encodeModeration([frame.value]))}}`);
      default:
        return this.#choice(frame.choice)
          .encode(frame)
          .map((delta) => this.#chunk(frame, delta))
          .join("");
    }
  }

  /** What later chunks depend on, whether this frame is encoded or its own text is written. */
  #note(frame: Frame): void {
    switch (frame.case) {
      case "started": {
        const { id, created, model } = frame.value;
        this.#head = chunkHead(id || `chatcmpl-${this.#options.requestId}`, Number(created?.seconds ?? 0n), model);
        return;
      }
      case "usage":
        this.#usage = frame.value;
        return;
      case "completed":
        this.#usage = frame.value.usage ?? this.#usage;
        return;
      case "notice":
      case "heartbeat":
      case "moderation":
        return;
      default:
        this.#choice(frame.choice).note(frame);
    }
  }

  #choice(index: number): ChoiceEncoder {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = createChoiceEncoder(this.#options.legacyFunctions);
      this.#choices.set(index, choice);
    }
    return choice;
  }

  #chunk(frame: Frame, { delta, finishReason, logprobs }: Delta): string {
    const choice = `{"index":${frame.choice},"delta":${JSON.stringify(delta)}`;
    const logprobsText = logprobs ? `,"logprobs":${JSON.stringify(logprobs)}` : "";
    const finish = `,"finish_reason":${finishReason === null ? "null" : JSON.stringify(finishReason)}}`;
    const usage = this.#options.includeUsage ? ',"usage":null' : "";
    return event(`${this.#head},"choices":[${choice}${logprobsText}${finish}]${usage}}`);
  }

  #close(): string {
    const usage = this.#options.includeUsage && !this.#usageWritten ? encodeUsage(this.#usage) : null;
    if (usage === null) return done;
    return event(`${this.#head},"choices":[],"usage":${JSON.stringify(usage)}}`) + done;
  }
}

function chunkHead(id: string, created: number, model: string): string {
  return `{"id":${JSON.stringify(id)},"object":"chat.completion.chunk","created":${created},"model":${JSON.stringify(model)}`;
}

/** The end of the frames from `start` on that were read from one wire event. */
function endOfGroup(frames: readonly Frame[], start: number, wire: Wire): number {
  let end = start + 1;
  while (frames[end]?.wire === wire) end++;
  return end;
}

function isUntouched(frames: readonly Frame[], wire: Wire): boolean {
  return wire.dialect === "openai-chat" && !wire.whole && wire.frames === frames.length;
}

/** Frames whose event named the role, or came after one that did: the decoder repairs those that did not. */
const tellsRole: ReadonlySet<Frame["case"]> = new Set<Frame["case"]>([
  "started",
  "textDelta",
  "reasoningDelta",
  "refusalDelta",
  "argumentsDelta",
  "partStarted",
  "finished",
]);

/** Whether an event tells usage, and nothing else: clients that did not ask must not see it (edge case 23). */
function usageRole(frames: readonly Frame[]): "none" | "only" | "mixed" {
  const count = frames.reduce((sum, frame) => (frame.case === "usage" ? sum + 1 : sum), 0);
  if (count === 0) return "none";
  return count === frames.length ? "only" : "mixed";
}

function event(json: string): string {
  return `data: ${toEventLine(json)}\n\n`;
}
