import { type ChatRequest, LossPolicy } from "../../gen/trunkline/v1/chat_pb.ts";
import { reportUnknownMembers } from "../dialects/unknown-members.ts";
import type { ChatCall, Dialect, SourceBody } from "../domain/chat.ts";
import { LossReport } from "../domain/loss.ts";
import type { RefusableField } from "../domain/refusable.ts";
import type { Target } from "../domain/target.ts";
import type { ProviderRequest } from "./provider.ts";

/**
 * A request for a target without the settings that its model is known to refuse, where the facts say that those are left
 * out (`dropRefused`). Done before any adapter sees the request, so that it holds for every provider and also where the
 * caller's own body is sent on.
 * @param translate the adapter's part
 * @returns what the adapter made, with the settings that were left out among its losses
 * @throws GatewayError `unsupported_parameter` under the REFUSE policy, and whatever the adapter throws
 */
export function withoutRefused(
  call: ChatCall,
  target: Target,
  translate: (call: ChatCall, target: Target) => ProviderRequest,
): ProviderRequest {
  const { dropRefused, parametersRefused = [] } = target.facts;
  const dropped = dropRefused ? parametersRefused.filter((field) => isSet(call.request, field)) : [];
  if (dropped.length === 0) return translate(call, target);
  const losses = new LossReport(call.request.lossPolicy === LossPolicy.REFUSE);
  for (const field of dropped)
    losses.drop(field, `is not taken by ${target.model}, as its entry in the catalogue says.`);
  const request = { ...call.request, ...blankOf(dropped) };
  const source = call.source && withoutMembers(call.source, dropped, losses);
  const made = translate({ ...call, request, source }, target);
  return { ...made, losses: [...losses.losses, ...made.losses] };
}

/** The request's own name of each field. */
const keys: Readonly<Record<string, keyof ChatRequest>> = {
  temperature: "temperature",
  top_p: "topP",
  top_k: "topK",
  min_p: "minP",
  frequency_penalty: "frequencyPenalty",
  presence_penalty: "presencePenalty",
  repetition_penalty: "repetitionPenalty",
  seed: "seed",
  logit_bias: "logitBias",
  logprobs: "logprobs",
  top_logprobs: "topLogprobs",
  stop: "stop",
  choice_count: "choiceCount",
  parallel_tool_calls: "parallelToolCalls",
  max_tool_calls: "maxToolCalls",
  verbosity: "verbosity",
  service_tier: "serviceTier",
  speed: "speed",
  media_resolution: "mediaResolution",
  store: "store",
} satisfies Record<RefusableField, keyof ChatRequest>;

function isSet(request: ChatRequest, field: string): boolean {
  const key = keys[field];
  const value = key && request[key];
  return Array.isArray(value) ? value.length > 0 : value !== undefined;
}

function blankOf(fields: readonly string[]): Partial<ChatRequest> {
  const blanks = fields.map((field) => [keys[field], field === "stop" || field === "logit_bias" ? [] : undefined]);
  return Object.fromEntries(blanks);
}

/** Names of members, where a dialect that adapters patch has another one than the contract. */
const memberNames: Readonly<Partial<Record<Dialect, Readonly<Record<string, string>>>>> = {
  "openai-chat": { choice_count: "n" },
  "anthropic-messages": { stop: "stop_sequences" },
};

/** Members that are not listed are not sent on. A body in which a setting lies deeper cannot be sent on at all. */
function withoutMembers(source: SourceBody, fields: readonly string[], losses: LossReport): SourceBody | undefined {
  const names = memberNames[source.dialect];
  const members = new Map(source.members);
  if (names && fields.every((field) => members.delete(names[field] ?? field))) return { ...source, members };
  reportUnknownMembers(source, null, losses);
  return undefined;
}
