import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { type JsonMembers, RawJson, toJsonText } from "../../dialects/json-text.ts";
import { encodeConversation } from "../../dialects/openai-chat/encode-conversation.ts";
import { encodeFormat } from "../../dialects/openai-chat/encode-format.ts";
import { encodeReasoning } from "../../dialects/openai-chat/encode-reasoning.ts";
import { encodeChatMembers, optionMembers } from "../../dialects/openai-chat/encode-request.ts";
import { gatewayMembers } from "../../dialects/openai-chat/gateway-members.ts";
import { applyMemberRules } from "../../dialects/openai-chat/member-rules.ts";
import { fitsAsItCame, reasoningFits, reasoningMembers } from "../../dialects/openai-chat/own-messages.ts";
import type { ChatQuirks } from "../../dialects/openai-chat/quirks.ts";
import { reportUnknownMembers } from "../../dialects/unknown-members.ts";
import { textAt } from "../../dialects/utf8.ts";
import type { ChatCall, SourceBody } from "../../domain/chat.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import type { ProviderRequest } from "../provider.ts";
import { type ChatServer, refusedBy } from "./server.ts";

/**
 * A caller who speaks chat completions has its own members sent on as they were written, unknown ones too; only what
 * the server's table names is changed. Every other request is built from the contract.
 */
export function toRequest(call: ChatCall, target: Target, server: ChatServer): ProviderRequest {
  const { request, stream, source } = call;
  const losses = new LossReport(request.lossPolicy === LossPolicy.REFUSE);
  const quirks = server.quirks(target, request);
  const model = server.modelName?.(target) ?? target.model;
  const own = source?.dialect === "openai-chat" ? source : null;
  const members = own ? ownMembers(call, own, model, quirks, losses) : null;
  if (!own) reportUnknownMembers(source, null, losses);
  const body = applyMemberRules(
    members ?? encodeChatMembers(request, { model, stream }, quirks, losses),
    { ...server.members(target, request), ...(server.refused ?? refusedBy)(target, request) },
    { request, losses, own: own !== null },
  );
  const options = optionMembers(request, server.kind, (name) => body[name] !== undefined);
  const defaults = own ? {} : server.defaults?.(target, request);
  return {
    method: "POST",
    path: isBeta(call) ? (server.betaPath ?? "/chat/completions") : "/chat/completions",
    headers: { accept: stream ? "text/event-stream" : "application/json" },
    body: toJsonText({ ...server.always, ...defaults, ...body, ...options }),
    losses: losses.losses,
    memory: { target, stream, providerData: request.include.includes("provider_data") },
  };
}

/** The caller's own members, by the rules of patching; conversation, format and effort anew where they do not fit. */
function ownMembers(
  { request, stream }: ChatCall,
  { bytes, members, unknown }: SourceBody,
  model: string,
  quirks: ChatQuirks,
  losses: LossReport,
): JsonMembers {
  const own: JsonMembers = {};
  for (const [name, span] of members) {
    if (!gatewayMembers.has(name)) own[name] = new RawJson(textAt(bytes, span));
  }
  own.model = model;
  if (!fitsAsItCame(request, own.messages, quirks)) {
    own.messages = encodeConversation(request, quirks, losses);
    // The others are still in the caller's own members.
    for (const name of unknown) if (name.startsWith("messages[")) losses.drop(name, "is not a field of this provider.");
  }
  if (quirks.jsonSchema && request.responseFormat)
    Object.assign(own, encodeFormat(request.responseFormat, quirks, losses));
  if (!reasoningFits(own, request, quirks)) {
    for (const name of reasoningMembers) delete own[name];
    Object.assign(own, encodeReasoning(request.reasoning, quirks, losses));
  }
  if (stream) own.stream_options = withUsage(own.stream_options);
  return own;
}

/** Usage is always asked for; the edge withholds it from who did not ask. */
function withUsage(options: JsonMembers[string]): JsonMembers {
  const given = options instanceof RawJson ? JSON.parse(options.text) : null;
  return { ...given, include_usage: true };
}

/** What DeepSeek does in its beta only: go on from a beginning, and hold tools to their schemas. */
function isBeta({ request: { messages, tools } }: ChatCall): boolean {
  const last = messages.at(-1);
  const begun = last?.role === Role.ASSISTANT && !last.parts.some(({ kind }) => kind.case === "toolCall");
  return begun || tools.some(({ kind }) => kind.case === "function" && kind.value.strict === true);
}
