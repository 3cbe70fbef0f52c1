import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { Part } from "../../../gen/trunkline/v1/message_pb.ts";
import { toCitation } from "../../dialects/anthropic-messages/citations.ts";
import { patchMessagesRequest } from "../../dialects/anthropic-messages/patch-request.ts";
import { isAnthropic } from "../../dialects/anthropic-messages/proofs.ts";
import { membersOf } from "../../dialects/json-splice.ts";
import { type JsonMembers, toJsonText } from "../../dialects/json-text.ts";
import { reportUnknownMembers } from "../../dialects/unknown-members.ts";
import type { ChatCall, SourceBody } from "../../domain/chat.ts";
import type { Target } from "../../domain/target.ts";
import type { ProviderRequest } from "../provider.ts";
import { createDraft, type Draft } from "./draft.ts";
import { type AnswerFormat, toAnswerFormat } from "./request-format.ts";
import { toConversation } from "./request-messages.ts";
import { mergeOptions } from "./request-options.ts";
import { refuseOrDrop, toMaxTokens, toOptions, toSampling } from "./request-settings.ts";
import { type Thinking, toThinking } from "./request-thinking.ts";
import { customToolNames, toToolChoice, toTools, whileThinking } from "./request-tools.ts";

/**
 * A chat request as a Messages request. A caller who speaks Messages has its own body sent on, patched; what Anthropic
 * does not take then, it says itself. Every other request is built from the contract.
 * @throws GatewayError for settings that this provider cannot serve, before anything is sent
 * @see design 6, 15.1, 15.19; wire.md 4.1
 */
export function toRequest(call: ChatCall, target: Target): ProviderRequest {
  const draft = createDraft(call.request, target);
  const source = patchable(call.source, draft);
  if (source)
    return provide("/v1/messages", patchMessagesRequest(source, target.model), headersOf(call), draft, call.stream);
  reportUnknownMembers(call.source, null, draft.losses, optionNames(call.request));
  refuseOrDrop(draft);
  const { body, betas } = toBody(draft);
  const text = toJsonText(call.stream ? { ...body, stream: true } : body);
  return provide("/v1/messages", text, headersOf(call, betas), draft, call.stream);
}

/** The same prompt, to be counted: without the members that only an answer needs. */
export function toCountRequest(call: ChatCall, target: Target): ProviderRequest {
  const draft = createDraft(call.request, target);
  const path = "/v1/messages/count_tokens";
  const source = patchable(call.source, draft);
  if (source) return provide(path, patchMessagesRequest(source, target.model), headersOf(call), draft, false);
  const { body, betas } = toBody(draft);
  const counted = Object.fromEntries(Object.entries(body).filter(([name]) => countedMembers.has(name)));
  return provide(path, toJsonText(counted), headersOf(call, betas), draft, false);
}

const countedMembers = new Set([
  ...["model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control", "speed"],
  ...["context_management", "mcp_servers"],
]);

/** The caller's own body, where all that it holds may go to Anthropic as it stands; else null. */
function patchable(source: SourceBody | undefined, { request, names, callIds }: Draft): SourceBody | null {
  if (source?.dialect !== "anthropic-messages") return null;
  // Names and ids that the provider refuses are mapped, which takes a body of our own.
  if (names.back.size > 0 || callIds.back.size > 0) return null;
  return request.messages.every(({ parts }) => parts.every(isAcceptable)) ? source : null;
}

/** Whether the provider can have made a part: it refuses what others made, or put beside it. */
function isAcceptable({ kind, proof, annotations }: Part): boolean {
  if (proof && !isAnthropic(proof.issuer)) return false;
  if (annotations.some((annotation) => toCitation(annotation) === undefined)) return false;
  switch (kind.case) {
    case "reasoning":
      return proof !== undefined;
    case "hostedCall":
      return kind.value.id.startsWith("srvtoolu_");
    case "hostedResult":
      return kind.value.callId.startsWith("srvtoolu_");
    case "opaque":
      return kind.value.provider === "anthropic";
    default:
      return true;
  }
}

function optionNames({ providerOptions }: ChatRequest): ReadonlySet<string> {
  const text = providerOptions.anthropic;
  return new Set(text === undefined ? [] : Object.keys(membersOf(text, "provider_options.anthropic")));
}

/** The caller's own version and features, where it speaks Messages, and those that the translation needs. */
function headersOf({ source }: ChatCall, betas: readonly string[] = []): Readonly<Record<string, string>> {
  const { "anthropic-beta": asked, ...headers } = source?.headers ?? {};
  const features = new Set([...(asked === undefined ? [] : asked.split(",").map((name) => name.trim())), ...betas]);
  features.delete("");
  return features.size === 0 ? headers : { ...headers, "anthropic-beta": [...features].join(",") };
}

function provide(
  path: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string>>,
  draft: Draft,
  stream: boolean,
): ProviderRequest {
  const { target, names, losses } = draft;
  return {
    method: "POST",
    path,
    headers,
    body,
    losses: losses.losses,
    memory: {
      target,
      stream,
      toolNames: names.back,
      customTools: customToolNames(draft),
      providerData: draft.request.include.includes("provider_data"),
    },
  };
}

function toBody(draft: Draft): { readonly body: JsonMembers; readonly betas: readonly string[] } {
  const { request, target } = draft;
  // In the order of the prompt, because cache marks are counted in it: tools, system, messages.
  const tools = toTools(draft);
  const toolChoice = toToolChoice(draft, tools);
  const format = toAnswerFormat(draft);
  const { system, messages, turns } = toConversation(draft);
  const thinking = toThinking(draft, turns, toMaxTokens(draft));
  const instructions = withInstruction(system, format);
  const body: JsonMembers = {
    model: target.model,
    max_tokens: thinking.maxTokens,
    ...(instructions.length > 0 && { system: instructions }),
    messages,
    ...(tools.length > 0 && { tools, tool_choice: thinking.on ? whileThinking(toolChoice, draft) : toolChoice }),
    ...(thinking.thinking && { thinking: thinking.thinking }),
    ...outputConfig(thinking, format),
    ...toSampling(draft, thinking.on),
    ...toOptions(draft),
    ...draft.cache.apply(),
  };
  const merged = mergeOptions(body, draft);
  return { body: merged.body, betas: [...speedBetas(request), ...merged.betas] };
}

function withInstruction(system: readonly JsonMembers[], { instruction }: AnswerFormat): readonly JsonMembers[] {
  return instruction === undefined ? system : [...system, { type: "text", text: instruction }];
}

function outputConfig({ effort }: Thinking, { format }: AnswerFormat): JsonMembers {
  if (effort === undefined && format === undefined) return {};
  return { output_config: { ...(effort !== undefined && { effort }), ...(format !== undefined && { format }) } };
}

/** Some models take `speed` only with this header; the others ignore it. */
function speedBetas({ speed }: ChatRequest): readonly string[] {
  return speed === undefined ? [] : ["fast-mode-2026-02-01"];
}
