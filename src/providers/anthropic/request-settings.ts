import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { JsonMembers } from "../../dialects/json-text.ts";
import { type Draft, type SettingsDraft, unsupported } from "./draft.ts";

/** Answer bound that a model of unknown limits gets: the smallest of any Claude. Tokens. */
const fallbackMaxTokens = 4096;

/** `max_tokens`, which the provider demands: the caller's, else the model's limit. 0 only warms the cache. */
export function toMaxTokens({ request, rules, losses }: SettingsDraft): number {
  const wanted = request.maxOutputTokens;
  const limit = rules.maxOutputTokens;
  if (wanted === undefined) return limit ?? fallbackMaxTokens;
  if (limit === null || wanted <= limit) return wanted;
  losses.approximate("max_output_tokens", `lowered to ${limit}, the model's limit.`);
  return limit;
}

/** temperature, top_p and top_k, as far as the model takes them. @param thinking whether the model will think */
export function toSampling(draft: SettingsDraft, thinking: boolean): JsonMembers {
  if (!draft.rules.sampling) return fixedSampling(draft);
  const { request, losses } = draft;
  const sampling: JsonMembers = {};
  const { temperature, topP, topK } = request;
  if (temperature !== undefined) {
    if (thinking && temperature !== 1) losses.drop("temperature", "this provider reasons at temperature 1 only.");
    else sampling.temperature = Math.min(temperature, 1);
    if (!thinking && temperature > 1) losses.approximate("temperature", "lowered to 1, this provider's highest.");
  }
  if (topP !== undefined) {
    if (thinking && topP < 0.95) losses.drop("top_p", "this provider reasons with top_p from 0.95 to 1 only.");
    else if (sampling.temperature === undefined) sampling.top_p = topP;
    // 1 draws from everything, which is what leaving it out means.
    else if (topP !== 1)
      losses.drop("top_p", "this provider takes temperature or top_p, not both; temperature was kept.");
  }
  if (topK !== undefined) {
    if (thinking) losses.drop("top_k", "this provider does not take it while reasoning.");
    else sampling.top_k = topK;
  }
  return sampling;
}

/** Models after Opus 4.6 answer 400 to any choice but these. */
function fixedSampling({ request, losses }: SettingsDraft): JsonMembers {
  const { temperature, topP, topK } = request;
  const reason = "this model chooses its sampling itself.";
  if (temperature !== undefined && temperature !== 1) losses.drop("temperature", reason);
  if (topK !== undefined) losses.drop("top_k", reason);
  if (topP === undefined) return {};
  if (topP >= 0.99) return { top_p: topP };
  losses.drop("top_p", reason);
  return {};
}

/** The remaining settings with a counterpart. */
export function toOptions({ request, losses }: Draft): JsonMembers {
  const options: JsonMembers = {};
  const stop = request.stop.filter((text) => text.trim() !== "");
  if (stop.length < request.stop.length) losses.drop("stop", "this provider refuses stop texts of white space only.");
  if (stop.length > 0) options.stop_sequences = stop;
  if (request.endUserId !== undefined) options.metadata = { user_id: request.endUserId };
  if (request.speed !== undefined) options.speed = request.speed;
  const tier = request.serviceTier;
  if (tier !== undefined) {
    const known = tiers.get(tier);
    if (known === undefined)
      losses.drop("service_tier", `'${tier}' is unknown to this provider; it has auto and default.`);
    else options.service_tier = known;
  }
  return options;
}

const tiers: ReadonlyMap<string, string> = new Map([
  ["auto", "auto"],
  ["priority", "auto"],
  ["default", "standard_only"],
  ["standard_only", "standard_only"],
]);

/**
 * Settings without a counterpart: those that only shade the answer are dropped and reported, those that change what
 * the caller gets back are refused under every policy.
 */
export function refuseOrDrop({ request, losses }: Draft): void {
  if ((request.choiceCount ?? 1) > 1) throw unsupported("choice_count", "must be 1: this provider gives one answer.");
  if (request.logprobs || request.topLogprobs !== undefined) {
    throw unsupported("logprobs", "are not given by this provider. Leave logprobs and top_logprobs out.");
  }
  const modality = request.output?.modalities.find((name) => name !== "text");
  if (modality !== undefined) throw unsupported("output.modalities", `holds '${modality}'. Allowed is text.`);
  if (request.output?.audio) throw unsupported("output.audio", "is not given by this provider.");
  if (request.output?.image) throw unsupported("output.image", "is not given by this provider.");
  for (const [field, isSet] of unsaid(request)) if (isSet) losses.drop(field, "this provider has no such setting.");
}

/** Fields that the provider lacks, and whether the caller set them to anything but what the provider does anyway. */
function unsaid(request: ChatRequest): readonly (readonly [string, boolean])[] {
  return [
    ["min_p", (request.minP ?? 0) !== 0],
    ["frequency_penalty", (request.frequencyPenalty ?? 0) !== 0],
    ["presence_penalty", (request.presencePenalty ?? 0) !== 0],
    ["repetition_penalty", (request.repetitionPenalty ?? 1) !== 1],
    ["seed", request.seed !== undefined],
    ["logit_bias", request.logitBias.length > 0],
    ["verbosity", request.verbosity !== undefined],
    ["max_tool_calls", request.maxToolCalls !== undefined],
    ["prediction", request.prediction !== undefined],
    ["moderation", request.moderation !== undefined],
    ["safety_settings", request.safetySettings.length > 0],
    ["media_resolution", request.mediaResolution !== undefined],
    ["metadata", Object.keys(request.metadata).length > 0],
    ["store", request.store === true],
    ["include", request.include.includes("prompt_logprobs")],
  ];
}
