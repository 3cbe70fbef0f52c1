import type { ChatRequest, OutputOptions } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { JsonMembers } from "../json-text.ts";
import { type AnswerFormat, toAnswerFormat } from "./encode-format.ts";
import { toThinkingConfig } from "./encode-thinking.ts";
import type { Draft } from "./gemini-draft.ts";

/** Most stop sequences that the provider takes. */
const maxStops = 5;
const maxInt32 = 2_147_483_647n;

/** `generationConfig`, and the instruction by which a shape is asked for that cannot be enforced. */
export function toGenerationConfig(draft: Draft): { readonly config: JsonMembers; readonly format: AnswerFormat } {
  const { request } = draft;
  const format = toAnswerFormat(draft);
  const config: JsonMembers = {
    ...numbers(draft),
    ...(request.stop.length > 0 && { stopSequences: stops(draft) }),
    ...logprobs(draft),
    ...format.config,
    ...(request.output && toOutput(request.output, draft)),
    mediaResolution: request.mediaResolution === undefined ? undefined : resolution(request.mediaResolution),
    thinkingConfig: toThinkingConfig(draft),
  };
  return { config, format };
}

/** A resolution by its short word or by the provider's own. */
export function resolution(word: string): string {
  return word.startsWith("MEDIA_RESOLUTION_") ? word : `MEDIA_RESOLUTION_${word.toUpperCase()}`;
}

/** Numbers that are sent as they are, unless the model is known to refuse them. */
function numbers({ request, rules, losses }: Draft): JsonMembers {
  const given: readonly (readonly [field: string, member: string, value: number | undefined])[] = [
    ["temperature", "temperature", request.temperature],
    ["top_p", "topP", request.topP],
    ["top_k", "topK", request.topK],
    ["max_output_tokens", "maxOutputTokens", request.maxOutputTokens],
    ["frequency_penalty", "frequencyPenalty", request.frequencyPenalty],
    ["presence_penalty", "presencePenalty", request.presencePenalty],
    ["choice_count", "candidateCount", request.choiceCount],
  ];
  const sent: JsonMembers = {};
  for (const [field, member, value] of given) {
    if (value === undefined) continue;
    if (rules.refused.has(field)) losses.drop(field, "is not taken by this model.");
    else sent[member] = value;
  }
  const { seed } = request;
  if (seed === undefined) return sent;
  if (seed > maxInt32 || seed < -maxInt32 - 1n) losses.drop("seed", "this provider takes seeds of 32 bits only.");
  else sent.seed = Number(seed);
  return sent;
}

function stops({ request, losses }: Draft): string[] {
  if (request.stop.length > maxStops)
    losses.drop("stop", `this provider takes ${maxStops}; the first ${maxStops} were sent.`);
  return request.stop.slice(0, maxStops);
}

/** `top_logprobs` asks for both. */
function logprobs({ request, rules, losses }: Draft): JsonMembers {
  const wanted = request.logprobs ?? (request.topLogprobs !== undefined || undefined);
  if (wanted === undefined) return {};
  if (rules.refused.has("logprobs")) {
    if (wanted) losses.drop("logprobs", "is not taken by this model.");
    return {};
  }
  return { responseLogprobs: wanted, ...(wanted && request.topLogprobs && { logprobs: request.topLogprobs }) };
}

/** Kinds of output and their shape. Speech is PCM, whatever is asked for. */
function toOutput({ modalities, audio, image }: OutputOptions, { losses }: Draft): JsonMembers {
  if (audio && audio.format !== "" && !audio.format.startsWith("pcm")) {
    losses.drop("output.audio.format", "this provider speaks in PCM only.");
  }
  const size = image?.size ?? "";
  const isSize = /^(?:512|\d+K)$/.test(size);
  if (size !== "" && !isSize) losses.drop("output.image.size", "this provider's sizes are 1K, 2K and 4K.");
  if (image?.format) losses.drop("output.image.format", "this provider chooses it itself.");
  const voiceConfig = { prebuiltVoiceConfig: { voiceName: audio?.voice ?? "" } };
  const imageConfig = {
    ...(image?.aspectRatio && { aspectRatio: image.aspectRatio }),
    ...(isSize && { imageSize: size }),
  };
  return {
    ...(modalities.length > 0 && { responseModalities: modalities.map((name) => name.toUpperCase()) }),
    ...(audio?.voice && { speechConfig: { voiceConfig } }),
    ...(Object.keys(imageConfig).length > 0 && { imageConfig }),
  };
}

/** Settings that stand beside the configuration. */
export function toSettings(draft: Draft): JsonMembers {
  const { request, losses } = draft;
  const tier = tierOf(request, draft);
  const labels = toLabels(draft);
  const cached = request.cache?.cachedContent;
  for (const [field, isSet] of unsaid(request)) if (isSet) losses.drop(field, "this provider has no such setting.");
  return {
    ...(request.safetySettings.length > 0 && {
      safetySettings: request.safetySettings.map(({ category, threshold }) => ({ category, threshold })),
    }),
    ...(cached !== undefined && { cachedContent: cached.includes("/") ? cached : `cachedContents/${cached}` }),
    ...(tier !== undefined && { serviceTier: tier }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(request.store !== undefined && storeOf(request.store, draft)),
  };
}

/** There is no word for `auto`: it is what leaving the tier out means. */
function tierOf({ serviceTier }: ChatRequest, { losses }: Draft): string | undefined {
  if (serviceTier === undefined || serviceTier === "auto") return undefined;
  const known = tiers.get(serviceTier);
  if (known === undefined)
    losses.drop("service_tier", `'${serviceTier}' is unknown to this provider; it has flex, standard and priority.`);
  return known;
}

const tiers: ReadonlyMap<string, string> = new Map([
  ["default", "standard"],
  ["standard", "standard"],
  ["flex", "flex"],
  ["priority", "priority"],
]);

/** Google's labels: what does not fit their rules would have the whole request refused. */
function toLabels({ request, losses }: Draft): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(request.metadata)) {
    if (/^[a-z][a-z0-9_-]{0,62}$/.test(key) && /^[a-z0-9_-]{0,63}$/.test(value)) labels[key] = value;
    else losses.drop(`metadata.${key}`, "this provider's labels are of lower-case letters, digits, _ and -, up to 63.");
  }
  return labels;
}

/** The Developer API logs what it may store; Vertex has no such member, and stores nothing of the kind. */
function storeOf(store: boolean, { platform, losses }: Draft): JsonMembers {
  if (platform === "developer") return { store };
  if (store) losses.drop("store", "this provider has no such setting.");
  return {};
}

/** Fields that the provider lacks, and whether the caller set them to anything but what the provider does anyway. */
function unsaid(request: ChatRequest): readonly (readonly [string, boolean])[] {
  const { cache } = request;
  return [
    ["min_p", (request.minP ?? 0) !== 0],
    ["repetition_penalty", (request.repetitionPenalty ?? 1) !== 1],
    ["logit_bias", request.logitBias.length > 0],
    ["parallel_tool_calls", request.parallelToolCalls === false],
    ["max_tool_calls", request.maxToolCalls !== undefined],
    ["verbosity", request.verbosity !== undefined],
    ["speed", request.speed !== undefined],
    ["prediction", request.prediction !== undefined],
    ["moderation", request.moderation !== undefined],
    ["end_user_id", request.endUserId !== undefined],
    ["cache.key", cache?.key !== undefined],
    // Prefixes are cached by themselves; that is what `implicit` means.
    ["cache.mode", cache?.mode !== undefined && cache.mode !== "implicit"],
    ["cache.ttl", cache?.ttl !== undefined],
    ["include", request.include.includes("prompt_logprobs")],
  ];
}
