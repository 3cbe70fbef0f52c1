import { createChunkDecoder, decodeWhole } from "../chat-completions/decoder.ts";
import { fromEmbedResponse, toEmbedRequest } from "../chat-completions/embeddings.ts";
import { fromError } from "../chat-completions/errors.ts";
import { modelPageReader } from "../chat-completions/model-page.ts";
import type { Provider } from "../provider.ts";
import { factsOf } from "./models.ts";
import { toRequest } from "./request.ts";

/** OpenAI's chat completions, and every server that speaks them. Base URLs are those that its SDKs take: `…/v1`. */
export const openai: Provider = {
  kind: "openai",
  toRequest,
  fromResponse: (reply, memory) => decodeWhole("openai", reply, memory),
  createDecoder: (memory) => createChunkDecoder("openai", memory),
  fromError: (reply, memory) => fromError(reply, memory),
  authHeaders: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
  models: { path: "/models", fromResponse: modelPageReader() },
  facts: factsOf,
  embeddings: {
    toRequest: (request, target) => toEmbedRequest(request, target),
    fromResponse: (reply) => fromEmbedResponse(reply),
  },
};
