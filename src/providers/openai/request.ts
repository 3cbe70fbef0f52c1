import { type ChatRequest, LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { toJsonText } from "../../dialects/json-text.ts";
import { encodeChatRequest, optionMembers } from "../../dialects/openai-chat/encode-request.ts";
import { patchChatRequest } from "../../dialects/openai-chat/patch-request.ts";
import type { ChatQuirks } from "../../dialects/openai-chat/quirks.ts";
import { patchResponsesRequest } from "../../dialects/openai-responses/patch-request.ts";
import { reportUnknownMembers } from "../../dialects/unknown-members.ts";
import type { ChatCall, SourceBody } from "../../domain/chat.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import type { ProviderRequest } from "../provider.ts";
import { rulesOf } from "./models.ts";
import { dropRefused } from "./refused.ts";
import { asksResponses, buildResponses, canBeSentOn } from "./responses.ts";

/** OpenAI's own servers. */
const exact: ChatQuirks = {
  kind: "openai",
  maxTokensName: "max_completion_tokens",
  endUserName: "safety_identifier",
  developerRole: true,
  reasoningField: null,
  cacheMarks: true,
  extendedSampling: false,
};

/** Any other server that speaks the format: the older names, which all of them know (wire.md §16). */
const compatible: ChatQuirks = {
  kind: "openai",
  maxTokensName: "max_tokens",
  endUserName: "user",
  developerRole: false,
  reasoningField: "reasoning_content",
  cacheMarks: false,
  extendedSampling: true,
};

/**
 * A caller who speaks chat completions has its own body sent on, patched; what OpenAI does not take then, it says
 * itself. Every other request is built from the contract.
 */
export function toRequest(call: ChatCall, target: Target): ProviderRequest {
  const { request, stream, source } = call;
  const losses = new LossReport(request.lossPolicy === LossPolicy.REFUSE);
  if (asksResponses(call, target)) return toResponsesRequest(call, target, losses);
  const patched = source?.dialect === "openai-chat" && canBePatched(request, target) ? source : null;
  reportUnknownMembers(source, patched && "openai-chat", losses);
  const body = patched ? patch(call, patched, target) : build(request, stream, target, losses);
  return {
    method: "POST",
    path: "/chat/completions",
    headers: { accept: stream ? "text/event-stream" : "application/json" },
    body,
    losses: losses.losses,
    memory: { target, stream, providerData: request.include.includes("provider_data") },
  };
}

/** The body of a caller who speaks Responses goes on patched, as one of chat completions does. */
function toResponsesRequest(call: ChatCall, target: Target, losses: LossReport): ProviderRequest {
  const { request, stream, source } = call;
  const patched = source?.dialect === "openai-responses" && canBeSentOn(request, source, target) ? source : null;
  reportUnknownMembers(source, patched && "openai-responses", losses);
  return {
    method: "POST",
    path: "/responses",
    headers: { accept: stream ? "text/event-stream" : "application/json" },
    body: patched ? patchResponsesRequest(patched, target.model) : buildResponses(request, stream, target, losses),
    losses: losses.losses,
    memory: { target, stream, dialect: "openai-responses", providerData: request.include.includes("provider_data") },
  };
}

/**
 * OpenAI's own servers take no reasoning back in chat, and the proofs beside it may be another provider's: such a
 * conversation is built anew, without them. Other servers may be the ones that gave it, and get it back as it came.
 */
function canBePatched({ messages }: ChatRequest, { wire }: Target): boolean {
  if (wire !== "exact") return true;
  return !messages.some(({ parts }) => parts.some(({ kind, proof }) => kind.case === "reasoning" || proof));
}

function patch({ request, stream }: ChatCall, source: SourceBody, { model }: Target): Buffer {
  const extra = optionMembers(request, "openai", (name) => source.members.has(name));
  return patchChatRequest(source, { model, stream, extra });
}

function build(request: ChatRequest, stream: boolean, target: Target, losses: LossReport): string {
  const quirks = target.wire === "exact" ? exact : compatible;
  const body = encodeChatRequest(request, { model: target.model, stream }, quirks, losses);
  dropRefused(body, request, target, losses);
  // Models that reason are the ones that know only the newer name, on every server that has them.
  if (rulesOf(target.facts).reasons && body.max_tokens !== undefined) {
    body.max_completion_tokens = body.max_tokens;
    delete body.max_tokens;
  }
  return toJsonText(body);
}
