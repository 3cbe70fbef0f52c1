import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { reportUnknownMembers } from "../../dialects/unknown-members.ts";
import type { ChatCall } from "../../domain/chat.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import { createChatProvider } from "../chat-completions/provider.ts";
import {
  buildResponses,
  createResponsesDecoder,
  fromWholeResponse,
  isResponses,
  livesOnResponses,
} from "../openai/responses.ts";
import type { Provider, ProviderRequest } from "../provider.ts";
import { place } from "./place.ts";
import { azureServer, deploymentOf } from "./server.ts";

// There are no lists of deployments at the resource itself, only of what could be deployed: offering that would be wrong.
const { models: _, ...chat } = createChatProvider(azureServer);

/** Azure OpenAI. Base URL: that of the resource, `https://<resource>.openai.azure.com`, with or without `/openai/v1`. */
export const azure: Provider = {
  ...chat,
  toRequest: (call, target) => (livesOnResponses(target) ? toResponses(call, target) : chat.toRequest(call, target)),
  fromResponse: (reply, memory) =>
    isResponses(memory) ? fromWholeResponse(reply.body, memory) : chat.fromResponse(reply, memory),
  createDecoder: (memory) => (isResponses(memory) ? createResponsesDecoder(memory) : chat.createDecoder(memory)),
  takesProof: (issuer, _, target) => livesOnResponses(target) && issuer.startsWith("azure"),
  place,
  authHeaders,
};

/** Keys go in a header of Azure's own; what Entra gives out is a token in three parts. */
function authHeaders(key: string): Readonly<Record<string, string>> {
  return /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/.test(key) ? { authorization: `Bearer ${key}` } : { "api-key": key };
}

/** Models that live on the Responses API only; there Azure's servers are OpenAI's. */
function toResponses({ request, stream, source }: ChatCall, target: Target): ProviderRequest {
  const losses = new LossReport(request.lossPolicy === LossPolicy.REFUSE);
  reportUnknownMembers(source, null, losses);
  return {
    method: "POST",
    path: "/responses",
    headers: { accept: stream ? "text/event-stream" : "application/json" },
    body: buildResponses(request, stream, { ...target, wire: "exact" }, losses, deploymentOf(target)),
    losses: losses.losses,
    memory: { target, stream, providerData: request.include.includes("provider_data") },
  };
}
