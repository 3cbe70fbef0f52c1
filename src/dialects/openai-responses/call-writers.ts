import { create } from "@bufbuild/protobuf";
import { type Part, ReasoningPartSchema, type ToolCall, ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import { LossReport } from "../../domain/loss.ts";
import { type JsonMembers, RawJson } from "../json-text.ts";
import { proofText } from "../openai-chat/proofs.ts";
import { proofCarrier, wrapPart } from "../wrapped-parts.ts";
import { HostedCalls } from "./encode-own.ts";
import { type ContentFrame, type ItemPlace, type ItemStatus, noteEnd, Writer } from "./item-writer.ts";
import { ownIssuer, proofFormats } from "./wire.ts";

/** Reasoning, shown as one summary: the place where clients look for it. */
export class ReasoningWriter extends Writer {
  readonly #part: Part;
  #text = "";

  constructor(place: ItemPlace, part: Part) {
    super(place);
    this.#part = { ...part };
    this.open({ id: place.id, type: "reasoning", summary: [] });
    if (part.kind.case === "reasoning") this.#show(part.kind.value.text || part.kind.value.summary.join("\n\n"));
  }

  write(frame: ContentFrame): void {
    if (frame.case === "reasoningDelta") this.#show(frame.value);
    else if (frame.case === "partFinished") noteEnd(this.#part, frame.value);
  }

  protected finish(): JsonMembers {
    const part = { type: "summary_text", text: this.#text };
    const isShown = this.#text !== "";
    if (isShown) {
      this.inside("reasoning_summary_text.done", { summary_index: 0, text: this.#text });
      this.inside("reasoning_summary_part.done", { summary_index: 0, part });
    }
    const sealed = sealedOf(this.#part);
    return {
      id: this.id,
      type: "reasoning",
      summary: isShown ? [part] : [],
      ...(sealed !== "" && { encrypted_content: sealed }),
    };
  }

  #show(delta: string): void {
    if (delta === "") return;
    if (this.#text === "") {
      this.inside("reasoning_summary_part.added", { summary_index: 0, part: { type: "summary_text", text: "" } });
    }
    this.#text += delta;
    this.inside("reasoning_summary_text.delta", { summary_index: 0, delta });
  }
}

/** What proves a reasoning part: this dialect's own proof as it is, another's with all that the item does not show. */
function sealedOf(part: Part): string {
  const { proof, kind } = part;
  if (kind.case !== "reasoning") return "";
  const isOwn = proof?.issuer === ownIssuer || proof?.issuer === "openai";
  if (proof && isOwn && proof.format !== proofFormats.phase) return proofText(proof);
  const { redacted, summary } = kind.value;
  if (!proof && !redacted) return "";
  return wrapPart({
    ...part,
    kind: { case: "reasoning", value: create(ReasoningPartSchema, { redacted, summary }) },
  });
}

/** A call of a tool of the caller's. */
export class CallWriter extends Writer {
  readonly #part: Part;
  readonly #call: ToolCall | null;
  #arguments = "";

  constructor(place: ItemPlace, part: Part) {
    super(place);
    this.#part = { ...part };
    this.#call = part.kind.case === "toolCall" ? part.kind.value : null;
    this.open(this.#item("in_progress"));
    this.#add(this.#call?.arguments ?? "");
  }

  get #isCustom(): boolean {
    return this.#call?.kind === ToolCallKind.CUSTOM;
  }

  write(frame: ContentFrame): void {
    if (frame.case === "argumentsDelta") this.#add(frame.value);
    else if (frame.case === "partFinished") noteEnd(this.#part, frame.value);
  }

  protected finish(status: ItemStatus): JsonMembers {
    const whole = this.#arguments;
    if (this.#isCustom) this.inside("custom_tool_call_input.done", { input: whole });
    else this.inside("function_call_arguments.done", { name: this.#call?.name ?? "", arguments: whole });
    const { proof } = this.#part;
    if (proof) this.carried.push(proofCarrier(proof, this.#call?.id ?? ""));
    return this.#item(status);
  }

  #item(status: ItemStatus | "in_progress"): JsonMembers {
    const { id = "", name = "", callerJson, toolset } = this.#call ?? {};
    return {
      id: this.id,
      type: this.#isCustom ? "custom_tool_call" : "function_call",
      status,
      [this.#isCustom ? "input" : "arguments"]: this.#arguments,
      call_id: id,
      name,
      ...(toolset !== undefined && { namespace: toolset }),
      ...(callerJson !== undefined && { caller: new RawJson(callerJson) }),
    };
  }

  #add(delta: string): void {
    if (delta === "") return;
    this.#arguments += delta;
    this.inside(this.#isCustom ? "custom_tool_call_input.delta" : "function_call_arguments.delta", { delta });
  }
}

/** A call of a tool that OpenAI ran, together with what the tool made: one item here, several parts in the contract. */
export class HostedWriter extends Writer {
  readonly #parts: Part[];
  readonly #numbers: number[];
  readonly #pieces = new Map<number, Uint8Array[]>();

  constructor(place: ItemPlace, part: Part, number: number) {
    super(place);
    this.#parts = [{ ...part }];
    this.#numbers = [number];
  }

  override adopt(part: Part, number: number): boolean {
    const { kind } = part;
    const mine =
      (kind.case === "hostedResult" && kind.value.callId === this.id) || (kind.case === "image" && part.id === this.id);
    if (!mine) return false;
    this.#parts.push({ ...part });
    this.#numbers.push(number);
    return true;
  }

  write(frame: ContentFrame): void {
    const part = this.#parts[this.#numbers.indexOf(frame.part)];
    if (part === undefined) return;
    if (frame.case === "partFinished") noteEnd(part, frame.value);
    else if (frame.case === "mediaDelta") {
      this.#pieces.set(frame.part, [...(this.#pieces.get(frame.part) ?? []), frame.value]);
    }
  }

  protected finish(): JsonMembers {
    for (const [i, part] of this.#parts.entries()) {
      const pieces = this.#pieces.get(this.#numbers[i] ?? -1);
      if (pieces && part.kind.case === "image") part.kind.value = withData(part.kind.value, Buffer.concat(pieces));
    }
    const [call] = this.#parts;
    const hosted = new HostedCalls(this.#parts, new LossReport(false));
    const item = call?.kind.case === "hostedCall" ? hosted.call(call.kind.value, "") : null;
    const whole = (item ?? { type: "reasoning", id: this.id, summary: [] }) as JsonMembers; // HostedCalls makes objects.
    this.open(whole);
    return whole;
  }
}

function withData<T extends { media?: unknown }>(image: T, data: Uint8Array): T {
  return { ...image, media: { ...(image.media ?? {}), source: { case: "data", value: data } } };
}
