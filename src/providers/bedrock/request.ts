import { customToolNames } from "../../dialects/custom-tools.ts";
import { type JsonMembers, toJsonText } from "../../dialects/json-text.ts";
import { mergeProviderOptions, type OptionRules } from "../../dialects/provider-options.ts";
import { reportUnknownMembers } from "../../dialects/unknown-members.ts";
import type { ChatCall } from "../../domain/chat.ts";
import type { Target } from "../../domain/target.ts";
import { toMaxTokens, toSampling } from "../anthropic/request-settings.ts";
import { type Thinking, toThinking } from "../anthropic/request-thinking.ts";
import type { ProviderRequest } from "../provider.ts";
import { createDraft, type Draft } from "./draft.ts";
import { type Conversation, toConversation } from "./request-messages.ts";
import { refuseOrDrop, toAnswerFormat, toEffort, toPlainSampling, toService, toTopK } from "./request-settings.ts";
import { toToolConfig } from "./request-tools.ts";

/**
 * A chat request as Converse takes it: one body for every model, and what only some have in fields of their own.
 * @throws GatewayError for settings that this provider cannot serve, before anything is sent
 * @see wire.md 14; the service model of botocore 1.44
 */
export function toRequest(call: ChatCall, target: Target): ProviderRequest {
  const draft = createDraft(call.request, target);
  reportUnknownMembers(call.source, null, draft.losses);
  refuseOrDrop(draft);
  return {
    method: "POST",
    path: `/model/${encodeURIComponent(target.model)}/${call.stream ? "converse-stream" : "converse"}`,
    headers: { accept: call.stream ? "application/vnd.amazon.eventstream" : "application/json" },
    body: toJsonText(toBody(draft)),
    losses: draft.losses.losses,
    memory: {
      target,
      stream: call.stream,
      toolNames: draft.toolNames.back,
      customTools: customToolNames(call.request),
      providerData: call.request.include.includes("provider_data"),
    },
  };
}

const rules: OptionRules = {
  kind: "bedrock",
  typed: new Set(["modelId", "messages", "system", "toolConfig", "inferenceConfig", "requestMetadata", "serviceTier"]),
  shared: new Set(["additionalModelRequestFields", "outputConfig", "performanceConfig"]),
};

function toBody(draft: Draft): JsonMembers {
  const { request } = draft;
  const format = toAnswerFormat(draft);
  const isClaude = draft.rules.vendor === "anthropic";
  // Cache points are counted in the order of the prompt: tools, system, messages.
  const toolConfig = toToolConfig(draft);
  const conversation = toConversation(draft);
  const { inference, fields } = isClaude ? claudeSettings(draft, conversation) : plainSettings(draft);
  const { system, messages } = conversation;
  const instructions = format.instruction === undefined ? system : [...system, { text: format.instruction }];
  const body: JsonMembers = {
    messages,
    ...(instructions.length > 0 && { system: instructions }),
    ...(Object.keys(inference).length > 0 && { inferenceConfig: inference }),
    ...(toolConfig && { toolConfig }),
    ...(Object.keys(fields).length > 0 && { additionalModelRequestFields: fields }),
    ...(format.textFormat && { outputConfig: { textFormat: format.textFormat } }),
    ...toService(draft),
  };
  return mergeProviderOptions(body, request, rules);
}

interface Settings {
  /** `inferenceConfig`, alike for all models. */
  readonly inference: JsonMembers;
  /** `additionalModelRequestFields`, the model's own. */
  readonly fields: JsonMembers;
}

function claudeSettings(draft: Draft, { turns }: Conversation): Settings {
  const { request, losses } = draft;
  const settings = { request, losses, rules: draft.rules.claude };
  const thinking = toThinking(settings, turns.map(asMessages), toMaxTokens(settings));
  const { top_k, ...sampling } = toSampling(settings, thinking.on);
  return {
    inference: inferenceOf(draft, sampling, maxTokensOf(draft, thinking)),
    fields: {
      ...(top_k !== undefined && { top_k }),
      ...(thinking.thinking && { thinking: thinking.thinking }),
      ...(thinking.effort !== undefined && { output_config: { effort: thinking.effort } }),
    },
  };
}

/** Unset, the platform takes the model's own limit; a budget needs to be told what it is a part of. */
function maxTokensOf({ request }: Draft, { thinking, maxTokens }: Thinking): number | undefined {
  return request.maxOutputTokens !== undefined || thinking?.type === "enabled" ? maxTokens : undefined;
}

/** What tells whether a running tool loop began with reasoning, in the words of Messages. */
function asMessages({ blocks, results }: Conversation["turns"][number]) {
  return { blocks: blocks.map((block) => ({ type: "reasoningContent" in block ? "thinking" : "other" })), results };
}

function plainSettings(draft: Draft): Settings {
  const { request } = draft;
  return {
    inference: inferenceOf(draft, toPlainSampling(draft), request.maxOutputTokens),
    fields: { ...toTopK(draft), ...toEffort(draft) },
  };
}

function inferenceOf({ request, losses }: Draft, { temperature, top_p }: JsonMembers, maxTokens?: number): JsonMembers {
  const stop = request.stop.filter((text) => text.trim() !== "");
  if (stop.length < request.stop.length) losses.drop("stop", "this provider refuses stop texts of white space only.");
  return {
    ...(maxTokens !== undefined && { maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(top_p !== undefined && { topP: top_p }),
    ...(stop.length > 0 && { stopSequences: stop }),
  };
}
