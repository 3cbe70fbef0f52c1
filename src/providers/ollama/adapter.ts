import type { Provider } from "../provider.ts";
import { Answer } from "./answer.ts";
import { fromEmbedResponse, toEmbedRequest } from "./embeddings.ts";
import { fromError } from "./errors.ts";
import { fromModelPage, modelDetail, modelsPath } from "./models.ts";
import { toRequest } from "./request.ts";

/** Ollama's own API, on this machine without a key or in the cloud with one. Base URLs are without `/api`. */
export const ollama: Provider = {
  kind: "ollama",
  toRequest,
  fromResponse({ body }, memory) {
    const answer = new Answer(memory);
    return [...answer.push(body), ...answer.end()];
  },
  createDecoder(memory) {
    const answer = new Answer(memory);
    return {
      push: ({ data }) => (data === "" ? [] : answer.push(data)),
      end: () => answer.end(),
      get done() {
        return answer.done;
      },
    };
  },
  fromError,
  authHeaders: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
  models: { path: modelsPath, fromResponse: fromModelPage, detail: modelDetail },
  embeddings: { toRequest: toEmbedRequest, fromResponse: (reply) => fromEmbedResponse(reply) },
};
