import { create } from "@bufbuild/protobuf";
import { type CountTokensResponse, CountTokensResponseSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { count } from "../../dialects/anthropic-messages/fields.ts";
import { isAnthropic } from "../../dialects/anthropic-messages/proofs.ts";
import type { DecodeMemory, HttpReply, Provider } from "../provider.ts";
import { fromError } from "./errors.ts";
import { fromModelPage, mergeListed, modelsPath } from "./models.ts";
import { toCountRequest, toRequest } from "./request.ts";
import { fromResponse } from "./response.ts";
import { createDecoder } from "./stream.ts";
import { malformed, parseFields } from "./wire.ts";

/** The version of the wire format that is spoken unless the instance is configured with another. design 15.19 */
const apiVersion = "2023-06-01";

/** Anthropic's Messages API. Base URLs are those that its SDKs take: without `/v1`. */
export const anthropic: Provider = {
  kind: "anthropic",
  toRequest,
  fromResponse,
  createDecoder,
  takesProof: (issuer, { source }) => source?.dialect !== "anthropic-messages" && isAnthropic(issuer),
  fromError,
  headers: { "anthropic-version": apiVersion },
  authHeaders: (apiKey) => ({ "x-api-key": apiKey }),
  models: { path: modelsPath, fromResponse: fromModelPage, merge: mergeListed },
  countTokens: { toRequest: toCountRequest, fromResponse: fromTokenCount },
};

/** @throws GatewayError `upstream_error` when the body holds no count */
function fromTokenCount(reply: HttpReply, { target }: DecodeMemory): CountTokensResponse {
  const inputTokens = count(parseFields(reply.body, "a token count"), "input_tokens");
  if (inputTokens === undefined) throw malformed("a token count without input_tokens");
  const { provider, instance, model } = target;
  const upstreamRequestId = reply.headers["request-id"] ?? "";
  return create(CountTokensResponseSchema, {
    inputTokens,
    exact: true,
    servedBy: { provider, instance, model, upstreamRequestId },
  });
}
