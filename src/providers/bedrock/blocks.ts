import { create } from "@bufbuild/protobuf";
import {
  ImagePartSchema,
  MediaSchema,
  type Part,
  PartSchema,
  ProofSchema,
  ReasoningPartSchema,
  ToolCallKind,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { PartFinishedSchema, PartStartedSchema } from "../../../gen/trunkline/v1/stream_pb.ts";
import { type Fields, fieldsOf, isFields, listOf, textOf } from "../../dialects/openai-chat/wire.ts";
import type { Frame } from "../../domain/chat.ts";
import { GatewayError } from "../../domain/errors.ts";
import { toAnnotation } from "./citations.ts";

/** A content block that is being sent. What its start says is returned by `openBlock`. */
export interface Block {
  delta(delta: Fields): readonly Frame[];
  close(): readonly Frame[];
}

/** What a block asks of the answer that it belongs to. */
export interface BlockHost {
  /** Allots the next part number: only to blocks that show something, so that the numbers have no gaps. */
  nextPart(): number;
  /** Issuer of this answer's proofs. */
  readonly issuer: string;
  /** The caller's name of a tool. */
  toolName(name: string): string;
  /** Whether the caller's tool takes free text. */
  isCustom(name: string): boolean;
}

/** Opens a block by its start; by its first delta where the provider sends no start. */
export function openBlock(start: Fields, host: BlockHost): { readonly frames: readonly Frame[]; block: Block } {
  if (isFields(start.toolUse)) {
    const isHosted = textOf(start.toolUse, "type") === "server_tool_use";
    return isHosted ? hostedCall(start.toolUse, host) : toolUse(start.toolUse, host);
  }
  if (isFields(start.toolResult)) return hostedResult(start.toolResult, host);
  if (isFields(start.reasoningContent)) return { frames: [], block: reasoning(host) };
  if (isFields(start.image)) return { frames: [], block: image(textOf(start.image, "format"), host) };
  return { frames: [], block: text(host) };
}

function text(host: BlockHost): Block {
  let length = 0;
  let part = -1;
  const citations: Fields[] = [];
  return {
    delta(delta) {
      if (isFields(delta.citation)) citations.push(delta.citation);
      const value = textOf(delta, "text").toWellFormed();
      if (value === "") return [];
      if (part === -1) part = host.nextPart();
      length += Array.from(value).length;
      return [{ case: "textDelta", value, choice: 0, part }];
    },
    close() {
      if (part === -1) return [];
      return citations.map((one) => ({ case: "annotation", value: toAnnotation(one, length), choice: 0, part }));
    },
  };
}

function reasoning(host: BlockHost): Block {
  const part = host.nextPart();
  let isOpen = false;
  let signature = "";
  const sealed: Buffer[] = [];
  return {
    delta(delta) {
      const content = fieldsOf(delta, "reasoningContent");
      signature += textOf(content, "signature");
      const redacted = textOf(content, "redactedContent");
      if (redacted !== "") sealed.push(Buffer.from(redacted, "base64"));
      const value = textOf(content, "text").toWellFormed();
      const opened = isOpen
        ? []
        : [started({ case: "reasoning", value: create(ReasoningPartSchema, { redacted: redacted !== "" }) }, part)];
      isOpen = true;
      const said: Frame[] = value === "" ? [] : [{ case: "reasoningDelta", value, choice: 0, part }];
      return [...opened, ...said];
    },
    close() {
      const data = Buffer.concat(sealed);
      if (data.length > 0) return [finished(part, { issuer: "bedrock", format: "redacted", data })];
      if (signature === "") return [finished(part)];
      return [finished(part, { issuer: host.issuer, format: "signature", data: Buffer.from(signature) })];
    },
  };
}

/** Most that is held back of a call whose input is needed whole. UTF-16 units. */
const maxHeldLength = 4 * 1024 * 1024;

/** Collects what can only be read when it is whole. */
class Held {
  text = "";

  add(piece: string): void {
    this.text += piece;
    if (this.text.length > maxHeldLength)
      throw new GatewayError("upstream_error", `The provider sent a block of more than ${maxHeldLength} characters.`);
  }
}

function toolUse(start: Fields, host: BlockHost) {
  const id = textOf(start, "toolUseId");
  const name = host.toolName(textOf(start, "name"));
  if (id === "" || name === "")
    throw new GatewayError("upstream_error", "The provider sent a call without id or name.");
  const part = host.nextPart();
  const isCustom = host.isCustom(name);
  const kind = isCustom ? ToolCallKind.CUSTOM : ToolCallKind.FUNCTION;
  const call = create(PartSchema, { kind: { case: "toolCall", value: { id, name, kind } } });
  const held = new Held();
  let isEmpty = true;
  const write = (value: string): Frame[] => (value === "" ? [] : [{ case: "argumentsDelta", value, choice: 0, part }]);
  const block: Block = {
    delta(delta) {
      const piece = textOf(fieldsOf(delta, "toolUse"), "input").toWellFormed();
      if (piece !== "") isEmpty = false;
      if (!isCustom) return write(piece);
      held.add(piece);
      return [];
    },
    close: () => [...write(isCustom ? freeText(held.text) : isEmpty ? "{}" : ""), finished(part)],
  };
  return { frames: [started(call.kind, part)], block };
}

/** A custom tool runs as a function with one string. Cut JSON stays as it is. */
function freeText(json: string): string {
  try {
    const input: unknown = JSON.parse(json);
    if (isFields(input) && typeof input.input === "string") return input.input.toWellFormed();
  } catch {
    // Cut off by the token limit: the caller sees what the model wrote.
  }
  return json;
}

/** A tool that the provider runs itself: its input is shown when it is whole. */
function hostedCall(start: Fields, host: BlockHost) {
  const held = new Held();
  const name = textOf(start, "name");
  const block: Block = {
    delta(delta) {
      held.add(textOf(fieldsOf(delta, "toolUse"), "input").toWellFormed());
      return [];
    },
    close() {
      const inputJson = held.text || "{}";
      const value = { id: textOf(start, "toolUseId"), type: name, name, inputJson };
      return whole(create(PartSchema, { kind: { case: "hostedCall", value } }), host);
    },
  };
  return { frames: [], block };
}

function hostedResult(start: Fields, host: BlockHost) {
  const blocks: unknown[] = [];
  const held = new Held();
  const block: Block = {
    delta(delta) {
      for (const one of listOf(delta, "toolResult")) {
        held.add(JSON.stringify(one));
        blocks.push(one);
      }
      return [];
    },
    close() {
      const outputJson = JSON.stringify(blocks);
      const value = { callId: textOf(start, "toolUseId"), type: textOf(start, "type") || "tool_result", outputJson };
      return whole(create(PartSchema, { kind: { case: "hostedResult", value } }), host);
    },
  };
  return { frames: [], block };
}

function image(format: string, host: BlockHost): Block {
  let part = -1;
  return {
    delta(delta) {
      const bytes = textOf(fieldsOf(fieldsOf(delta, "image"), "source"), "bytes");
      if (bytes === "") return [];
      const isFirst = part === -1;
      if (isFirst) part = host.nextPart();
      const media = create(MediaSchema, {
        source: { case: "data", value: new Uint8Array(0) },
        mediaType: `image/${format || "png"}`,
      });
      const opened = { case: "image", value: create(ImagePartSchema, { media }) } as const;
      const value = Buffer.from(bytes, "base64");
      return [...(isFirst ? [started(opened, part)] : []), { case: "mediaDelta", value, choice: 0, part }];
    },
    close: () => (part === -1 ? [] : [finished(part)]),
  };
}

function whole(value: Part, host: BlockHost): readonly Frame[] {
  const part = host.nextPart();
  return [started(value.kind, part), finished(part)];
}

function started(kind: Part["kind"], part: number): Frame {
  const value = create(PartStartedSchema, { part: create(PartSchema, { kind }) });
  return { case: "partStarted", value, choice: 0, part };
}

function finished(part: number, proof?: { issuer: string; format: string; data: Uint8Array }): Frame {
  const value = create(PartFinishedSchema, proof ? { proof: create(ProofSchema, proof) } : {});
  return { case: "partFinished", value, choice: 0, part };
}
