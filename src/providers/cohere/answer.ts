import { create } from "@bufbuild/protobuf";
import { PartSchema, ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import {
  CompletedSchema,
  FinishedSchema,
  FinishReason,
  PartFinishedSchema,
  PartStartedSchema,
  StartedSchema,
} from "../../../gen/trunkline/v1/stream_pb.ts";
import { type TokenLogprob, TokenLogprobSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import { type Fields, fieldsOf, isFields, textOf } from "../../dialects/openai-chat/wire.ts";
import type { Frame } from "../../domain/chat.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { DecodeMemory } from "../provider.ts";
import { toAnnotations } from "./citations.ts";
import { endedBadly, failureOf } from "./errors.ts";
import { toUsage } from "./usage.ts";

/** A call that is being sent. A custom tool's input can only be taken out of its arguments when they are whole. */
interface Call {
  readonly part: number;
  readonly isCustom: boolean;
  input: string;
}

/** Most that is held back of a custom tool's call. UTF-16 units. */
const maxHeldLength = 4 * 1024 * 1024;

/** Reads the events of one answer in order; a whole answer is read as the events that would have streamed it. */
export class Answer {
  readonly #memory: DecodeMemory;
  #isStarted = false;
  #done = false;
  #parts = 0;
  /** Content blocks by their index: the part that each became, once it said something. */
  readonly #blocks = new Map<number, { readonly kind: "text" | "reasoning"; part: number }>();
  readonly #calls = new Map<number, Call>();
  /** The plan before the calls, as a part of reasoning; null when none is open. */
  #plan: number | null = null;
  #lastText: number | null = null;
  #hasCalls = false;

  constructor(memory: DecodeMemory) {
    this.#memory = memory;
  }

  get done(): boolean {
    return this.#done;
  }

  /** @throws GatewayError the provider's error, or `upstream_error` for an event that cannot stand here */
  step(event: Fields): readonly Frame[] {
    const type = textOf(event, "type");
    const message = fieldsOf(fieldsOf(event, "delta"), "message");
    const index = typeof event.index === "number" ? event.index : 0;
    if (type === "" && typeof event.message === "string") throw failureOf(event.message, this.#memory.target);
    switch (type) {
      case "message-start":
        return this.#start(textOf(event, "id"));
      case "tool-plan-delta":
        return this.#think(textOf(message, "tool_plan"));
      case "content-start":
        return [...this.#closePlan(), ...this.#open(index, fieldsOf(message, "content"))];
      case "content-delta":
        return this.#write(index, fieldsOf(message, "content"), event.logprobs);
      case "content-end":
        return this.#closeBlock(index);
      case "tool-call-start":
        return [...this.#closePlan(), ...this.#openCall(index, fieldsOf(message, "tool_calls"))];
      case "tool-call-delta":
        return this.#argue(index, textOf(fieldsOf(fieldsOf(message, "tool_calls"), "function"), "arguments"));
      case "tool-call-end":
        return this.#closeCall(index);
      case "citation-start":
        return this.#cite(fieldsOf(message, "citations"));
      case "message-end":
        return this.#finish(event);
      default:
        return []; // citation-end, debug, and events newer than this code
    }
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

  #start(id: string): readonly Frame[] {
    if (this.#isStarted) return [];
    this.#isStarted = true;
    const value = create(StartedSchema, { id, model: this.#memory.target.model });
    return [{ case: "started", value, choice: 0, part: 0 }];
  }

  #think(value: string): readonly Frame[] {
    if (value === "") return [];
    const opened: Frame[] = [...this.#start("")];
    if (this.#plan === null) {
      this.#plan = this.#parts++;
      opened.push(reasoningStarted(this.#plan));
    }
    return [...opened, { case: "reasoningDelta", value: value.toWellFormed(), choice: 0, part: this.#plan }];
  }

  #closePlan(): readonly Frame[] {
    const part = this.#plan;
    this.#plan = null;
    return part === null ? [] : [partFinished(part)];
  }

  /** A text takes a number only when it says something. */
  #open(index: number, content: Fields): readonly Frame[] {
    const kind = textOf(content, "type") === "thinking" ? "reasoning" : "text";
    this.#blocks.set(index, { kind, part: -1 });
    return [...this.#start(""), ...this.#write(index, content, undefined)];
  }

  #write(index: number, content: Fields, logprobs: unknown): readonly Frame[] {
    const block =
      this.#blocks.get(index) ?? ({ kind: "thinking" in content ? "reasoning" : "text", part: -1 } as const);
    const value = textOf(content, block.kind === "text" ? "text" : "thinking").toWellFormed();
    if (value === "") return [];
    const frames: Frame[] = [...this.#start("")];
    let { part } = block;
    if (part === -1) {
      part = this.#parts++;
      this.#blocks.set(index, { ...block, part });
      if (block.kind === "reasoning") frames.push(reasoningStarted(part));
    }
    if (block.kind === "reasoning") return [...frames, { case: "reasoningDelta", value, choice: 0, part }];
    this.#lastText = part;
    const told = readLogprobs(logprobs);
    return [...frames, { case: "textDelta", value, choice: 0, part, ...(told.length > 0 && { logprobs: told }) }];
  }

  /** Texts stay open: their citations may follow. */
  #closeBlock(index: number): readonly Frame[] {
    const block = this.#blocks.get(index);
    if (block?.kind !== "reasoning" || block.part === -1) return [];
    this.#blocks.delete(index);
    return [partFinished(block.part)];
  }

  #openCall(index: number, call: Fields): readonly Frame[] {
    const named = fieldsOf(call, "function");
    const [id, name] = [textOf(call, "id"), textOf(named, "name")];
    if (id === "" || name === "")
      throw new GatewayError("upstream_error", "The provider sent a call without id or name.");
    this.#hasCalls = true;
    const part = this.#parts++;
    const isCustom = this.#memory.customTools?.has(name) === true;
    this.#calls.set(index, { part, isCustom, input: "" });
    const kind = isCustom ? ToolCallKind.CUSTOM : ToolCallKind.FUNCTION;
    const value = create(PartStartedSchema, {
      part: create(PartSchema, { kind: { case: "toolCall", value: { id, name, kind } } }),
    });
    const started: Frame = { case: "partStarted", value, choice: 0, part };
    return [...this.#start(""), started, ...this.#argue(index, textOf(named, "arguments"))];
  }

  #argue(index: number, value: string): readonly Frame[] {
    const call = this.#calls.get(index);
    if (call === undefined || value === "") return [];
    if (!call.isCustom) {
      call.input = "some";
      return [{ case: "argumentsDelta", value: value.toWellFormed(), choice: 0, part: call.part }];
    }
    call.input += value;
    if (call.input.length <= maxHeldLength) return [];
    throw new GatewayError("upstream_error", `The provider sent a call of more than ${maxHeldLength} characters.`);
  }

  #closeCall(index: number): readonly Frame[] {
    const call = this.#calls.get(index);
    if (call === undefined) return [];
    this.#calls.delete(index);
    const { part } = call;
    // A call without arguments has none on the wire, and an empty object in every other format.
    const rest = call.isCustom ? freeText(call.input) : call.input === "" ? "{}" : "";
    const delta: Frame[] = rest === "" ? [] : [{ case: "argumentsDelta", value: rest, choice: 0, part }];
    return [...delta, partFinished(part)];
  }

  /** Citations of thoughts and plans are not shown: those parts are over when their citations come. */
  #cite(citation: Fields): readonly Frame[] {
    const type = textOf(citation, "type");
    if (type !== "" && type !== "TEXT_CONTENT") return [];
    const named = typeof citation.content_index === "number" ? this.#blocks.get(citation.content_index) : undefined;
    const part = named?.kind === "text" && named.part !== -1 ? named.part : this.#lastText;
    if (part === null) return [];
    return toAnnotations(citation).map((value) => ({ case: "annotation", value, choice: 0, part }));
  }

  #finish(event: Fields): readonly Frame[] {
    const delta = fieldsOf(event, "delta");
    const native = textOf(delta, "finish_reason");
    const words = textOf(delta, "error");
    if (native === "ERROR" || native === "TIMEOUT" || (native === "" && words !== "")) {
      throw endedBadly(native || "an error", words, this.#memory.target);
    }
    this.#done = true;
    const blocks = [...this.#blocks.keys()].flatMap((index) => this.#closeBlock(index));
    const calls = [...this.#calls.keys()].flatMap((index) => this.#closeCall(index));
    const frames = [...this.#start(""), ...this.#closePlan(), ...blocks, ...calls];
    const known = reasons.get(native) ?? FinishReason.UNSPECIFIED;
    const reason = known === FinishReason.STOP && this.#hasCalls ? FinishReason.TOOL_CALLS : known;
    frames.push({ case: "finished", value: create(FinishedSchema, { reason, native }), choice: 0, part: 0 });
    const usage = toUsage(fieldsOf(delta, "usage"));
    if (usage) frames.push({ case: "usage", value: usage, choice: 0, part: 0 });
    const providerData = this.#providerData(fieldsOf(delta, "usage"));
    const value = create(CompletedSchema, { ...(usage && { usage }), providerData });
    return [...frames, { case: "completed", value, choice: 0, part: 0 }];
  }

  /** What is billed differs from what was counted. */
  #providerData(usage: Fields): Record<string, string> {
    if (!this.#memory.providerData || !isFields(usage.billed_units)) return {};
    return { cohere: JSON.stringify({ billed_units: usage.billed_units }) };
  }
}

const reasons: ReadonlyMap<string, FinishReason> = new Map([
  ["COMPLETE", FinishReason.STOP],
  ["STOP_SEQUENCE", FinishReason.STOP],
  ["MAX_TOKENS", FinishReason.LENGTH],
  ["TOOL_CALL", FinishReason.TOOL_CALLS],
  ["ERROR_LIMIT", FinishReason.LENGTH],
  ["ERROR_TOXIC", FinishReason.CONTENT_FILTER],
]);

/** One entry of a stream, all entries of a whole answer. */
function readLogprobs(told: unknown): readonly TokenLogprob[] {
  return Array.isArray(told) ? told.flatMap((item: unknown) => [...readItem(item)]) : readItem(told);
}

/** An entry may tell of several tokens, and has the text of all of them together: it stands with the first. */
function readItem(item: unknown): readonly TokenLogprob[] {
  if (!isFields(item) || !Array.isArray(item.logprobs)) return [];
  const ids: readonly unknown[] = Array.isArray(item.token_ids) ? item.token_ids : [];
  return item.logprobs.map((logprob: unknown, position) => {
    const tokenId = integerOf(ids[position]);
    return create(TokenLogprobSchema, {
      token: position === 0 ? textOf(item, "text").toWellFormed() : "",
      logprob: typeof logprob === "number" ? logprob : 0,
      ...(tokenId !== undefined && { tokenId }),
    });
  });
}

/** A number that fits the contract's int32. */
function integerOf(value: unknown): number | undefined {
  return typeof value === "number" && (value | 0) === value ? value : undefined;
}

/** Cut JSON stays as it is. */
function freeText(json: string): string {
  try {
    const input: unknown = JSON.parse(json);
    if (isFields(input) && typeof input.input === "string") return input.input.toWellFormed();
  } catch {
    // Cut off by the token limit: the caller sees what the model wrote.
  }
  return json.toWellFormed();
}

function reasoningStarted(part: number): Frame {
  const value = create(PartStartedSchema, { part: create(PartSchema, { kind: { case: "reasoning", value: {} } }) });
  return { case: "partStarted", value, choice: 0, part };
}

function partFinished(part: number): Frame {
  return { case: "partFinished", value: create(PartFinishedSchema, {}), choice: 0, part };
}
