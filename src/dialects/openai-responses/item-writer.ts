import type { Part } from "../../../gen/trunkline/v1/message_pb.ts";
import type { PartFinished } from "../../../gen/trunkline/v1/stream_pb.ts";
import type { Frame } from "../../domain/chat.ts";
import type { JsonMembers } from "../json-text.ts";
import { wrapPart } from "../wrapped-parts.ts";

/** A frame of the answer's content. */
export type ContentFrame = Exclude<
  Frame,
  { case: "started" | "completed" | "usage" | "notice" | "heartbeat" | "moderation" | "finished" }
>;

/** How an item ends. */
export type ItemStatus = "completed" | "incomplete";

/** Where an item stands in the answer, and how its events are told. */
export interface ItemPlace {
  readonly id: string;
  /** Position among the items of the answer. */
  readonly index: number;
  /** An event of this item: `response.` is put before its type, `output_index` beside its members. */
  tell(type: string, members: JsonMembers): void;
  /** Keeps the finished item at its position. */
  keep(item: JsonMembers): void;
}

/** One item of the output while it grows. */
export interface ItemWriter {
  write(frame: ContentFrame): void;
  /** Takes a further part that belongs into the same item; false when there is none such. */
  adopt(part: Part, number: number): boolean;
  /** Ends the item. */
  close(status: ItemStatus): void;
  /** What has to follow the item, because it has no place for it: the proof of its part. */
  readonly carried: readonly Part[];
}

/** What all items have in common: their first event and their last. */
export abstract class Writer implements ItemWriter {
  readonly carried: Part[] = [];
  protected readonly place: ItemPlace;
  #closed = false;

  constructor(place: ItemPlace) {
    this.place = place;
  }

  get id(): string {
    return this.place.id;
  }

  abstract write(frame: ContentFrame): void;

  adopt(_part: Part, _number: number): boolean {
    return false;
  }

  close(status: ItemStatus): void {
    if (this.#closed) return;
    this.#closed = true;
    const item = this.finish(status);
    this.place.tell("output_item.done", { item });
    this.place.keep(item);
  }

  /** The events before the last, and the item as it is in the end. */
  protected abstract finish(status: ItemStatus): JsonMembers;

  protected open(item: JsonMembers): void {
    this.place.tell("output_item.added", { item });
  }

  /** An event of the item's inside, which names the item. */
  protected inside(type: string, members: JsonMembers): void {
    this.place.tell(type, { item_id: this.place.id, ...members });
  }
}

/** An item that is told when it is whole. */
export class WholeWriter extends Writer {
  readonly #item: (status: ItemStatus) => JsonMembers;

  constructor(place: ItemPlace, item: (status: ItemStatus) => JsonMembers) {
    super(place);
    this.#item = item;
  }

  write(_frame: ContentFrame): void {}

  protected finish(status: ItemStatus): JsonMembers {
    const item = this.#item(status);
    this.open(item);
    return item;
  }
}

/** The item in which what another provider wants back travels: no client looks into it. */
export function carrierOf(part: Part, id: string): JsonMembers {
  return { type: "reasoning", id, summary: [], encrypted_content: wrapPart(part) };
}

/** The end of a part, put into it. */
export function noteEnd(part: Part, { proof, status }: PartFinished): void {
  if (proof) part.proof = proof;
  if (status !== "") part.status = status;
}
