import { type Finished, FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import type { Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import { blankFinished } from "../../domain/blank.ts";
import type { Frame, Wire } from "../../domain/chat.ts";
import type { GatewayError } from "../../domain/errors.ts";
import { toEventLine } from "../event-lines.ts";
import { type JsonMembers, toJsonText } from "../json-text.ts";
import type { StreamEncoder } from "../stream-encoder.ts";
import { BlockQueue } from "./block-queue.ts";
import { type ContentFrame, deltaOf } from "./block-writer.ts";
import { messageHead } from "./encode-response.ts";
import { encodeStop } from "./encode-stop.ts";
import { encodeMessagesUsage, encodeUsageDelta } from "./encode-usage.ts";
import { encodeMessagesError } from "./error-body.ts";
import { createWireTrack, type WireTrack } from "./wire-track.ts";

/** What breaks a silence: an event that every client of Messages skips. */
export const pingEvent = 'event: ping\ndata: {"type":"ping"}\n\n';

/**
 * Frames as the events of Messages (wire.md §4.3; edge cases 31, 38, 46, 91–95). Frames that still are what one event of
 * Anthropic's said are written as that event's own text; text that a stage replaced is written into the same block. When
 * anything else was replaced, all that follows is written anew: blocks are numbered, and a number given twice would spoil
 * both.
 * @param requestId the gateway's id of the request, for answers that have none of their own
 */
export function createMessagesEncoder(requestId: string): StreamEncoder {
  return new MessagesEncoder(requestId);
}

class MessagesEncoder implements StreamEncoder {
  readonly #requestId: string;
  readonly #track: WireTrack = createWireTrack();
  readonly #blocks: BlockQueue;
  /** What has been written of the batch under way. */
  #text = "";
  #started = false;
  #deltaWritten = false;
  #ended = false;
  #usage: Usage | undefined;
  #refused = false;
  #finished: Finished = blankFinished(FinishReason.UNSPECIFIED, "");

  constructor(requestId: string) {
    this.#requestId = requestId;
    this.#blocks = new BlockQueue((type, members) => this.#write(type, members));
  }

  push(frames: readonly Frame[]): string {
    this.#text = "";
    for (let at = 0; at < frames.length; ) {
      const wire = frames[at]?.wire;
      const end = wire === undefined ? at + 1 : endOfGroup(frames, at, wire);
      this.#group(end - at === frames.length ? frames : frames.slice(at, end), wire);
      at = end;
    }
    return this.#text;
  }

  error(error: GatewayError): string {
    return event("error", encodeMessagesError(error, this.#requestId));
  }

  #group(frames: readonly Frame[], wire: Wire | undefined): void {
    const untouched = wire !== undefined && isUntouched(frames, wire) ? this.#track.follow(frames, wire.text) : null;
    for (const frame of frames) {
      this.#note(frame);
      if (untouched === null) this.#encode(frame);
    }
    if (untouched === null) return;
    this.#started = true;
    this.#deltaWritten ||= untouched === "message_delta";
    this.#ended ||= untouched === "message_stop";
    this.#text += wire?.text ?? "";
  }

  /** What later events depend on, whether this frame is encoded or its own text is written. */
  #note(frame: Frame): void {
    if (frame.case === "usage") this.#usage = frame.value;
    else if (frame.case === "completed") this.#usage = frame.value.usage ?? this.#usage;
    else if (frame.case === "finished" && frame.choice === 0) this.#finished = frame.value;
    else if (frame.case === "refusalDelta") this.#refused = true;
    else if (frame.case === "partStarted") this.#refused ||= frame.value.part?.kind.case === "refusal";
  }

  #encode(frame: Frame): void {
    switch (frame.case) {
      case "started":
        return this.#start(frame.value.id, frame.value.model);
      case "completed":
        return this.#complete();
      case "notice":
        if (frame.value.code === "failover") this.#text += `: ${frame.value.message.replaceAll(/[\r\n]+/g, " ")}\n\n`;
        return;
      case "finished":
        if (frame.choice === 0) this.#detached().closeAll();
        return;
      case "usage":
      case "moderation":
      case "heartbeat":
      // Messages has no place for what is seen or heard.
      case "mediaDelta":
      case "transcriptDelta":
        return;
      default:
        // There is one choice: nobody can ask for more of them here.
        if (frame.choice === 0) this.#content(frame);
    }
  }

  #start(id: string, model: string): void {
    if (this.#started) return;
    this.#started = true;
    const message = {
      ...messageHead(id, this.#requestId, model),
      content: [],
      ...{ stop_reason: null, stop_sequence: null, stop_details: null },
      usage: encodeMessagesUsage(this.#usage, ""),
    };
    this.#write("message_start", { message });
  }

  #content(frame: ContentFrame): void {
    this.#start("", "");
    const index = this.#track.blockFor(frame);
    const delta = index === null ? null : deltaOf(frame);
    if (index !== null && delta !== null) this.#write("content_block_delta", { index, delta });
    else this.#detached().push(frame);
  }

  /** The blocks, numbered on from those of the provider's own events; none of these is written from now on. */
  #detached(): BlockQueue {
    const left = this.#track.leave();
    if (left) this.#blocks.adopt(left.next, left.open);
    return this.#blocks;
  }

  /** Counts come after the finish reason, with some providers: only now are they all there (edge case 94). */
  #complete(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#start("", "");
    if (!this.#deltaWritten) {
      this.#detached().closeAll();
      const delta = { container: null, ...encodeStop(this.#finished, this.#refused) };
      this.#write("message_delta", { delta, usage: encodeUsageDelta(this.#usage) });
    }
    this.#write("message_stop", {});
  }

  #write(type: string, members: JsonMembers): void {
    this.#text += event(type, toJsonText({ type, ...members }));
  }
}

/** The end of the frames from `start` on that were read from one wire event. */
function endOfGroup(frames: readonly Frame[], start: number, wire: Wire): number {
  let end = start + 1;
  while (frames[end]?.wire === wire) end++;
  return end;
}

function isUntouched(frames: readonly Frame[], wire: Wire): boolean {
  return wire.dialect === "anthropic-messages" && !wire.whole && wire.frames === frames.length;
}

function event(type: string, json: string): string {
  return `event: ${type}\ndata: ${toEventLine(json)}\n\n`;
}
