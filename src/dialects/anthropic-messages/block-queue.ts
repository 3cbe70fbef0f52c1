import type { Part } from "../../../gen/trunkline/v1/message_pb.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { JsonMembers } from "../json-text.ts";
import { type BlockEvents, type BlockWriter, type ContentFrame, openBlock } from "./block-writer.ts";
import { carried } from "./encode-blocks.ts";
import type { WireBlock } from "./wire-track.ts";

/** Most that is held back of calls whose fragments come among another's. UTF-16 units. */
const maxHeldLength = 4 * 1024 * 1024;

/** Frames that can be a part's first. */
const begins: ReadonlySet<ContentFrame["case"]> = new Set<ContentFrame["case"]>([
  "partStarted",
  "textDelta",
  "refusalDelta",
  "reasoningDelta",
]);

/**
 * Parts of an answer one after the other: blocks do not overlap, as parts may. What belongs to a part that cannot begin
 * yet waits until the open block has ended (edge case 31).
 */
export class BlockQueue {
  readonly #write: (type: string, members: JsonMembers) => void;
  readonly #events: BlockEvents;
  /** Index of the next block. */
  #next = 0;
  #open: { readonly part: number; readonly writer: BlockWriter } | null = null;
  #waiting: ContentFrame[] = [];
  #held = 0;
  /** Calls whose blocks have ended. */
  readonly #calls = new Map<number, Part>();
  readonly #late: JsonMembers[] = [];
  /** While a block is taken over, whose beginning was written by others. */
  #muted = false;

  constructor(write: (type: string, members: JsonMembers) => void) {
    this.#write = write;
    this.#events = {
      start: (block) => this.#event("content_block_start", { index: this.#next++, content_block: block }),
      delta: (delta) => this.#event("content_block_delta", { index: this.#next - 1, delta }),
      stop: () => this.#event("content_block_stop", { index: this.#next - 1 }),
    };
  }

  /**
   * Goes on after blocks that others have written.
   * @param next index of the next block
   * @param open the one that is still open
   */
  adopt(next: number, open: WireBlock | null): void {
    this.#next = next;
    if (open === null) return;
    this.#muted = true;
    const writer = open.opening && openBlock(open.opening, this.#events);
    this.#muted = false;
    this.#next = next;
    if (open.opening && writer) this.#open = { part: open.opening.part, writer };
    else this.#events.stop();
  }

  /** @throws GatewayError `upstream_error` when more is held back than anybody's calls take */
  push(frame: ContentFrame): void {
    if (this.#open?.part === frame.part) {
      this.#open.writer.write(frame);
      if (frame.case === "partFinished") this.#close();
    } else if (!begins.has(frame.case) && !this.#waiting.some(({ part }) => part === frame.part)) this.#tooLate(frame);
    else if (this.#open === null) this.#begin(frame);
    else if (this.#open.writer.isWhole) {
      this.#close();
      this.push(frame);
    } else this.#wait(frame);
  }

  /** The answer has ended, and its parts with it. */
  closeAll(): void {
    while (this.#open) this.#close();
    for (const block of this.#late.splice(0)) {
      this.#events.start(block);
      this.#events.stop();
    }
  }

  /** What proves a call may come when its block has ended: it is told at the end. Nothing else is missed then. */
  #tooLate(frame: ContentFrame): void {
    const call = this.#calls.get(frame.part);
    if (call && frame.case === "partFinished" && frame.value.proof) {
      this.#late.push(...carried({ ...call, proof: frame.value.proof }));
    }
  }

  #begin(frame: ContentFrame): void {
    const writer = openBlock(frame, this.#events);
    if (writer === null) return;
    this.#open = { part: frame.part, writer };
    if (frame.case !== "partStarted") writer.write(frame);
  }

  #wait(frame: ContentFrame): void {
    this.#waiting.push(frame);
    this.#held += typeof frame.value === "string" ? frame.value.length : 0;
    if (this.#held <= maxHeldLength) return;
    throw new GatewayError("upstream_error", `The provider mixed calls of more than ${maxHeldLength} characters.`);
  }

  #close(): void {
    if (this.#open) {
      const { part, writer } = this.#open;
      writer.close();
      if (writer.part.kind.case === "toolCall") this.#calls.set(part, writer.part);
    }
    this.#open = null;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#held = 0;
    for (const frame of waiting) this.push(frame);
  }

  #event(type: string, members: JsonMembers): void {
    if (!this.#muted) this.#write(type, members);
  }
}
