import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type JsonMembers, toJsonText } from "../../dialects/json-text.ts";
import { reportUnknownMembers } from "../../dialects/unknown-members.ts";
import type { ChatCall } from "../../domain/chat.ts";
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
 * A chat request as a Messages request.
 * @throws GatewayError for settings that this provider cannot serve, before anything is sent
 * @see design 6, wire.md 4.1
 */
export function toRequest(call: ChatCall, target: Target): ProviderRequest {
  const draft = createDraft(call.request, target);
  reportUnknownMembers(call.source, null, draft.losses);
  refuseOrDrop(draft);
  const { body, betas } = toBody(draft);
  return provide("/v1/messages", call.stream ? { ...body, stream: true } : body, betas, draft, call.stream);
}

/** The same prompt, to be counted: without the members that only an answer needs. */
export function toCountRequest(call: ChatCall, target: Target): ProviderRequest {
  const draft = createDraft(call.request, target);
  const { body, betas } = toBody(draft);
  const counted = Object.fromEntries(Object.entries(body).filter(([name]) => countedMembers.has(name)));
  return provide("/v1/messages/count_tokens", counted, betas, draft, false);
}

const countedMembers = new Set([
  ...["model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control", "speed"],
  ...["context_management", "mcp_servers"],
]);

function provide(
  path: string,
  body: JsonMembers,
  betas: readonly string[],
  draft: Draft,
  stream: boolean,
): ProviderRequest {
  const { target, names, losses } = draft;
  return {
    method: "POST",
    path,
    headers: betas.length > 0 ? { "anthropic-beta": betas.join(",") } : {},
    body: toJsonText(body),
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
