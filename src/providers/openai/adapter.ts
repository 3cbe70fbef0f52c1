import { AnswerDecoder } from "../../dialects/openai-chat/decode-answer.ts";
import type { Frame } from "../../domain/chat.ts";
import type { DecodeMemory, HttpReply, Provider, SseEvent, StreamDecoder } from "../provider.ts";
import { fromEmbedResponse, toEmbedRequest } from "./embeddings.ts";
import { failureOf, fromError } from "./errors.ts";
import { factsOf, fromModelPage } from "./models.ts";
import { toRequest } from "./request.ts";

/** OpenAI's chat completions, and every server that speaks them. Base URLs are those that its SDKs take: `…/v1`. */
export const openai: Provider = {
  kind: "openai",
  toRequest,
  fromResponse: (reply, memory) => decoderFor(memory).pushWhole(reply.body),
  createDecoder: (memory) => new ChunkDecoder(decoderFor(memory)),
  fromError,
  authHeaders: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
  models: { path: "/models", fromResponse: fromModelPage },
  facts: factsOf,
  embeddings: { toRequest: toEmbedRequest, fromResponse: (reply: HttpReply) => fromEmbedResponse(reply) },
};

function decoderFor({ target, providerData }: DecodeMemory): AnswerDecoder {
  const kept = providerData ? { keepUnmapped: "openai" } : {};
  return new AnswerDecoder({ failure: (error) => failureOf(error, target), ...kept });
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
