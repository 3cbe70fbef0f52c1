import { create } from "@bufbuild/protobuf";
import { type Part, PartSchema, ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import {
  CompletedSchema,
  FinishedSchema,
  FinishReason,
  PartFinishedSchema,
  PartStartedSchema,
  StartedSchema,
} from "../../../gen/trunkline/v1/stream_pb.ts";
import { type TokenLogprob, type Usage, UsageSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import type { Frame } from "../../domain/chat.ts";
import { GatewayError } from "../../domain/errors.ts";
import { toTimestamp } from "../../domain/timestamps.ts";
import type { DecodeMemory } from "../provider.ts";
import { failureOf } from "./errors.ts";
import { type AnswerLine, argumentsText, type CallLine, readLine } from "./wire.ts";

/** Reads the lines of one answer in order; a whole answer is one line that says everything. */
export class Answer {
  readonly #memory: DecodeMemory;
  #isStarted = false;
  #done = false;
  /** The part that deltas of its kind go on with; whatever else comes closes it. */
  #open: { readonly kind: "reasoning" | "text"; readonly part: number } | null = null;
  #parts = 0;
  #calls = 0;
  /** Tells this answer's calls from those of every other answer. */
  #stamp = "";
  #model = "";
  /** Of tokens whose text the server still holds back. */
  #logprobs: TokenLogprob[] = [];
  #unmapped: Readonly<Record<string, unknown>> = {};

  constructor(memory: DecodeMemory) {
    this.#memory = memory;
  }

  get done(): boolean {
    return this.#done;
  }

  /** @throws GatewayError the provider's error, or `upstream_error` for a line that is none of an answer */
  push(text: string): readonly Frame[] {
    const line = readLine(text);
    if (line.error !== undefined) throw failureOf(line.error, this.#memory.target);
    this.#unmapped = { ...this.#unmapped, ...line.unmapped };
    const frames = [...this.#start(line), ...this.#say(line)];
    return line.done ? [...frames, ...this.#finish(line)] : frames;
  }

  /** The bytes ended. @throws GatewayError `upstream_cut` unless the answer was finished */
  end(): readonly Frame[] {
    if (this.#done) return [];
    const { instance, model } = this.#memory.target;
    throw new GatewayError("upstream_cut", "The provider hung up before its answer was complete.", {
      provider: instance,
      model,
    });
  }

  #start(line: AnswerLine): readonly Frame[] {
    if (this.#isStarted) return [];
    this.#isStarted = true;
    this.#model = line.model || this.#memory.target.model;
    this.#stamp = line.stamp;
    const created = toTimestamp(Date.parse(line.createdAt));
    const value = create(StartedSchema, {
      id: `ollama-${line.stamp}`,
      model: this.#model,
      ...(created && { created }),
    });
    return [{ case: "started", value, choice: 0, part: 0 }];
  }

  #say({ thinking, content, calls, logprobs, text }: AnswerLine): readonly Frame[] {
    const frames: Frame[] = [];
    if (thinking !== "") {
      const part = this.#continue("reasoning", frames);
      frames.push({ case: "reasoningDelta", value: thinking, choice: 0, part });
    }
    // Of thoughts the contract has no probabilities.
    if (thinking === "" || content !== "") this.#logprobs.push(...logprobs);
    if (content !== "") {
      const part = this.#continue("text", frames);
      const told = this.#logprobs.length > 0 ? { logprobs: this.#logprobs } : {};
      this.#logprobs = [];
      frames.push({ case: "textDelta", value: content, choice: 0, part, ...told });
    }
    for (const [index, call] of calls.entries()) frames.push(...this.#call(call, argumentsText(text, index)));
    return frames;
  }

  /** The number of the open part of this kind; opens one where there is none. */
  #continue(kind: "reasoning" | "text", into: Frame[]): number {
    if (this.#open?.kind === kind) return this.#open.part;
    into.push(...this.#close());
    const part = this.#parts++;
    this.#open = { kind, part };
    if (kind === "reasoning") into.push(partStarted(create(PartSchema, { kind: { case: kind, value: {} } }), part));
    return part;
  }

  #close(): readonly Frame[] {
    const open = this.#open;
    this.#open = null;
    return open?.kind === "reasoning" ? [partFinished(open.part)] : [];
  }

  /** Calls come whole. Servers before 0.13 give no ids, and none of them is unique beyond its answer. */
  #call({ id, name, input }: CallLine, args: string): readonly Frame[] {
    const closed = this.#close();
    const part = this.#parts++;
    const number = this.#calls++;
    const isCustom = this.#memory.customTools?.has(name) === true && typeof input.input === "string";
    const value = {
      id: id || `call_${this.#stamp}_${number}`,
      name,
      kind: isCustom ? ToolCallKind.CUSTOM : ToolCallKind.FUNCTION,
    };
    const said = isCustom ? String(input.input) : args;
    const deltas: Frame[] = said === "" ? [] : [{ case: "argumentsDelta", value: said, choice: 0, part }];
    const started = partStarted(create(PartSchema, { kind: { case: "toolCall", value } }), part);
    return [...closed, started, ...deltas, partFinished(part)];
  }

  #finish({ doneReason, promptTokens, outputTokens }: AnswerLine): readonly Frame[] {
    this.#done = true;
    const frames: Frame[] = [...this.#close()];
    const value = create(FinishedSchema, { reason: this.#reason(doneReason), native: doneReason });
    frames.push({ case: "finished", value, choice: 0, part: 0 });
    const usage = toUsage(promptTokens, outputTokens);
    if (usage) frames.push({ case: "usage", value: usage, choice: 0, part: 0 });
    const completed = create(CompletedSchema, { ...(usage && { usage }), providerData: this.#providerData() });
    frames.push({ case: "completed", value: completed, choice: 0, part: 0 });
    return frames;
  }

  /** The server stops after calls as after a text: with `stop`, and often in a later line. */
  #reason(native: string): FinishReason {
    const reason = native === "" ? FinishReason.STOP : (reasons.get(native) ?? FinishReason.UNSPECIFIED);
    return reason === FinishReason.STOP && this.#calls > 0 ? FinishReason.TOOL_CALLS : reason;
  }

  #providerData(): Record<string, string> {
    if (!this.#memory.providerData || Object.keys(this.#unmapped).length === 0) return {};
    return { ollama: JSON.stringify(this.#unmapped) };
  }
}

const reasons: ReadonlyMap<string, FinishReason> = new Map([
  ["stop", FinishReason.STOP],
  ["length", FinishReason.LENGTH],
  // Nothing was asked but to have the model in memory, or out of it.
  ["load", FinishReason.STOP],
  ["unload", FinishReason.STOP],
]);

/** A prompt that was in the server's cache is not counted: its tokens are unknown then, not none. */
function toUsage(inputTokens: number | undefined, outputTokens: number | undefined): Usage | undefined {
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const isBoth = inputTokens !== undefined && outputTokens !== undefined;
  return create(UsageSchema, {
    ...(inputTokens !== undefined && { inputTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    ...(isBoth && { totalTokens: inputTokens + outputTokens }),
  });
}

function partStarted(part: Part, number: number): Frame {
  return { case: "partStarted", value: create(PartStartedSchema, { part }), choice: 0, part: number };
}

function partFinished(number: number): Frame {
  return { case: "partFinished", value: create(PartFinishedSchema, {}), choice: 0, part: number };
}
