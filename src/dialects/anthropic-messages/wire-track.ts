import type { Frame } from "../../domain/chat.ts";
import { isJsonObject } from "../json-body.ts";
import type { ContentFrame } from "./block-writer.ts";

/** A block that the provider's own events have opened. */
export interface WireBlock {
  readonly index: number;
  /** What its first event said of it; null for text, which says nothing before its first delta. */
  opening: ContentFrame | null;
}

/** What one left behind that followed the provider's own events. */
export interface Left {
  readonly next: number;
  readonly open: WireBlock | null;
}

/** Knows which block is open while the provider's own events are written, so that others can go on from there. */
export interface WireTrack {
  /**
   * Takes note of an event that is to be written.
   * @returns its type; null when it cannot be written, because events of our own were written before it
   */
  follow(frames: readonly Frame[], text: string): string | null;
  /** Index of the open block, when a frame belongs to it; null also after `leave`. */
  blockFor(frame: ContentFrame): number | null;
  /** From now on no event can be followed. Null when that was so before. */
  leave(): Left | null;
}

export function createWireTrack(): WireTrack {
  let open: (WireBlock & { readonly type: string }) | null = null;
  let next = 0;
  let left = false;

  return {
    follow(frames, text) {
      if (left) return null;
      if (text.startsWith(deltaBeginning)) {
        if (open && open.opening === null) open.opening = frames.find(isContentFrame) ?? null;
        return "content_block_delta";
      }
      const event = parsed(text);
      if (event === null) return null;
      const { type, index, content_block: block } = event;
      if (type === "content_block_start") {
        if (index !== next) return null;
        const kind = isJsonObject(block) ? String(block.type) : "";
        open = { index: next++, type: kind, opening: frames.find(isContentFrame) ?? null };
      } else if (type === "content_block_stop") open = null;
      return typeof type === "string" ? type : null;
    },
    blockFor(frame) {
      if (left || open === null) return null;
      const same = open.opening === null ? deltaTypes.get(frame.case) === open.type : open.opening.part === frame.part;
      if (!same) return null;
      open.opening ??= frame;
      return open.index;
    },
    leave() {
      if (left) return null;
      left = true;
      return { next, open };
    },
  };
}

const deltaBeginning = "event: content_block_delta\n";

const deltaTypes: ReadonlyMap<Frame["case"], string> = new Map<Frame["case"], string>([
  ["textDelta", "text"],
  ["reasoningDelta", "thinking"],
]);

function isContentFrame(frame: Frame): frame is ContentFrame {
  return frame.case === "partStarted" || frame.case === "textDelta" || frame.case === "reasoningDelta";
}

/** An event's own data; null where it is not the one line that Anthropic writes. */
function parsed(text: string): Readonly<Record<string, unknown>> | null {
  const start = text.indexOf("data: ");
  if (start === -1) return null;
  try {
    const event: unknown = JSON.parse(text.slice(start + "data: ".length));
    return isJsonObject(event) ? event : null;
  } catch {
    return null;
  }
}
