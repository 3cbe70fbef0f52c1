import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import { jsonText } from "../../dialects/json-splice.ts";
import { type JsonMembers, type JsonTree, RawJson } from "../../dialects/json-text.ts";
import { dropSettings } from "../../dialects/unsaid-settings.ts";
import { type Draft, unsupported } from "./draft.ts";

/** The `options` member: what the runner of the model takes. */
export function toRunOptions({ request }: Draft): JsonMembers {
  const { maxOutputTokens, temperature, topK, topP, minP, seed, stop } = request;
  // The server reads 0 as no bound at all.
  if (maxOutputTokens === 0) throw unsupported("max_output_tokens", "must be 1 or more for this provider.");
  const options: JsonMembers = {
    num_predict: maxOutputTokens,
    temperature,
    top_k: topK,
    top_p: topP,
    min_p: minP,
    // Written as digits: a double would lose those beyond 2^53.
    seed: seed === undefined ? undefined : new RawJson(String(seed)),
    stop: stop.length > 0 ? stop : undefined,
    presence_penalty: request.presencePenalty,
    frequency_penalty: request.frequencyPenalty,
    repeat_penalty: request.repetitionPenalty,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** `format`: the word `json`, or the schema that the grammar of the answer is made from. */
export function toFormat({ request, losses }: Draft): JsonTree | undefined {
  const kind = request.responseFormat?.kind;
  switch (kind?.case) {
    case "jsonObject":
      return "json";
    case "jsonSchema":
      if (kind.value.description !== "") {
        losses.drop("response_format.json_schema.description", "this provider takes the schema alone.");
      }
      return jsonText(kind.value.schema, "response_format.json_schema.schema");
    case "grammar":
      throw unsupported("response_format.grammar", "is not taken. Allowed are text, json_object and json_schema.");
    default:
      return undefined;
  }
}

export function toLogprobs({ logprobs, topLogprobs }: ChatRequest): JsonMembers {
  if (!logprobs && topLogprobs === undefined) return {};
  return { logprobs: true, ...(topLogprobs !== undefined && { top_logprobs: topLogprobs }) };
}

/**
 * Settings without a counterpart: those that only shade the answer are dropped and reported, those that change what
 * the caller gets back are refused under every policy.
 */
export function refuseOrDrop({ request, losses }: Draft): void {
  if ((request.choiceCount ?? 1) > 1) throw unsupported("choice_count", "must be 1: this provider gives one answer.");
  const modality = request.output?.modalities.find((name) => name !== "text");
  if (modality !== undefined) throw unsupported("output.modalities", `holds '${modality}'. Allowed is text.`);
  if (request.output?.audio) throw unsupported("output.audio", "is not given by this provider.");
  if (request.output?.image) throw unsupported("output.image", "is not given by this provider.");
  dropSettings(request, unsaid, losses);
}

const unsaid = [
  ...([
    "logit_bias",
    "max_tool_calls",
    "parallel_tool_calls",
    "verbosity",
    "service_tier",
    "speed",
    "prediction",
  ] as const),
  ...(["moderation", "safety_settings", "media_resolution", "metadata", "end_user_id", "store", "web_search"] as const),
  ...(["cache.key", "cache.mode", "cache.ttl", "cache.cached_content"] as const),
];
