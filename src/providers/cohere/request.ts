import { customToolNames } from "../../dialects/custom-tools.ts";
import { type JsonMembers, toJsonText } from "../../dialects/json-text.ts";
import { mergeProviderOptions, type OptionRules } from "../../dialects/provider-options.ts";
import { reportUnknownMembers } from "../../dialects/unknown-members.ts";
import type { ChatCall } from "../../domain/chat.ts";
import type { Target } from "../../domain/target.ts";
import type { ProviderRequest } from "../provider.ts";
import { createDraft, type Draft } from "./draft.ts";
import { toConversation } from "./request-messages.ts";
import { refuseOrDrop, toFormat, toSampling } from "./request-settings.ts";
import { toThinking } from "./request-thinking.ts";
import { toTools } from "./request-tools.ts";

/**
 * A chat request as `/v2/chat` takes it.
 * @throws GatewayError for settings that this provider cannot serve, before anything is sent
 * @see wire.md 13
 */
export function toRequest(call: ChatCall, target: Target): ProviderRequest {
  const draft = createDraft(call.request, target);
  reportUnknownMembers(call.source, null, draft.losses);
  refuseOrDrop(draft);
  return {
    method: "POST",
    path: "/v2/chat",
    headers: { accept: call.stream ? "text/event-stream" : "application/json" },
    body: toJsonText(toBody(draft, call.stream)),
    losses: draft.losses.losses,
    memory: {
      target,
      stream: call.stream,
      customTools: customToolNames(call.request),
      providerData: call.request.include.includes("provider_data"),
    },
  };
}

const rules: OptionRules = {
  kind: "cohere",
  typed: new Set([
    ...["model", "messages", "stream", "tools", "tool_choice", "response_format", "max_tokens", "stop_sequences"],
    ...["temperature", "seed", "k", "p", "frequency_penalty", "presence_penalty", "logprobs"],
  ]),
  shared: new Set(["thinking", "citation_options"]),
};

function toBody(draft: Draft, stream: boolean): JsonMembers {
  const { messages, documents, cites } = toConversation(draft);
  const body: JsonMembers = {
    model: draft.target.model,
    messages,
    stream,
    ...toTools(draft),
    ...(documents.length > 0 && { documents }),
    ...(!cites && { citation_options: { mode: "OFF" } }),
    response_format: toFormat(draft),
    ...toSampling(draft),
    thinking: toThinking(draft),
  };
  return mergeProviderOptions(body, draft.request, rules);
}
