import { encodeRequest } from "../../dialects/gemini/encode-request.ts";
import { createDraft } from "../../dialects/gemini/gemini-draft.ts";
import { toJsonText } from "../../dialects/json-text.ts";
import type { ChatCall } from "../../domain/chat.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import { anthropic } from "../anthropic/adapter.ts";
import { toRequest as toAnthropic, toCountRequest as toAnthropicCount } from "../anthropic/request.ts";
import { gemini } from "../gemini/adapter.ts";
import { toRequestOn } from "../gemini/request.ts";
import type { DecodeMemory, HttpReply, Provider, ProviderRequest } from "../provider.ts";
import { asAnthropic, isClaude, toCount, toRawPredict } from "./claude.ts";
import { fromEmbedResponse, toEmbedRequest } from "./embeddings.ts";

/** Vertex: Google's models by Gemini's format, Anthropic's by Messages. Base URL: `https://…/v1/projects/…/locations/…`. */
export const vertex: Provider = {
  kind: "vertex",
  toRequest: (call, target) =>
    isClaude(target.model)
      ? toRawPredict(toAnthropic(asAnthropic(call), target), target, call.stream)
      : toRequestOn(call, target, { platform: "vertex", pathOf }),
  fromResponse: (reply, memory) => publisherOf(memory).fromResponse(reply, memory),
  createDecoder: (memory) => publisherOf(memory).createDecoder(memory),
  takesProof: (issuer, call, target) =>
    (isClaude(target.model) ? anthropic : gemini).takesProof?.(issuer, call, target) ?? false,
  fromError,
  authHeaders,
  embeddings: { toRequest: toEmbedRequest, fromResponse: fromEmbedResponse },
  countTokens: { toRequest: toCountRequest, fromResponse: fromTokenCount },
};

function publisherOf({ target }: DecodeMemory): Provider {
  return isClaude(target.model) ? anthropic : gemini;
}

function pathOf({ model }: Target, method: string): string {
  return `/publishers/google/models/${encodeURIComponent(model)}:${method}`;
}

/** What stands in front of the models speaks Google's words whoever publishes them. */
function fromError(reply: HttpReply, memory: DecodeMemory) {
  const isAnthropics = isClaude(memory.target.model) && /"type"\s*:\s*"error"/.test(reply.body);
  return (isAnthropics ? anthropic : gemini).fromError(reply, memory);
}

/** A key of express mode, or an access token. */
function authHeaders(key: string): Readonly<Record<string, string>> {
  return /^(AIza|AQ\.)/.test(key) ? { "x-goog-api-key": key } : { authorization: `Bearer ${key}` };
}

function toCountRequest(call: ChatCall, target: Target): ProviderRequest {
  if (isClaude(target.model)) return toCount(toAnthropicCount(asAnthropic(call), target));
  const losses = new LossReport(false);
  return {
    method: "POST",
    path: pathOf(target, "countTokens"),
    headers: { accept: "application/json" },
    body: toJsonText(encodeRequest(createDraft(call.request, target, "vertex", losses))),
    losses: losses.losses,
    memory: { target, stream: false },
  };
}

function fromTokenCount(reply: HttpReply, memory: DecodeMemory) {
  const counting = publisherOf(memory).countTokens;
  if (!counting) throw new Error("Both publishers count tokens.");
  return counting.fromResponse(reply, memory);
}
