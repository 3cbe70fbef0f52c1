import { create } from "@bufbuild/protobuf";
import { CompletedSchema, FinishedSchema, FinishReason, StartedSchema } from "../../../gen/trunkline/v1/stream_pb.ts";
import type { Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import { type Fields, fieldsOf, isFields, textOf } from "../../dialects/openai-chat/wire.ts";
import type { Frame } from "../../domain/chat.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { DecodeMemory } from "../provider.ts";
import { type Block, type BlockHost, openBlock } from "./blocks.ts";
import { failureOf } from "./errors.ts";
import { issuerOf } from "./models.ts";
import { toUsage } from "./usage.ts";

/** Reads the events of one answer in order; a whole answer is read as the events that would have streamed it. */
export class Answer implements BlockHost {
  readonly issuer: string;
  readonly #memory: DecodeMemory;
  readonly #blocks = new Map<number, Block>();
  #isStarted = false;
  #isFinished = false;
  #done = false;
  #parts = 0;
  /** Members of the answer that the contract has no field for: metrics, the guardrail's trace. */
  #unmapped: Fields = {};

  constructor(memory: DecodeMemory) {
    this.#memory = memory;
    this.issuer = issuerOf(memory.target.model);
  }

  get done(): boolean {
    return this.#done;
  }

  /** @throws GatewayError the provider's error, or `upstream_error` for an event that cannot stand here */
  step(name: string, event: Fields): readonly Frame[] {
    // Nothing of an answer follows its end but the counts.
    if (this.#isFinished && name !== "metadata" && !failing.test(name)) return [];
    const index = typeof event.contentBlockIndex === "number" ? event.contentBlockIndex : 0;
    switch (name) {
      case "messageStart":
        return this.#start();
      case "contentBlockStart":
        return [...this.#start(), ...this.#open(index, fieldsOf(event, "start"))];
      case "contentBlockDelta":
        return [...this.#start(), ...this.#delta(index, fieldsOf(event, "delta"))];
      case "contentBlockStop":
        return this.#close(index);
      case "messageStop":
        return this.#finish(event);
      case "metadata":
        return this.#complete(event);
      default:
        if (failing.test(name)) {
          throw failureOf(name.slice(name.indexOf(":") + 1), event, this.#memory.target);
        }
        return []; // Events newer than this code.
    }
  }

  /** The bytes ended. Without its last event an answer lacks its counts, and nothing else. @throws GatewayError */
  end(): readonly Frame[] {
    if (this.#done) return [];
    if (this.#isFinished) return this.#complete({});
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

  #start(): readonly Frame[] {
    if (this.#isStarted) return [];
    this.#isStarted = true;
    // The answer has no id of its own; the request's stands in a header that decoders do not see.
    const value = create(StartedSchema, { model: this.#memory.target.model });
    return [{ case: "started", value, choice: 0, part: 0 }];
  }

  #open(index: number, start: Fields): readonly Frame[] {
    const { frames, block } = openBlock(start, this);
    this.#blocks.set(index, block);
    return frames;
  }

  /** Texts and thoughts have no start of their own. */
  #delta(index: number, delta: Fields): readonly Frame[] {
    const opened = this.#blocks.has(index) ? [] : this.#open(index, delta);
    return [...opened, ...(this.#blocks.get(index)?.delta(delta) ?? [])];
  }

  #close(index: number): readonly Frame[] {
    const block = this.#blocks.get(index);
    this.#blocks.delete(index);
    return block?.close() ?? [];
  }

  #finish(event: Fields): readonly Frame[] {
    if (this.#isFinished) return [];
    const native = textOf(event, "stopReason");
    if (native.startsWith("malformed_")) {
      throw failureOf("modelErrorException", { message: `The answer ended with ${native}.` }, this.#memory.target);
    }
    this.#isFinished = true;
    const closed = [...this.#blocks.keys()].flatMap((index) => this.#close(index));
    const value = create(FinishedSchema, { reason: reasons.get(native) ?? FinishReason.UNSPECIFIED, native });
    const stops = fieldsOf(event, "additionalModelResponseFields");
    if (typeof stops.stop_sequence === "string") value.stopSequence = stops.stop_sequence;
    this.#keep(event, ["stopReason"]);
    return [...this.#start(), ...closed, { case: "finished", value, choice: 0, part: 0 }];
  }

  #complete(event: Fields): readonly Frame[] {
    if (!this.#isFinished) throw new GatewayError("upstream_error", "The provider told of an answer before its end.");
    this.#done = true;
    this.#keep(event, ["usage", "serviceTier"]);
    const usage: Usage | undefined = isFields(event.usage) ? toUsage(event.usage) : undefined;
    const value = create(CompletedSchema, {
      ...(usage && { usage }),
      serviceTier: textOf(fieldsOf(event, "serviceTier"), "type"),
      ...(Object.keys(this.#unmapped).length > 0 && { providerData: { bedrock: JSON.stringify(this.#unmapped) } }),
    });
    const counted: Frame[] = usage ? [{ case: "usage", value: usage, choice: 0, part: 0 }] : [];
    return [...counted, { case: "completed", value, choice: 0, part: 0 }];
  }

  /** What the caller asked to have besides the contract. */
  #keep(event: Fields, mapped: readonly string[]): void {
    if (!this.#memory.providerData) return;
    const rest = Object.entries(event).filter(
      ([name, value]) => value !== null && !mapped.includes(name) && name !== "p",
    );
    this.#unmapped = { ...this.#unmapped, ...Object.fromEntries(rest) };
  }
}

/** What the framing names events that break the answer off. */
const failing = /^(?:exception|error):/;

const reasons: ReadonlyMap<string, FinishReason> = new Map([
  ["end_turn", FinishReason.STOP],
  ["stop_sequence", FinishReason.STOP],
  ["max_tokens", FinishReason.LENGTH],
  ["model_context_window_exceeded", FinishReason.LENGTH],
  ["tool_use", FinishReason.TOOL_CALLS],
  ["content_filtered", FinishReason.CONTENT_FILTER],
  ["guardrail_intervened", FinishReason.CONTENT_FILTER],
  ["refusal", FinishReason.REFUSAL],
]);
