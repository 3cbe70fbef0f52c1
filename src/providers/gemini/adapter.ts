import { create } from "@bufbuild/protobuf";
import { type CountTokensResponse, CountTokensResponseSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { GeminiAnswer } from "../../dialects/gemini/decode-answer.ts";
import { isGoogle } from "../../dialects/openai-chat/proofs.ts";
import { countOf, parseObject } from "../../dialects/openai-chat/wire.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { DecodeMemory, HttpReply, Provider, StreamDecoder } from "../provider.ts";
import { fromEmbedResponse, toEmbedRequest } from "./embeddings.ts";
import { failureOf, fromError } from "./errors.ts";
import { fromModelPage, mergeListed, modelsPath } from "./models.ts";
import { toCountRequest, toRequest } from "./request.ts";

/** Google's Gemini API for developers. Base URLs are those that its SDKs take: without a version, or with one. */
export const gemini: Provider = {
  kind: "gemini",
  apiVersions: ["v1beta", "v1", "v1alpha"],
  toRequest,
  fromResponse: (reply, memory) => answerTo(memory).pushWhole(reply.body),
  createDecoder,
  takesProof: (issuer, { source }) => source?.dialect !== "gemini" && isGoogle(issuer),
  fromError,
  // In the address it would be written into logs.
  authHeaders: (apiKey) => ({ "x-goog-api-key": apiKey }),
  models: { path: modelsPath, fromResponse: fromModelPage, merge: mergeListed },
  embeddings: { toRequest: toEmbedRequest, fromResponse: fromEmbedResponse },
  countTokens: { toRequest: toCountRequest, fromResponse: fromTokenCount },
};

function createDecoder(memory: DecodeMemory): StreamDecoder {
  const answer = answerTo(memory);
  return {
    push: ({ data }) => answer.pushEvent(data),
    end: () => answer.end(),
    get done() {
      return answer.done;
    },
  };
}

function answerTo({ target, providerData, ...memory }: DecodeMemory): GeminiAnswer {
  const kept = providerData ? { keepUnmapped: target.provider } : {};
  return new GeminiAnswer({
    ...memory,
    ...kept,
    failure: (error) => failureOf(error, target),
    issuer: "gemini",
    model: target.model,
  });
}

/** @throws GatewayError `upstream_error` when the body holds no count */
function fromTokenCount({ body }: HttpReply, { target }: DecodeMemory): CountTokensResponse {
  const inputTokens = countOf(parseObject(body, "a token count"), "totalTokens");
  if (inputTokens === undefined) throw new GatewayError("upstream_error", "The provider sent no token count.");
  const { provider, instance, model } = target;
  return create(CountTokensResponseSchema, { inputTokens, exact: true, servedBy: { provider, instance, model } });
}
