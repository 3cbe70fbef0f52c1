import { create } from "@bufbuild/protobuf";
import { AudioPartSchema, MediaSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import type { Frame } from "../../domain/chat.ts";
import { type Fields, fieldsOf, textOf } from "../openai-chat/wire.ts";
import { CallItem, ReasoningItem, WholeItem } from "./decode-items.ts";
import { MessageItem } from "./decode-message.ts";
import { type OpenItem, PartWriter } from "./decode-parts.ts";
import { callersItems, entriesOf, hostedItems, indexOf, issuerOf } from "./wire.ts";

/** Answers have at most so many items; events beyond are an answer that never ends. */
const maxItems = 10_000;

/** The output of a response: which item an event belongs to, and what the items have in common. */
export class OutputItems {
  /** How often each hosted tool was used. */
  readonly uses = new Map<string, number>();
  readonly #kind: string;
  readonly #writer = new PartWriter();
  readonly #open = new Map<number, OpenItem>();
  /** Indexes of items that have begun, by id: some servers leave the index out. */
  readonly #byId = new Map<string, number>();
  readonly #seen = new Set<number>();
  readonly #waiting = new Set<string>();
  #messages: MessageItem[] = [];
  #hasCalls = false;
  /** Number of the part of a spoken answer, which belongs to no item. */
  #audio: number | null = null;

  constructor(kind: string) {
    this.#kind = kind;
  }

  /** Whether a tool of the caller's was called, or something else of its is waited for. */
  get calls(): boolean {
    return this.#hasCalls || this.#waiting.size > 0;
  }

  get refused(): boolean {
    return this.#messages.some(({ refused }) => refused);
  }

  /** Whether the last event had to be mended. */
  get repaired(): boolean {
    return this.#writer.repaired;
  }

  /**
   * The frames of one event. Events that are newer than this decoder have none.
   * @param itemText the event's item as it was written: parsing would lose integers above 2^53
   */
  push(type: string, fields: Fields, itemText?: string): Frame[] {
    this.#writer.repaired = false;
    if (type.startsWith("response.audio.")) this.#speak(type, textOf(fields, "delta"));
    else if (type === "response.output_item.added") this.#begin(fields);
    else if (type === "response.output_item.done")
      this.#finish(this.#indexOf(fields), fieldsOf(fields, "item"), itemText);
    else this.#grow(type, fields);
    return this.#writer.take();
  }

  /** What is left at the end of the response: items that no event told of, and those that lack their end. */
  end(response: Fields): Frame[] {
    this.#writer.repaired = false;
    for (const [index, item] of entriesOf(response, "output")) {
      if (!this.#seen.has(index) || this.#open.has(index)) this.#finish(index, item);
    }
    for (const item of this.#open.values()) item.close();
    this.#open.clear();
    if (this.#audio !== null) this.#writer.close(this.#audio);
    return this.#writer.take();
  }

  #indexOf(fields: Fields): number {
    const id = textOf(fields, "item_id") || textOf(fieldsOf(fields, "item"), "id");
    return indexOf(fields, "output_index") ?? this.#byId.get(id) ?? this.#seen.size;
  }

  #begin(fields: Fields): void {
    const item = fieldsOf(fields, "item");
    const index = this.#indexOf(fields);
    if (!this.#seen.has(index)) this.#create(index, item);
  }

  #create(index: number, item: Fields): OpenItem | undefined {
    if (this.#seen.size >= maxItems) return undefined;
    this.#seen.add(index);
    const id = textOf(item, "id");
    if (id !== "") this.#byId.set(id, index);
    const open = this.#itemOf(item);
    this.#open.set(index, open);
    return open;
  }

  #itemOf(item: Fields): OpenItem {
    const issuer = issuerOf(this.#kind);
    switch (item.type) {
      case "message": {
        const message = new MessageItem(item, this.#writer, issuer);
        this.#messages.push(message);
        return message;
      }
      case "reasoning":
        return new ReasoningItem(item, this.#writer, issuer);
      case "function_call":
      case "custom_tool_call":
        this.#hasCalls = true;
        return new CallItem(item, this.#writer);
      default:
        return new WholeItem(item, this.#writer, this.#kind);
    }
  }

  #grow(type: string, fields: Fields): void {
    const index = this.#indexOf(fields);
    let item = this.#open.get(index);
    if (item === undefined && !this.#seen.has(index)) {
      // Some servers do not announce what they send.
      const implied = impliedType(type);
      if (implied !== null) item = this.#create(index, { type: implied, id: textOf(fields, "item_id") });
    }
    item?.event(type, fields);
  }

  #finish(index: number, item: Fields, itemText?: string): void {
    if (this.#seen.has(index) && !this.#open.has(index)) return;
    const open = this.#open.get(index) ?? this.#create(index, item);
    open?.done(item, itemText);
    this.#open.delete(index);
    this.#count(item);
  }

  #count(item: Fields): void {
    const type = textOf(item, "type");
    const tool = hostedItems.get(type)?.tool;
    if (tool !== undefined) this.uses.set(tool, (this.uses.get(tool) ?? 0) + 1);
    // Where the provider runs the shell itself, its output follows.
    const callId = textOf(item, "call_id") || textOf(item, "id");
    if (callersItems.has(type)) this.#waiting.add(callId);
    else if (type.endsWith("_output")) this.#waiting.delete(callId);
  }

  #speak(type: string, delta: string): void {
    if (delta === "") return;
    if (this.#audio === null) {
      const media = create(MediaSchema, { source: { case: "data", value: new Uint8Array(0) } });
      this.#audio = this.#writer.open({ case: "audio", value: create(AudioPartSchema, { media }) });
    }
    if (type === "response.audio.delta") this.#writer.media(this.#audio, delta);
    else if (type === "response.audio.transcript.delta") this.#writer.delta("transcriptDelta", this.#audio, delta);
  }
}

function impliedType(type: string): string | null {
  if (/^response\.(output_text|refusal|content_part)\./.test(type)) return "message";
  return /^response\.reasoning_(summary_)?text\./.test(type) ? "reasoning" : null;
}
