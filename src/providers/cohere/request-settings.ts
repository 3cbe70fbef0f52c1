import { jsonText } from "../../dialects/json-splice.ts";
import { type JsonMembers, type JsonTree, RawJson } from "../../dialects/json-text.ts";
import { dropSettings } from "../../dialects/unsaid-settings.ts";
import { type Draft, unsupported } from "./draft.ts";

const maxStops = 5;

/** What shapes the choice of tokens, within the bounds that the provider takes. */
export function toSampling(draft: Draft): JsonMembers {
  const { request, losses } = draft;
  const { stop, seed, logprobs, topLogprobs } = request;
  if (stop.length > maxStops) throw unsupported("stop", `holds ${stop.length} texts. Allowed are up to ${maxStops}.`);
  if (topLogprobs) losses.drop("top_logprobs", "this provider tells the chosen tokens only.");
  return {
    max_tokens: request.maxOutputTokens,
    stop_sequences: stop.length > 0 ? stop : undefined,
    temperature: within("temperature", request.temperature, 0, 1, draft),
    // 1 means everything; the provider's default is 0.75.
    p: within("top_p", request.topP, 0.01, 0.99, draft),
    k: within("top_k", request.topK, 0, 500, draft),
    frequency_penalty: within("frequency_penalty", request.frequencyPenalty, 0, 1, draft),
    presence_penalty: within("presence_penalty", request.presencePenalty, 0, 1, draft),
    // Written as digits: a double would lose those beyond 2^53.
    seed: seed === undefined ? undefined : new RawJson(String(seed)),
    logprobs: logprobs || topLogprobs !== undefined ? true : undefined,
  };
}

function within(field: string, value: number | undefined, least: number, most: number, { losses }: Draft) {
  if (value === undefined) return undefined;
  const kept = Math.min(Math.max(value, least), most);
  if (kept !== value) losses.approximate(field, `sent as ${kept}: this provider takes ${least} to ${most}.`);
  return kept;
}

/** One kind of JSON, with a schema or without. */
export function toFormat({ request, losses }: Draft): JsonTree | undefined {
  const kind = request.responseFormat?.kind;
  switch (kind?.case) {
    case "jsonObject":
      return { type: "json_object" };
    case "jsonSchema":
      if (kind.value.description !== "") {
        losses.drop("response_format.json_schema.description", "this provider takes the schema alone.");
      }
      return {
        type: "json_object",
        json_schema: jsonText(kind.value.schema, "response_format.json_schema.schema"),
      };
    case "grammar":
      throw unsupported("response_format.grammar", "is not taken. Allowed are text, json_object and json_schema.");
    default:
      return undefined;
  }
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
  ...(["min_p", "repetition_penalty", "logit_bias", "max_tool_calls", "parallel_tool_calls", "verbosity"] as const),
  ...(["service_tier", "speed", "prediction", "moderation", "safety_settings", "media_resolution"] as const),
  ...(["metadata", "end_user_id", "store", "web_search"] as const),
  ...(["cache.key", "cache.mode", "cache.ttl", "cache.cached_content"] as const),
];
