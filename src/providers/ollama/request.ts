import { customToolNames } from "../../dialects/custom-tools.ts";
import { type JsonMembers, toJsonText } from "../../dialects/json-text.ts";
import { mergeProviderOptions, type OptionRules } from "../../dialects/provider-options.ts";
import { reportUnknownMembers } from "../../dialects/unknown-members.ts";
import type { ChatCall } from "../../domain/chat.ts";
import type { Target } from "../../domain/target.ts";
import type { ProviderRequest } from "../provider.ts";
import { createDraft, type Draft } from "./draft.ts";
import { toMessages } from "./request-messages.ts";
import { refuseOrDrop, toFormat, toLogprobs, toRunOptions } from "./request-settings.ts";
import { toThink } from "./request-thinking.ts";
import { toTools } from "./request-tools.ts";

/**
 * A chat request as `/api/chat` takes it.
 * @throws GatewayError for settings that this provider cannot serve, before anything is sent
 * @see wire.md 8.1
 */
export function toRequest(call: ChatCall, target: Target): ProviderRequest {
  const draft = createDraft(call.request, target);
  reportUnknownMembers(call.source, null, draft.losses);
  refuseOrDrop(draft);
  return {
    method: "POST",
    path: "/api/chat",
    headers: { accept: call.stream ? "application/x-ndjson" : "application/json" },
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
  kind: "ollama",
  typed: new Set(["model", "messages", "tools", "stream", "format", "logprobs", "top_logprobs"]),
  shared: new Set(["options"]),
};

function toBody(draft: Draft, stream: boolean): JsonMembers {
  const { request, target } = draft;
  const tools = toTools(draft);
  const options = toRunOptions(draft);
  const body: JsonMembers = {
    model: target.model,
    messages: toMessages(draft),
    // Absent means true here.
    stream,
    ...(tools.length > 0 && { tools }),
    ...(Object.keys(options).length > 0 && { options }),
    format: toFormat(draft),
    think: toThink(draft),
    ...toLogprobs(request),
  };
  const merged = mergeProviderOptions(body, request, rules);
  // Otherwise a prompt beyond the server's context loses its oldest messages without a word.
  return "truncate" in merged ? merged : { ...merged, truncate: false };
}
