import { create } from "@bufbuild/protobuf";
import {
  CompletedSchema,
  type Finished,
  FinishedSchema,
  FinishReason,
  StartedSchema,
} from "../../../gen/trunkline/v1/stream_pb.ts";
import { SafetyRatingSchema, ServedBySchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import { type Fields, fieldsOrNone, text } from "../../dialects/anthropic-messages/fields.ts";
import { fromWireUsage, type WireUsage } from "../../dialects/anthropic-messages/usage.ts";
import type { Frame } from "../../domain/chat.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { DecodeMemory } from "../provider.ts";
import { type Block, type BlockHost, openBlock } from "./blocks.ts";
import { failureOf } from "./errors.ts";
import { issuerOf } from "./models.ts";
import { malformed, overwriteUsage, type WireEvent } from "./wire.ts";

/** Reads the events of one answer in order; a whole answer is read as the events that would have streamed it. */
export interface Answer {
  /** @throws GatewayError the provider's error, or `upstream_error` for an event that cannot stand here */
  step(event: WireEvent): readonly Frame[];
  /** What is left when the events ended. @throws GatewayError `upstream_cut` when no finish reason had come */
  end(): readonly Frame[];
  readonly done: boolean;
  /** Whether the frames of the last step say exactly what its event says. */
  readonly exact: boolean;
}

/** `before` message_start, `answering`, `finished` with a stop reason, `done` after message_stop. */
type Phase = "before" | "answering" | "finished" | "done";

export function createAnswer(memory: DecodeMemory, upstreamRequestId = ""): Answer {
  return new AnswerState(memory, upstreamRequestId);
}

class AnswerState implements Answer, BlockHost {
  readonly issuer: string;
  readonly #memory: DecodeMemory;
  readonly #upstreamRequestId: string;
  readonly #blocks = new Map<number, Block>();
  #phase: Phase = "before";
  #parts = 0;
  #usage: WireUsage = {};
  #model = "";
  /** Members of the message that the contract has no field for. */
  #unmapped: Fields = {};
  #repaired = false;
  /** Two answers were joined upstream: block indexes and starts no longer fit those that were passed on. */
  #spliced = false;

  constructor(memory: DecodeMemory, upstreamRequestId: string) {
    this.#memory = memory;
    this.#upstreamRequestId = upstreamRequestId;
    this.issuer = issuerOf(memory.target.model);
  }

  get done(): boolean {
    return this.#phase === "done";
  }

  get exact(): boolean {
    return !this.#repaired && !this.#spliced;
  }

  step(event: WireEvent): readonly Frame[] {
    this.#repaired = false;
    if (this.#phase === "done") return this.#silently();
    switch (event.type) {
      case "message_start":
        return this.#start(event.message);
      case "content_block_start":
        return this.#open(event.index, event.block);
      case "content_block_delta":
        return this.#blocks.get(event.index)?.delta(event.delta) ?? [];
      case "content_block_stop":
        return this.#close(event.index);
      case "message_delta":
        return this.#finish(event.delta, event.usage);
      case "message_stop":
        return this.#complete();
      case "error":
        throw failureOf(event.error, this.#memory.target);
      case "unknown":
        return [];
    }
  }

  end(): readonly Frame[] {
    if (this.#phase === "done") return [];
    if (this.#phase === "finished") return this.#complete();
    const { instance, model } = this.#memory.target;
    throw new GatewayError("upstream_cut", "The provider hung up before its answer was complete.", {
      provider: instance,
      model,
    });
  }

  nextPart(): number {
    return this.#parts++;
  }

  toolName(name: string): string {
    return this.#memory.toolNames?.get(name) ?? name;
  }

  isCustom(name: string): boolean {
    return this.#memory.customTools?.has(name) ?? false;
  }

  repaired(): void {
    this.#repaired = true;
  }

  #start(message: Fields): readonly Frame[] {
    this.#usage = overwriteUsage(this.#usage, fieldsOrNone(message, "usage"));
    this.#keepUnmapped(message);
    if (this.#phase !== "before") {
      this.#spliced = true;
      return this.#closeAll();
    }
    this.#phase = "answering";
    this.#model = text(message, "model") || this.#memory.target.model;
    const started = create(StartedSchema, { id: text(message, "id"), model: this.#model, servedBy: this.#servedBy() });
    return [{ case: "started", value: started, choice: 0, part: 0 }, ...this.#usageFrames()];
  }

  #keepUnmapped(from: Fields): void {
    if (!this.#memory.providerData) return;
    const unmapped = Object.entries(from).filter(([name, value]) => value !== null && !mapped.has(name));
    this.#unmapped = { ...this.#unmapped, ...Object.fromEntries(unmapped) };
  }

  #open(index: number, start: Parameters<typeof openBlock>[0]): readonly Frame[] {
    if (this.#phase !== "answering") throw malformed("a content block outside its message");
    const { frames, block } = openBlock(start, this);
    this.#blocks.set(index, block);
    return frames;
  }

  #close(index: number): readonly Frame[] {
    const block = this.#blocks.get(index);
    this.#blocks.delete(index);
    return block?.close() ?? [];
  }

  #closeAll(): Frame[] {
    return [...this.#blocks.keys()].flatMap((index) => this.#close(index));
  }

  #finish(delta: Fields, usage: Fields): readonly Frame[] {
    if (this.#phase === "before") throw malformed("the end of a message before its start");
    this.#usage = overwriteUsage(this.#usage, usage);
    this.#keepUnmapped(delta);
    // A second message_delta only brings later counts.
    if (this.#phase === "finished" || text(delta, "stop_reason") === "") return this.#usageFrames();
    const closed = this.#closeAll();
    this.#phase = "finished";
    return [...closed, this.#finishedFrame(delta), ...this.#usageFrames()];
  }

  #complete(): readonly Frame[] {
    if (this.#phase === "before") throw malformed("the end of a message before its start");
    const frames = this.#closeAll();
    if (this.#phase === "answering") frames.push(this.#finishedFrame({}));
    this.#phase = "done";
    const value = create(CompletedSchema, {
      servedBy: this.#servedBy(),
      serviceTier: this.#usage.service_tier ?? "",
      providerData: this.#providerData(),
    });
    if (this.#isCounted) value.usage = fromWireUsage(this.#usage);
    frames.push({ case: "completed", value, choice: 0, part: 0 });
    return frames;
  }

  #finishedFrame(delta: Fields): Frame {
    return { case: "finished", value: toFinished(delta), choice: 0, part: 0 };
  }

  /** No frame where the provider counted nothing: an absent usage is estimated, an empty one is not. */
  #usageFrames(): readonly Frame[] {
    return this.#isCounted ? [{ case: "usage", value: fromWireUsage(this.#usage), choice: 0, part: 0 }] : [];
  }

  get #isCounted(): boolean {
    return this.#usage.input_tokens !== undefined || this.#usage.output_tokens !== undefined;
  }

  #providerData(): Record<string, string> {
    return Object.keys(this.#unmapped).length > 0 ? { anthropic: JSON.stringify(this.#unmapped) } : {};
  }

  #servedBy() {
    const { provider, instance, model } = this.#memory.target;
    const served = this.#model === "" ? model : this.#model;
    return create(ServedBySchema, { provider, instance, model: served, upstreamRequestId: this.#upstreamRequestId });
  }

  /** What follows the end is ignored; its bytes are not passed on either. */
  #silently(): readonly Frame[] {
    this.#repaired = true;
    return [];
  }
}

/** Members of a message and of its end that become frames. */
const mapped = new Set([
  ...["id", "type", "role", "model", "content", "usage"],
  ...["stop_reason", "stop_sequence", "stop_details"],
]);

function toFinished(delta: Fields): Finished {
  const native = text(delta, "stop_reason");
  const details = fieldsOrNone(delta, "stop_details");
  const finished = create(FinishedSchema, {
    reason: finishReasons.get(native) ?? FinishReason.UNSPECIFIED,
    native,
    message: text(details, "explanation"),
  });
  const category = text(details, "category");
  if (category !== "") finished.safetyRatings.push(create(SafetyRatingSchema, { category, blocked: true }));
  if (typeof delta.stop_sequence === "string") finished.stopSequence = text(delta, "stop_sequence");
  return finished;
}

const finishReasons: ReadonlyMap<string, FinishReason> = new Map([
  ["end_turn", FinishReason.STOP],
  ["stop_sequence", FinishReason.STOP],
  ["max_tokens", FinishReason.LENGTH],
  ["model_context_window_exceeded", FinishReason.LENGTH],
  ["tool_use", FinishReason.TOOL_CALLS],
  ["refusal", FinishReason.REFUSAL],
  // Both want the answer sent back unchanged, to go on with it.
  ["pause_turn", FinishReason.PAUSE],
  ["compaction", FinishReason.PAUSE],
]);
