import { create } from "@bufbuild/protobuf";
import {
  MediaSchema,
  type Part,
  ReasoningPartSchema,
  ToolCallKind,
  ToolCallSchema,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { toProof } from "../openai-chat/proofs.ts";
import { type Fields, isFields, textOf } from "../openai-chat/wire.ts";
import { type OpenItem, type PartWriter, rest } from "./decode-parts.ts";
import { entriesOf, hostedItems, indexOf, proofFormats } from "./wire.ts";

type Shown = "summary" | "text";

/**
 * A reasoning item. Its summary, or the reasoning itself where an open model shows it, is the part's text; an item with
 * both, which is rare, becomes two parts with one id.
 */
export class ReasoningItem implements OpenItem {
  readonly #writer: PartWriter;
  readonly #issuer: string;
  readonly #id: string;
  /** Part numbers by what they show. */
  readonly #parts = new Map<Shown, number>();
  readonly #first: number;
  /** UTF-16 units told, by what and position. */
  readonly #told = new Map<string, number>();

  constructor(item: Fields, writer: PartWriter, issuer: string) {
    this.#writer = writer;
    this.#issuer = issuer;
    this.#id = textOf(item, "id");
    this.#first = this.#open();
  }

  event(type: string, fields: Fields): void {
    switch (type) {
      case "response.reasoning_summary_text.delta":
        return this.#tell("summary", indexOf(fields, "summary_index") ?? 0, textOf(fields, "delta"));
      case "response.reasoning_summary_text.done":
        return this.#tellRest("summary", indexOf(fields, "summary_index") ?? 0, textOf(fields, "text"));
      case "response.reasoning_text.delta":
        return this.#tell("text", indexOf(fields, "content_index") ?? 0, textOf(fields, "delta"));
      case "response.reasoning_text.done":
        return this.#tellRest("text", indexOf(fields, "content_index") ?? 0, textOf(fields, "text"));
    }
  }

  done(item: Fields): void {
    for (const [at, piece] of entriesOf(item, "summary")) this.#tellRest("summary", at, textOf(piece, "text"));
    for (const [at, piece] of entriesOf(item, "content")) this.#tellRest("text", at, textOf(piece, "text"));
    const sealed = textOf(item, "encrypted_content");
    const format = this.#parts.get("text") === this.#first ? proofFormats.text : proofFormats.summary;
    const proof = sealed === "" ? undefined : toProof(this.#issuer, format, sealed);
    if (proof && this.#id !== "") proof.id = this.#id;
    this.#writer.close(this.#first, proof ? { proof } : {});
    this.#closeOther();
  }

  close(): void {
    this.#writer.close(this.#first);
    this.#closeOther();
  }

  #closeOther(): void {
    for (const part of this.#parts.values()) if (part !== this.#first) this.#writer.close(part);
  }

  #tell(shown: Shown, at: number, text: string): void {
    if (text === "") return;
    const key = `${shown} ${at}`;
    const told = this.#told.get(key) ?? 0;
    // One blank line between the pieces, as they are shown to people.
    const isFurther = told === 0 && this.#parts.has(shown);
    const part = this.#part(shown);
    if (isFurther) this.#writer.delta("reasoningDelta", part, "\n\n");
    this.#told.set(key, told + this.#writer.delta("reasoningDelta", part, text));
  }

  #tellRest(shown: Shown, at: number, whole: string): void {
    this.#tell(shown, at, rest(whole, this.#told.get(`${shown} ${at}`) ?? 0));
  }

  #part(shown: Shown): number {
    let part = this.#parts.get(shown);
    if (part === undefined) {
      part = this.#parts.size === 0 ? this.#first : this.#open();
      this.#parts.set(shown, part);
    }
    return part;
  }

  #open(): number {
    const id = this.#id === "" ? {} : { id: this.#id };
    return this.#writer.open({ case: "reasoning", value: create(ReasoningPartSchema) }, id);
  }
}

/** A call of a tool of the caller's: a function, or a custom tool that takes free text. */
export class CallItem implements OpenItem {
  readonly #writer: PartWriter;
  readonly #input: "arguments" | "input";
  readonly #part: number;
  /** UTF-16 units told. */
  #told = 0;

  constructor(item: Fields, writer: PartWriter) {
    const custom = item.type === "custom_tool_call";
    this.#writer = writer;
    this.#input = custom ? "input" : "arguments";
    const id = textOf(item, "id");
    const callId = textOf(item, "call_id");
    if (callId === "") writer.repaired = true;
    const { caller } = item;
    const namespace = textOf(item, "namespace");
    const value = create(ToolCallSchema, {
      id: callId || id,
      name: textOf(item, "name"),
      kind: custom ? ToolCallKind.CUSTOM : ToolCallKind.FUNCTION,
      // The model itself calls unless another is named.
      ...(isFields(caller) && caller.type !== "direct" && { callerJson: JSON.stringify(caller) }),
      ...(namespace !== "" && { toolset: namespace }),
    });
    this.#part = writer.open({ case: "toolCall", value }, id === "" ? {} : { id });
  }

  event(type: string, fields: Fields): void {
    switch (type) {
      case "response.function_call_arguments.delta":
      case "response.custom_tool_call_input.delta":
        return this.#tell(textOf(fields, "delta"));
      case "response.function_call_arguments.done":
      case "response.custom_tool_call_input.done":
        return this.#tell(rest(textOf(fields, this.#input), this.#told));
    }
  }

  done(item: Fields): void {
    this.#tell(rest(textOf(item, this.#input), this.#told));
    this.close();
  }

  close(): void {
    this.#writer.close(this.#part);
  }

  #tell(text: string): void {
    this.#told += this.#writer.delta("argumentsDelta", this.#part, text);
  }
}

/** An item that is shown once it is whole: its progress has no place in the contract. */
export class WholeItem implements OpenItem {
  readonly #writer: PartWriter;
  readonly #kind: string;
  readonly #begun: Fields;

  /** @param kind provider kind, for opaque parts */
  constructor(item: Fields, writer: PartWriter, kind: string) {
    this.#writer = writer;
    this.#kind = kind;
    this.#begun = item;
  }

  event(): void {}

  done(item: Fields, text: string = JSON.stringify(item)): void {
    const type = textOf(item, "type");
    const hosted = hostedItems.get(type);
    if (hosted) this.#showCall(item, hosted.tool, hosted.output);
    else this.#show({ case: "opaque", value: opaque(this.#kind, type, text) });
  }

  close(): void {
    this.done(this.#begun);
  }

  #showCall(item: Fields, tool: string, output: readonly string[]): void {
    const { id: _id, type: _type, status: _status, ...members } = item;
    const told = Object.entries(members);
    const inputJson = JSON.stringify(Object.fromEntries(told.filter(([name]) => !output.includes(name))));
    const results = told.filter(([name, value]) => output.includes(name) && value !== null);
    const [id, status] = [textOf(item, "id"), textOf(item, "status")];
    const name = textOf(item, "name") || tool;
    const call = { $typeName: "trunkline.v1.HostedCall", id, type: tool, name, inputJson, status } as const;
    this.#show({ case: "hostedCall", value: call }, { id, status });
    if (tool === "image_generation") return this.#showImage(item);
    if (results.length === 0) return;
    const value = {
      $typeName: "trunkline.v1.HostedResult",
      callId: id,
      type: textOf(item, "type"),
      outputJson: JSON.stringify(Object.fromEntries(results)),
      isError: status === "failed" || isFields(item.error),
    } as const;
    this.#show({ case: "hostedResult", value: { ...value, parts: [] } }, { id });
  }

  #showImage(item: Fields): void {
    const picture = textOf(item, "result");
    if (picture === "") return;
    const mediaType = `image/${textOf(item, "output_format") || "png"}`;
    const value = { $typeName: "trunkline.v1.ImagePart", media: create(MediaSchema, { mediaType }) } as const;
    const part = this.#writer.open({ case: "image", value }, { id: textOf(item, "id") });
    this.#writer.media(part, picture);
    this.#writer.close(part, { mediaType });
  }

  #show(kind: Part["kind"], more: { readonly id?: string; readonly status?: string } = {}): void {
    const { status } = more;
    this.#writer.close(this.#writer.open(kind, more), status ? { status } : {});
  }
}

function opaque(provider: string, type: string, json: string) {
  const content = { case: "json", value: json } as const;
  return { $typeName: "trunkline.v1.OpaquePart", provider, type, content } as const;
}
