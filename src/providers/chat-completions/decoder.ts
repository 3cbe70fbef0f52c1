import { AnswerDecoder, type AnswerQuirks } from "../../dialects/openai-chat/decode-answer.ts";
import type { Frame } from "../../domain/chat.ts";
import type { DecodeMemory, HttpReply, SseEvent, StreamDecoder } from "../provider.ts";
import { type ErrorRules, failureOf } from "./errors.ts";

/** A whole chat completion as frames. @throws GatewayError `upstream_error` */
export function decodeWhole(
  kind: string,
  reply: HttpReply,
  memory: DecodeMemory,
  quirks: AnswerQuirks = {},
  errors: ErrorRules = [],
): readonly Frame[] {
  return answerDecoder(kind, memory, quirks, errors).pushWhole(reply.body);
}

/** A decoder for one stream of chat completion chunks. */
export function createChunkDecoder(
  kind: string,
  memory: DecodeMemory,
  quirks: AnswerQuirks = {},
  errors: ErrorRules = [],
): StreamDecoder {
  return new ChunkDecoder(answerDecoder(kind, memory, quirks, errors));
}

function answerDecoder(
  kind: string,
  { target, providerData }: DecodeMemory,
  quirks: AnswerQuirks,
  errors: ErrorRules,
): AnswerDecoder {
  const options = { failure: (error: unknown) => failureOf(error, target, errors), quirks };
  return new AnswerDecoder(providerData ? { ...options, keepUnmapped: kind } : options);
}

class ChunkDecoder implements StreamDecoder {
  readonly #answer: AnswerDecoder;

  constructor(answer: AnswerDecoder) {
    this.#answer = answer;
  }

  get done(): boolean {
    return this.#answer.done;
  }

  push({ event, data }: SseEvent): readonly Frame[] {
    if (event === "error") return this.#answer.pushFailure(data);
    return data === "" ? [] : this.#answer.pushChunk(data);
  }

  end(): readonly Frame[] {
    return this.#answer.end();
  }
}
