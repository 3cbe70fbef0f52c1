import { create } from "@bufbuild/protobuf";
import type { Part } from "../../../gen/trunkline/v1/message_pb.ts";
import { ReasoningPartSchema, RefusalPartSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import { partOf } from "../../domain/blank.ts";
import { membersOf } from "../json-splice.ts";
import type { JsonMembers } from "../json-text.ts";
import { CallWriter, HostedWriter, ReasoningWriter } from "./call-writers.ts";
import { isOwnCall } from "./encode-own.ts";
import { ImageWriter } from "./image-writer.ts";
import {
  type ContentFrame,
  carrierOf,
  type ItemPlace,
  type ItemStatus,
  type ItemWriter,
  WholeWriter,
} from "./item-writer.ts";
import { MessageWriter } from "./message-writer.ts";
import { madeHere } from "./wire.ts";

/**
 * The output of a response while it is written. Items may overlap as parts may, since every event names its item; what
 * is said and what is thought ends where the next item begins, so that events come in the order that clients know.
 */
export class OutputWriter {
  readonly #tell: (type: string, members: JsonMembers) => void;
  readonly #suffix: () => string;
  readonly #items: JsonMembers[] = [];
  readonly #used = new Set<string>();
  readonly #byPart = new Map<number, ItemWriter>();
  /** The item that ends where the next begins. */
  #current: ItemWriter | null = null;
  readonly #open = new Set<ItemWriter>();
  #next = 0;

  /** @param suffix what makes ids of this answer's items differ from those of all others */
  constructor(tell: (type: string, members: JsonMembers) => void, suffix: () => string) {
    this.#tell = tell;
    this.#suffix = suffix;
  }

  /** The items that have ended, in their order. */
  get items(): readonly JsonMembers[] {
    return this.#items.filter((item) => item !== undefined);
  }

  push(frame: ContentFrame): void {
    const writer = this.#byPart.get(frame.part);
    if (writer !== undefined && this.#open.has(writer)) {
      writer.write(frame);
      // Messages may go on with further parts; calls and reasoning are whole now.
      if (frame.case === "partFinished" && writer !== this.#current) this.#close(writer, "completed");
      return;
    }
    const part = beginning(frame);
    if (part === null) return;
    this.#begin(part, frame.part);
    if (frame.case !== "partStarted") this.#byPart.get(frame.part)?.write(frame);
  }

  /** The answer has ended, and its items with it. */
  closeAll(status: ItemStatus): void {
    for (const writer of [...this.#open]) this.#close(writer, status);
    this.#current = null;
  }

  #begin(part: Part, number: number): void {
    if (this.#current?.adopt(part, number)) {
      this.#byPart.set(number, this.#current);
      return;
    }
    if (this.#current) this.#close(this.#current, "completed");
    this.#current = null;
    const writer = this.#writerFor(part, number);
    if (writer === null) return;
    this.#open.add(writer);
    this.#byPart.set(number, writer);
    // Calls of the caller's tools may be written side by side.
    if (!(writer instanceof CallWriter)) this.#current = writer;
  }

  #writerFor(part: Part, number: number): ItemWriter | null {
    const { kind } = part;
    switch (kind.case) {
      case "text":
      case "refusal":
        return new MessageWriter(this.#place("msg", part.id), part, number);
      case "reasoning":
        return new ReasoningWriter(this.#place("rs", part.id), part);
      case "toolCall":
        return new CallWriter(this.#place(kind.value.kind === 2 ? "ctc" : "fc", part.id), part);
      case "hostedCall":
        if (isOwnCall(kind.value)) return new HostedWriter(this.#place("", kind.value.id), part, number);
        return this.#carrier(part);
      case "opaque":
        return kind.value.provider === "openai" && kind.value.content.case === "json"
          ? this.#whole(membersOf(kind.value.content.value, "opaque.json"))
          : this.#carrier(part);
      case "hostedResult":
        return this.#carrier(part);
      case "image":
        return new ImageWriter(this.#place("ig", ""), part);
      default:
        return null;
    }
  }

  #carrier(part: Part): ItemWriter {
    const place = this.#place("rs", "");
    return new WholeWriter(place, () => carrierOf(part, place.id));
  }

  #whole(item: JsonMembers): ItemWriter {
    return new WholeWriter(this.#place("item", ""), () => item);
  }

  #close(writer: ItemWriter, status: ItemStatus): void {
    writer.close(status);
    this.#open.delete(writer);
    for (const part of writer.carried) this.#carrier(part).close(status);
  }

  /** The provider's own id where there is one of the right kind, and it is no other item's. */
  #place(prefix: string, known: string): ItemPlace {
    const index = this.#next++;
    const isOwn = known !== "" && known.startsWith(prefix) && !this.#used.has(known);
    const id = isOwn ? known : `${prefix}_${madeHere}${this.#suffix()}_${index}`;
    this.#used.add(id);
    return {
      id,
      index,
      tell: (type, members) => this.#tell(`response.${type}`, { output_index: index, ...members }),
      keep: (item) => {
        this.#items[index] = item;
      },
    };
  }
}

/** The part that a frame begins; null for frames that begin none. */
function beginning(frame: ContentFrame): Part | null {
  switch (frame.case) {
    case "partStarted":
      return frame.value.part ?? null;
    case "textDelta":
      return partOf({ case: "text", value: "" });
    case "refusalDelta":
      return partOf({ case: "refusal", value: create(RefusalPartSchema) });
    case "reasoningDelta":
      return partOf({ case: "reasoning", value: create(ReasoningPartSchema) });
    default:
      return null;
  }
}
