import { withWire } from "../../domain/chat.ts";
import type { DecodeMemory, SseEvent, StreamDecoder } from "../provider.ts";
import { createAnswer } from "./answer.ts";
import { readEvent } from "./wire.ts";

/** Reads a Messages stream. Every event keeps its bytes, unless what it says had to be changed. */
export function createDecoder(memory: DecodeMemory): StreamDecoder {
  const answer = createAnswer(memory);
  return {
    push(event) {
      if (event.data === "") return [];
      const frames = answer.step(readEvent(event.data));
      return answer.exact ? withWire(frames, "anthropic-messages", wireText(event)) : frames;
    },
    end: () => answer.end(),
    get done() {
      return answer.done;
    },
  };
}

function wireText({ event, data }: SseEvent): string {
  const lines = `data: ${data.includes("\n") ? data.replaceAll("\n", "\ndata: ") : data}\n\n`;
  return event === "" ? lines : `event: ${event}\n${lines}`;
}
