import { type Finished, FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import type { Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import { blankCompleted, blankFinished, blankStarted } from "../../domain/blank.ts";
import { type Frame, withWire } from "../../domain/chat.ts";
import { GatewayError } from "../../domain/errors.ts";
import { toTimestamp } from "../../domain/timestamps.ts";
import { skipSpace } from "../json-scan.ts";
import { JsonSlice } from "../json-slice.ts";
import { type Fields, fieldsOf, isFields, parseObject, textOf } from "../openai-chat/wire.ts";
import { decodeResponseModeration, finishReasonOf, unmappedOf } from "./decode-end.ts";
import { OutputItems } from "./decode-output.ts";
import { decodeUsage } from "./decode-usage.ts";
import { entriesOf } from "./wire.ts";

export interface DecodeOptions {
  /** Provider kind: whose opaque parts and proofs these are. */
  readonly kind: string;
  /** What an error object means. */
  failure(error: Fields): GatewayError;
  /** Whether the caller wants members of the response that the contract has no field for. */
  readonly providerData: boolean;
}

/** Reads one answer of the Responses API, event by event or as a whole; a whole one is read as the events it had been. */
export class ResponseDecoder {
  done = false;
  readonly #options: DecodeOptions;
  readonly #items: OutputItems;
  #started = false;

  constructor(options: DecodeOptions) {
    this.#options = options;
    this.#items = new OutputItems(options.kind);
  }

  /**
   * One event of a stream.
   * @param wireText the event in full, as it came
   * @throws GatewayError the provider's error, or `upstream_error` for an event that is no JSON object
   */
  pushEvent(name: string, data: string, wireText: string): readonly Frame[] {
    // Some servers end with chat's sentinel; the answer's own end has come before it, or it has none.
    if (this.done || data === "" || data === "[DONE]") return [];
    const fields = parseObject(data, "an event");
    const frames = this.#step(textOf(fields, "type") || name, fields, data);
    return this.#items.repaired ? frames : withWire(frames, "openai-responses", wireText);
  }

  /** A whole answer. @throws GatewayError the provider's error, or `upstream_error` for what is no finished response */
  pushWhole(body: string): readonly Frame[] {
    const response = parseObject(body, "an answer");
    if (!Array.isArray(response.output) && !isFields(response.error)) {
      throw new GatewayError("upstream_error", "The provider's answer has no output.");
    }
    const status = textOf(response, "status");
    if (status === "queued" || status === "in_progress") {
      throw new GatewayError("upstream_error", `The provider's answer is not finished; its status is ${status}.`);
    }
    if (isFields(response.error) && status === "") throw this.#options.failure(response.error);
    const frames = [...this.#start(response)];
    let repaired = false;
    const written = sliceOf(body).member("output");
    for (const [index, item] of entriesOf(response, "output")) {
      const event = { output_index: index, item };
      frames.push(...this.#items.push("response.output_item.done", event, written?.element(index)?.text));
      repaired ||= this.#items.repaired;
    }
    frames.push(...this.#end(response));
    return repaired ? frames : withWire(frames, "openai-responses", body, true);
  }

  /** The bytes ended. @throws GatewayError `upstream_cut` when the answer did not */
  end(): readonly Frame[] {
    if (this.done) return [];
    throw new GatewayError("upstream_cut", "The provider's stream ended before its answer was complete.");
  }

  #step(type: string, fields: Fields, data: string): Frame[] {
    switch (type) {
      case "response.created":
      case "response.queued":
      case "response.in_progress":
        return this.#start(fieldsOf(fields, "response"));
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
      case "response.cancelled": {
        const response = fieldsOf(fields, "response");
        const status = type.slice("response.".length);
        return [...this.#start(response), ...this.#end({ ...response, status: textOf(response, "status") || status })];
      }
      case "error":
        throw this.#options.failure(isFields(fields.error) ? fields.error : fields);
      default: {
        // A bare error, as gateways in between send it.
        if (isFields(fields.error) && !type.startsWith("response.")) throw this.#options.failure(fields.error);
        const isWhole = type === "response.output_item.done";
        const told = this.#items.push(type, fields, isWhole ? sliceOf(data).member("item")?.text : undefined);
        return told.length === 0 ? told : [...this.#start({}), ...told];
      }
    }
  }

  #start(response: Fields): Frame[] {
    if (this.#started) return [];
    this.#started = true;
    const value = blankStarted(textOf(response, "id"), textOf(response, "model"));
    const { created_at: seconds } = response;
    const created = typeof seconds === "number" ? toTimestamp(Math.trunc(seconds) * 1000) : undefined;
    if (created) value.created = created;
    return [{ case: "started", value, choice: 0, part: 0 }];
  }

  #end(response: Fields): Frame[] {
    const status = textOf(response, "status");
    if (status === "failed" || status === "cancelled") {
      const { error } = response;
      throw this.#options.failure(isFields(error) ? error : { message: `The answer was ${status}.` });
    }
    this.done = true;
    const usage = isFields(response.usage) ? decodeUsage(response.usage, this.#items.uses) : null;
    const items = this.#items.end(response);
    const moderation = decodeResponseModeration(fieldsOf(response, "moderation"));
    return [...items, this.#finished(response), ...moderation, ...usageFrames(usage), this.#completed(response, usage)];
  }

  #finished(response: Fields): Frame {
    const native = textOf(fieldsOf(response, "incomplete_details"), "reason") || textOf(response, "status");
    let reason = finishReasonOf(native);
    if (reason === FinishReason.STOP && this.#items.calls) reason = FinishReason.TOOL_CALLS;
    else if (reason === FinishReason.STOP && this.#items.refused) reason = FinishReason.REFUSAL;
    const value: Finished = blankFinished(reason, native);
    return { case: "finished", value, choice: 0, part: 0 };
  }

  #completed(response: Fields, usage: Usage | null): Frame {
    const value = blankCompleted();
    value.serviceTier = textOf(response, "service_tier");
    if (usage) value.usage = usage;
    const unmapped = this.#options.providerData ? unmappedOf(response) : null;
    if (unmapped !== null) value.providerData[this.#options.kind] = unmapped;
    return { case: "completed", value, choice: 0, part: 0 };
  }
}

/** An object's text, to take out of it what must stay as it was written. */
function sliceOf(text: string): JsonSlice {
  return new JsonSlice(text, { start: skipSpace(text, 0), end: text.trimEnd().length });
}

function usageFrames(usage: Usage | null): Frame[] {
  return usage === null ? [] : [{ case: "usage", value: usage, choice: 0, part: 0 }];
}
