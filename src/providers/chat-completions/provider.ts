import type { Target } from "../../domain/target.ts";
import type { Provider } from "../provider.ts";
import { createChunkDecoder, decodeWhole } from "./decoder.ts";
import { fromEmbedResponse, toEmbedRequest } from "./embeddings.ts";
import { fromError } from "./errors.ts";
import { modelPageReader } from "./model-page.ts";
import { toRequest } from "./request.ts";
import type { ChatServer } from "./server.ts";

/** A provider that speaks chat completions, with what its table says of it. Base URLs are those that its SDKs take. */
export function createChatProvider(server: ChatServer): Provider {
  const { kind, answers, errors, list, embeddings } = server;
  return {
    kind,
    toRequest: (call, target) => toRequest(call, target, server),
    fromResponse: (reply, memory) => decodeWhole(kind, reply, memory, answers, errors),
    createDecoder: (memory) => createChunkDecoder(kind, memory, answers, errors),
    fromError: (reply, memory) => fromError(reply, memory, errors),
    ...(server.headers && { headers: server.headers }),
    authHeaders: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
    models: { path: list?.path ?? "/models", fromResponse: modelPageReader(list) },
    ...(embeddings !== null && {
      embeddings: {
        toRequest: (request, target) =>
          toEmbedRequest(request, target, { kind, ...embeddings, ...named(server, target) }),
        fromResponse: (reply) => fromEmbedResponse(reply),
      },
    }),
  };
}

function named({ modelName }: ChatServer, target: Target) {
  return modelName ? { model: modelName(target) } : {};
}
