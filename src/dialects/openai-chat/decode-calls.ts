import { create } from "@bufbuild/protobuf";
import { PartSchema, ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import type { Frame } from "../../domain/chat.ts";
import { type Fields, fieldsOf, textOf } from "./wire.ts";

/** One tool call of a choice while it is streamed. */
interface Call {
  /** The provider's index; several calls may claim the same. */
  readonly wireIndex: number;
  readonly kind: ToolCallKind;
  id: string;
  /** Whether the provider gave the id. */
  ownId: boolean;
  name: string;
  /** Part number; null until the name is known and the part is opened. */
  part: number | null;
  /** Arguments so far: those before the name, and whether a call is whole. */
  text: string;
}

/** What the calls of a delta say. */
export interface DecodedCalls {
  readonly frames: Frame[];
  /** Whether the wire text says it otherwise than a client may rely on. */
  readonly repaired: boolean;
}

/**
 * The tool calls of one choice, as servers send them and not as they should: shared indexes, missing ids, late names,
 * arguments as objects (edge cases 31 to 39).
 */
export class CallsDecoder {
  readonly #choice: number;
  /** Gives the next free part number of the choice. */
  readonly #newPart: () => number;
  /** Prefix of ids for calls that have none; the same for the whole answer. */
  readonly #idPrefix: () => string;
  readonly #calls: Call[] = [];

  constructor(choice: number, newPart: () => number, idPrefix: () => string) {
    this.#choice = choice;
    this.#newPart = newPart;
    this.#idPrefix = idPrefix;
  }

  /** Whether any call was shown to the caller. */
  get any(): boolean {
    return this.#calls.some(({ part }) => part !== null);
  }

  push(deltas: readonly Fields[]): DecodedCalls {
    const frames: Frame[] = [];
    let repaired = false;
    for (const delta of deltas) if (this.#delta(delta, frames)) repaired = true;
    return { frames, repaired };
  }

  /** Closes the open parts. Calls without a name are left out: there is nothing that could be called. */
  finish(): Frame[] {
    return this.#calls.flatMap(({ part }): Frame[] => {
      if (part === null) return [];
      const value = { $typeName: "trunkline.v1.PartFinished", status: "", mediaType: "" } as const;
      return [{ case: "partFinished", value, choice: this.#choice, part }];
    });
  }

  /** @returns whether the wire text had to be read against its letter */
  #delta(delta: Fields, frames: Frame[]): boolean {
    const isCustom = delta.type === "custom" || "custom" in delta;
    const body = fieldsOf(delta, isCustom ? "custom" : "function");
    const name = textOf(body, "name");
    const given = isCustom ? body.input : body.arguments;
    const text = typeof given === "string" ? given : given === undefined || given === null ? "" : JSON.stringify(given);
    let repaired = typeof given === "object" && given !== null;

    const known = this.#find(delta, name, text);
    const call = known ?? this.#open(delta, isCustom);
    // An SDK would append an empty or repeated name, and take an empty id for the call's.
    if (known && (delta.id !== undefined || "name" in body) && delta.id !== known.id) repaired = true;
    if (name !== "" && call.name === "") call.name = name;
    if (call.id === "" && textOf(delta, "id") !== "") {
      call.id = textOf(delta, "id");
      call.ownId = true;
    }

    if (call.part === null && call.name !== "") {
      if (call.id === "") call.id = `${this.#idPrefix()}_${this.#choice}_${this.#calls.indexOf(call)}`;
      call.part = this.#newPart();
      frames.push(started(call, this.#choice, call.part));
      if (call.text !== "") frames.push(this.#arguments(call.part, call.text));
      if (!call.ownId || known) repaired = true;
    }
    if (call.wireIndex !== this.#calls.indexOf(call)) repaired = true;
    call.text += text;
    if (call.part === null) return true;
    if (text !== "") frames.push(this.#arguments(call.part, text));
    return repaired;
  }

  /** The call that a delta continues; undefined when it begins one. */
  #find(delta: Fields, name: string, text: string): Call | undefined {
    const id = textOf(delta, "id");
    const index = typeof delta.index === "number" ? delta.index : undefined;
    const byId = id === "" ? undefined : this.#calls.find((call) => call.ownId && call.id === id);
    if (byId) return byId;
    const call = this.#calls.findLast(({ wireIndex }) => index === undefined || wireIndex === index);
    if (!call) return undefined;
    if (id !== "" && call.ownId) return undefined;
    // Calls without ids that all claim one index: another name, or a whole call before, begins a new one.
    const another = name !== "" && call.name !== "" && (name !== call.name || (text !== "" && isWhole(call.text)));
    return another ? undefined : call;
  }

  #open(delta: Fields, isCustom: boolean): Call {
    const id = textOf(delta, "id");
    const call: Call = {
      wireIndex: typeof delta.index === "number" ? delta.index : this.#calls.length,
      kind: isCustom ? ToolCallKind.CUSTOM : ToolCallKind.FUNCTION,
      id,
      ownId: id !== "",
      name: "",
      part: null,
      text: "",
    };
    this.#calls.push(call);
    return call;
  }

  #arguments(part: number, value: string): Frame {
    return { case: "argumentsDelta", value, choice: this.#choice, part };
  }
}

function started({ id, name, kind }: Call, choice: number, part: number): Frame {
  const value = create(PartSchema, { kind: { case: "toolCall", value: { id, name, kind } } });
  return { case: "partStarted", value: { $typeName: "trunkline.v1.PartStarted", part: value }, choice, part };
}

function isWhole(text: string): boolean {
  if (!text.trimEnd().endsWith("}")) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
