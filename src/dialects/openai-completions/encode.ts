import type { ChatResponse } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { Part } from "../../../gen/trunkline/v1/message_pb.ts";
import type { TokenLogprob, Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import type { Frame } from "../../domain/chat.ts";
import type { GatewayError } from "../../domain/errors.ts";
import { toEventLine } from "../event-lines.ts";
import { encodeFinishReason } from "../openai-chat/encode-parts.ts";
import { encodeUsage } from "../openai-chat/encode-usage.ts";
import { encodeErrorBody } from "../openai-chat/error-body.ts";
import type { StreamEncoder } from "../stream-encoder.ts";
import type { ParsedCompletions } from "./parse-request.ts";

type Asked = Pick<ParsedCompletions, "echoes" | "includeUsage">;

/** A whole answer as `text_completion` JSON. Reasoning has no place in it; a refusal is text. */
export function encodeCompletion(response: ChatResponse, { echoes }: Pick<Asked, "echoes">): string {
  const { id, requestId, created, model, choices, usage } = response;
  return JSON.stringify({
    ...headOf(id || requestId, Number(created?.seconds ?? 0n), model),
    choices: choices.map((choice) => {
      const echo = echoes[choice.index] ?? "";
      return {
        text: echo + (choice.message?.parts ?? []).map(textOf).join(""),
        index: choice.index,
        logprobs: encodeLegacyLogprobs(choice.logprobs, [...echo].length),
        finish_reason: encodeFinishReason(choice.finishReason, choice.nativeFinishReason, false),
      };
    }),
    usage: encodeUsage(usage) ?? undefined,
  });
}

function headOf(id: string, created: number, model: string) {
  return { id: id.startsWith("cmpl-") ? id : `cmpl-${id}`, object: "text_completion", created, model };
}

function textOf({ kind }: Part): string {
  if (kind.case === "text") return kind.value;
  return kind.case === "refusal" ? kind.value.text : "";
}

/**
 * Log probabilities in the form that completions have: lists side by side.
 * @param before characters of the choice's text before the first of these tokens
 */
function encodeLegacyLogprobs(logprobs: readonly TokenLogprob[], before: number): Record<string, unknown> | null {
  if (logprobs.length === 0) return null;
  let offset = before;
  const offsets = logprobs.map(({ token }) => {
    const at = offset;
    offset += [...token].length;
    return at;
  });
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top }) => Object.fromEntries(top.map(({ token, logprob }) => [token, logprob]))),
    text_offset: offsets,
  };
}

/** Frames as the chunks of a completions stream. `[DONE]` follows a whole answer, never an error. */
export function createCompletionEncoder(asked: Asked, requestId: string): StreamEncoder {
  return new CompletionEncoder(asked, requestId);
}

class CompletionEncoder implements StreamEncoder {
  readonly #asked: Asked;
  /** Characters written, by choice. */
  readonly #written = new Map<number, number>();
  #head: Record<string, unknown>;
  #usage: Usage | undefined;

  constructor(asked: Asked, requestId: string) {
    this.#asked = asked;
    this.#head = headOf(requestId, 0, "");
  }

  push(frames: readonly Frame[]): string {
    return frames.map((frame) => this.#encode(frame)).join("");
  }

  error(error: GatewayError): string {
    return event(JSON.parse(encodeErrorBody(error)));
  }

  #encode(frame: Frame): string {
    switch (frame.case) {
      case "started": {
        const { id, created, model } = frame.value;
        if (id !== "") this.#head = headOf(id, Number(created?.seconds ?? 0n), model);
        else this.#head = { ...this.#head, created: Number(created?.seconds ?? 0n), model };
        return "";
      }
      case "textDelta":
      case "refusalDelta":
        return this.#say(frame.choice, frame.value, frame.logprobs ?? []);
      case "partStarted":
        return this.#say(frame.choice, frame.value.part ? textOf(frame.value.part) : "", []);
      case "finished": {
        const { reason, native } = frame.value;
        // The prompt is wanted back also where nothing follows it.
        return (
          this.#echo(frame.choice) + this.#chunk(frame.choice, "", null, encodeFinishReason(reason, native, false))
        );
      }
      case "usage":
        this.#usage = frame.value;
        return "";
      case "completed":
        this.#usage = frame.value.usage ?? this.#usage;
        return this.#close();
      case "notice":
        return frame.value.code === "failover" ? `: ${frame.value.message.replaceAll(/[\r\n]+/g, " ")}\n\n` : "";
      default:
        return "";
    }
  }

  #say(choice: number, text: string, logprobs: readonly TokenLogprob[]): string {
    if (text === "") return "";
    const echo = this.#echo(choice);
    const before = this.#written.get(choice) ?? 0;
    this.#written.set(choice, before + [...text].length);
    return echo + this.#chunk(choice, text, encodeLegacyLogprobs(logprobs, before), null);
  }

  #echo(choice: number): string {
    if (this.#written.has(choice)) return "";
    const echo = this.#asked.echoes[choice] ?? "";
    this.#written.set(choice, [...echo].length);
    return echo === "" ? "" : this.#chunk(choice, echo, null, null);
  }

  #chunk(index: number, text: string, logprobs: Record<string, unknown> | null, reason: string | null): string {
    const usage = this.#asked.includeUsage ? { usage: null } : {};
    return event({ ...this.#head, choices: [{ text, index, logprobs, finish_reason: reason }], ...usage });
  }

  #close(): string {
    const usage = this.#asked.includeUsage ? encodeUsage(this.#usage) : null;
    const last = usage === null ? "" : event({ ...this.#head, choices: [], usage });
    return `${last}data: [DONE]\n\n`;
  }
}

function event(value: unknown): string {
  return `data: ${toEventLine(JSON.stringify(value))}\n\n`;
}
