import { parseObject } from "../../dialects/openai-chat/wire.ts";
import type { Provider } from "../provider.ts";
import { Answer } from "./answer.ts";
import { fromEmbedResponse, toEmbedRequest } from "./embeddings.ts";
import { fromError } from "./errors.ts";
import { fromModelPage, modelsPath } from "./models.ts";
import { toRequest } from "./request.ts";
import { fromResponse } from "./response.ts";

/** Cohere's second API. Base URLs are those that its SDKs take: without a version. */
export const cohere: Provider = {
  kind: "cohere",
  toRequest,
  fromResponse,
  createDecoder(memory) {
    const answer = new Answer(memory);
    return {
      // Behind the end there may be a sentinel, as Cohere's own SDKs expect.
      push: ({ data }) => (data === "" || data === "[DONE]" ? [] : answer.step(parseObject(data, "a stream event"))),
      end: () => answer.end(),
      get done() {
        return answer.done;
      },
    };
  },
  fromError,
  authHeaders: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
  models: { path: modelsPath, fromResponse: fromModelPage },
  embeddings: { toRequest: toEmbedRequest, fromResponse: fromEmbedResponse },
};
