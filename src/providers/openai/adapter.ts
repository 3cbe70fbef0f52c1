import { createChunkDecoder, decodeWhole } from "../chat-completions/decoder.ts";
import { fromEmbedResponse, toEmbedRequest } from "../chat-completions/embeddings.ts";
import { fromError } from "../chat-completions/errors.ts";
import { modelPageReader } from "../chat-completions/model-page.ts";
import type { Provider } from "../provider.ts";
import { toRequest } from "./request.ts";
import { asksResponses, createResponsesDecoder, fromWholeResponse, isResponses } from "./responses.ts";

/**
 * OpenAI's chat completions, its Responses API for the models that live there, and every server that speaks them.
 * Base URLs are those that its SDKs take: `…/v1`.
 */
export const openai: Provider = {
  kind: "openai",
  toRequest,
  fromResponse: (reply, memory) =>
    isResponses(memory) ? fromWholeResponse(reply.body, memory) : decodeWhole("openai", reply, memory),
  createDecoder: (memory) =>
    isResponses(memory) ? createResponsesDecoder(memory) : createChunkDecoder("openai", memory),
  takesProof: (issuer, call, target) =>
    call.source?.dialect !== "openai-responses" && asksResponses(call, target) && issuer.startsWith("openai"),
  fromError: (reply, memory) => fromError(reply, memory),
  authHeaders: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
  models: { path: "/models", fromResponse: modelPageReader() },
  embeddings: {
    toRequest: (request, target) => toEmbedRequest(request, target),
    fromResponse: (reply) => fromEmbedResponse(reply),
  },
};
