import { type Part, ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import type { PartFinished } from "../../../gen/trunkline/v1/stream_pb.ts";
import { partOf } from "../../domain/blank.ts";
import type { Frame } from "../../domain/chat.ts";
import type { JsonMembers } from "../json-text.ts";
import {
  carried,
  encodeCitation,
  hostedBlock,
  isObjectText,
  openedCall,
  reasoningText,
  thinkingBlock,
} from "./encode-blocks.ts";
import { toSignature } from "./proofs.ts";

/** A frame of the answer's content. */
export type ContentFrame = Exclude<
  Frame,
  {
    case:
      | "started"
      | "completed"
      | "usage"
      | "notice"
      | "heartbeat"
      | "moderation"
      | "finished"
      | "mediaDelta"
      | "transcriptDelta";
  }
>;

/** Events of blocks, as the encoder of the stream writes them. */
export interface BlockEvents {
  start(block: JsonMembers): void;
  delta(delta: JsonMembers): void;
  stop(): void;
}

/** One part while it is written as a block. */
export interface BlockWriter {
  readonly part: Part;
  /** Whether the part ended, or nothing can follow: a block for another part may begin. */
  readonly isWhole: boolean;
  write(frame: ContentFrame): void;
  /** Ends the block. */
  close(): void;
}

/** The delta of a frame that says a little more; null for frames that say more than that. */
export function deltaOf(frame: ContentFrame): JsonMembers | null {
  switch (frame.case) {
    case "textDelta":
    case "refusalDelta":
      return { type: "text_delta", text: frame.value };
    case "reasoningDelta":
      return { type: "thinking_delta", thinking: frame.value };
    case "argumentsDelta":
      return { type: "input_json_delta", partial_json: frame.value };
    default:
      return null;
  }
}

/** The writer for the part that a frame begins; null for parts that Messages has no place for. */
export function openBlock(frame: ContentFrame, events: BlockEvents): BlockWriter | null {
  const part = beginning(frame);
  switch (part?.kind.case) {
    case "text":
    case "refusal":
      return new TextWriter(part, events);
    case "reasoning":
      return part.kind.value.redacted ? new WholeWriter(part, events) : new ThinkingWriter(part, events);
    case "toolCall":
      return new CallWriter(part, events);
    case "hostedCall":
    case "hostedResult":
    case "opaque":
      return new WholeWriter(part, events);
    default:
      return null;
  }
}

function beginning(frame: ContentFrame): Part | undefined {
  switch (frame.case) {
    case "partStarted":
      // Later frames write into it.
      return frame.value.part && { ...frame.value.part };
    case "textDelta":
      return partOf({ case: "text", value: "" });
    case "refusalDelta":
      return partOf({ case: "refusal", value: { $typeName: "trunkline.v1.RefusalPart", text: "" } });
    case "reasoningDelta":
      return partOf({
        case: "reasoning",
        value: { $typeName: "trunkline.v1.ReasoningPart", text: "", summary: [], redacted: false },
      });
    default:
      return undefined;
  }
}

/** What is common to all: the proof that came last, and where it goes when its block has no place for it. */
abstract class Writer implements BlockWriter {
  readonly part: Part;
  protected readonly events: BlockEvents;
  protected finished = false;

  constructor(part: Part, events: BlockEvents) {
    this.part = part;
    this.events = events;
  }

  /** Text and reasoning may be left at any time; what comes later is a further block. */
  get isWhole(): boolean {
    return true;
  }

  write(frame: ContentFrame): void {
    if (frame.case === "partFinished") this.finish(frame.value);
    else this.say(frame);
  }

  abstract close(): void;
  protected abstract say(frame: ContentFrame): void;

  protected finish({ proof, status }: PartFinished): void {
    if (proof) this.part.proof = proof;
    if (status !== "") this.part.status = status;
    this.finished = true;
  }

  protected closeWithProof(): void {
    this.events.stop();
    for (const block of carried(this.part)) {
      this.events.start(block);
      this.events.stop();
    }
  }
}

class TextWriter extends Writer {
  constructor(part: Part, events: BlockEvents) {
    super(part, events);
    events.start({ type: "text", text: "", citations: null });
    const { kind } = part;
    if (kind.case === "text") this.#text(kind.value);
    if (kind.case === "refusal") this.#text(kind.value.text);
    for (const annotation of part.annotations) {
      events.delta({ type: "citations_delta", citation: encodeCitation(annotation) });
    }
  }

  close(): void {
    this.closeWithProof();
  }

  protected say(frame: ContentFrame): void {
    if (frame.case === "textDelta" || frame.case === "refusalDelta") this.#text(frame.value);
    else if (frame.case === "annotation") {
      this.events.delta({ type: "citations_delta", citation: encodeCitation(frame.value) });
    }
  }

  #text(text: string): void {
    if (text !== "") this.events.delta({ type: "text_delta", text });
  }
}

class ThinkingWriter extends Writer {
  constructor(part: Part, events: BlockEvents) {
    super(part, events);
    events.start({ type: "thinking", thinking: "", signature: "" });
    this.#thinking(reasoningText(part));
  }

  close(): void {
    const signature = toSignature(this.part);
    if (signature !== "") this.events.delta({ type: "signature_delta", signature });
    this.events.stop();
  }

  protected say(frame: ContentFrame): void {
    if (frame.case === "reasoningDelta") this.#thinking(frame.value);
  }

  #thinking(thinking: string): void {
    if (thinking !== "") this.events.delta({ type: "thinking_delta", thinking });
  }
}

class CallWriter extends Writer {
  readonly #custom: boolean;
  /** The arguments so far: whole when they are an object. */
  #arguments = "";

  constructor(part: Part, events: BlockEvents) {
    super(part, events);
    const call = part.kind.case === "toolCall" ? part.kind.value : null;
    this.#custom = call?.kind === ToolCallKind.CUSTOM;
    if (!call) return;
    events.start(openedCall(call));
    // Anthropic's first delta says nothing either.
    events.delta({ type: "input_json_delta", partial_json: "" });
    this.#input(call.arguments);
  }

  override get isWhole(): boolean {
    return this.finished || (!this.#custom && isObjectText(this.#arguments));
  }

  close(): void {
    if (this.#custom) {
      const input = JSON.stringify({ input: this.#arguments });
      this.events.delta({ type: "input_json_delta", partial_json: input });
    }
    this.closeWithProof();
  }

  protected say(frame: ContentFrame): void {
    if (frame.case === "argumentsDelta") this.#input(frame.value);
  }

  #input(text: string): void {
    if (text === "") return;
    this.#arguments += text;
    // Free text stands in an object, which can only be written when it is whole.
    if (!this.#custom) this.events.delta({ type: "input_json_delta", partial_json: text });
  }
}

/** A block that is written when its part has ended: what proves it comes last. */
class WholeWriter extends Writer {
  close(): void {
    const { kind } = this.part;
    const block = kind.case === "reasoning" ? thinkingBlock(this.part) : hostedBlock(this.part);
    if (block.type === "server_tool_use") {
      this.events.start({ ...block, input: {} });
      const input = kind.case === "hostedCall" ? kind.value.inputJson || "{}" : "{}";
      this.events.delta({ type: "input_json_delta", partial_json: input });
    } else this.events.start(block);
    this.events.stop();
  }

  protected say(): void {}
}
