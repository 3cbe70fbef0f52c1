import type {
  CacheOptions,
  ChatRequest,
  OutputOptions,
  Reasoning,
  ResponseFormat,
  RoutingOptions,
} from "../../gen/trunkline/v1/chat_pb.ts";
import type { Grammar, WebSearchOptions } from "../../gen/trunkline/v1/tool_pb.ts";
import {
  above,
  each,
  eachPair,
  hasBytes,
  hasChars,
  inRange,
  isBetween,
  isGiven,
  type Range,
  refuse,
  within,
} from "./bounds.ts";
import { jsonFault } from "./json-bounds.ts";

/** A provider's own word for something, such as `low` or `flex`. */
export const word: Range = [1, 64];
const penalty: Range = [-2, 2];
const share: Range = [0, 1];
/** A day. Seconds. */
export const cacheLifetime: Range = [0, 86_400];
/** 0 and more. */
const natural: Range = [0, Number.POSITIVE_INFINITY];
const positive: Range = [1, Number.POSITIVE_INFINITY];
export const maxDescriptionBytes = 65_536;
export const maxSchemaBytes = 1_048_576;

/** Bounds of everything about how the answer is drawn. */
export function checkSampling(request: ChatRequest): void {
  inRange("max_output_tokens", request.maxOutputTokens, natural);
  inRange("max_tool_calls", request.maxToolCalls, positive);
  each("stop", request.stop, [0, 16], (text) => {
    if (text === "") refuse("", "must not be empty.");
    hasBytes("", text, 256);
  });
  inRange("choice_count", request.choiceCount, [1, 128]);
  inRange("temperature", request.temperature, [0, 2]);
  inRange("top_p", request.topP, share);
  inRange("top_k", request.topK, natural);
  inRange("min_p", request.minP, share);
  inRange("frequency_penalty", request.frequencyPenalty, penalty);
  inRange("presence_penalty", request.presencePenalty, penalty);
  above("repetition_penalty", request.repetitionPenalty, [0, 10]);
  each("logit_bias", request.logitBias, [0, 1_024], ({ tokenId, bias }) => {
    inRange("token_id", tokenId, natural);
    inRange("bias", bias, [-100, 100]);
  });
  inRange("top_logprobs", request.topLogprobs, [0, 20]);
}

/** Bounds of the settings around the answer: shape, service, caching, routing, labels. */
export function checkService(request: ChatRequest): void {
  within("response_format", request.responseFormat, checkFormat);
  within("reasoning", request.reasoning, checkReasoning);
  hasChars("verbosity", request.verbosity, word);
  hasChars("service_tier", request.serviceTier, word);
  hasChars("speed", request.speed, word);
  within("output", request.output, checkOutput);
  within("cache", request.cache, checkCache);
  within("moderation", request.moderation, ({ model, input, output }) => {
    hasChars("model", model, [0, 256]);
    hasChars("input", input, word);
    hasChars("output", output, word);
  });
  each("safety_settings", request.safetySettings, [0, 64], ({ category, threshold }) => {
    hasChars("category", category, [1, 128]);
    hasChars("threshold", threshold, [1, 128]);
  });
  hasChars("media_resolution", request.mediaResolution, word);
  within("web_search", request.webSearch, checkWebSearch);
  eachPair("metadata", request.metadata, labelLimits, labelLimits.check);
  hasChars("end_user_id", request.endUserId, [1, 512]);
  within("routing", request.routing, checkRouting);
  eachPair("provider_options", request.providerOptions, optionLimits, optionLimits.check);
  each("include", request.include, [0, 16], (name) => hasChars("", name, word));
}

const labelLimits = { pairs: 16, keyChars: word, check: (value: string) => hasChars("", value, [0, 512]) };

/** Provider kind to the text of a JSON object. */
export const optionLimits = {
  pairs: 16,
  keyChars: word,
  check(value: string) {
    if (value.length < 2) refuse("", "must be the text of a JSON object.");
    hasBytes("", value, 65_536);
  },
};

/** Each value must be the text of a JSON object. */
export function checkProviderOptions(options: Readonly<Record<string, string>>): void {
  for (const [provider, json] of Object.entries(options)) isJson(`provider_options["${provider}"]`, json, "object");
}

/** Refuses what is no JSON text; an empty text is none at all. */
export function isJson(field: string, json: string | undefined, shape: "object" | "any"): void {
  if (json === undefined || json === "") return;
  const fault = jsonFault(json, shape);
  if (fault !== null) refuse(field, fault);
}

function checkFormat({ kind }: ResponseFormat): void {
  isGiven("kind", kind, "text, json_object, json_schema, grammar");
  switch (kind.case) {
    case "jsonSchema":
      return within("json_schema", kind.value, ({ name, description, schema }) => {
        hasChars("name", name, [0, 128]);
        hasBytes("description", description, maxDescriptionBytes);
        hasChars("schema", schema, [2, maxSchemaBytes]);
        hasBytes("schema", schema, maxSchemaBytes);
      });
    case "grammar":
      return within("grammar", kind.value, checkGrammar);
    default:
      return;
  }
}

export function checkGrammar({ syntax, definition }: Grammar): void {
  hasChars("syntax", syntax, word);
  if (definition === "") refuse("definition", "must not be empty.");
  hasBytes("definition", definition, 262_144);
}

function checkReasoning({ effort, budgetTokens, summary }: Reasoning): void {
  if (effort !== undefined && budgetTokens !== undefined) refuse("", "must have either effort or budget_tokens.");
  hasChars("effort", effort, word);
  inRange("budget_tokens", budgetTokens, [-1, Number.POSITIVE_INFINITY]);
  hasChars("summary", summary, word);
}

function checkOutput({ modalities, audio, image }: OutputOptions): void {
  each("modalities", modalities, [0, 8], (modality) => hasChars("", modality, word));
  within("audio", audio, ({ format, voice }) => {
    hasChars("format", format, [0, 64]);
    hasChars("voice", voice, [0, 256]);
  });
  within("image", image, ({ size, aspectRatio, format }) => {
    hasChars("size", size, [0, 64]);
    hasChars("aspect_ratio", aspectRatio, [0, 64]);
    hasChars("format", format, [0, 64]);
  });
}

function checkCache({ key, mode, ttl, cachedContent, gatewayCache }: CacheOptions): void {
  hasChars("key", key, [1, 512]);
  hasChars("mode", mode, word);
  isBetween("ttl", ttl, cacheLifetime);
  hasChars("cached_content", cachedContent, [1, 512]);
  hasChars("gateway_cache", gatewayCache, word);
}

function checkRouting({ sessionId, tags, maxCostNanoUsd, maxAttempts }: RoutingOptions): void {
  hasChars("session_id", sessionId, [1, 256]);
  eachPair("tags", tags, labelLimits, labelLimits.check);
  if (maxCostNanoUsd !== undefined && maxCostNanoUsd < 0n) {
    refuse("max_cost_nano_usd", `must be 0 or more, and is ${maxCostNanoUsd}.`);
  }
  inRange("max_attempts", maxAttempts, [1, 16]);
}

export function checkWebSearch(options: WebSearchOptions): void {
  each("allowed_domains", options.allowedDomains, [0, 100], () => {});
  each("blocked_domains", options.blockedDomains, [0, 100], () => {});
  within("user_location", options.userLocation, ({ city, region, country, timezone }) => {
    hasChars("city", city, [0, 256]);
    hasChars("region", region, [0, 256]);
    hasChars("country", country, [0, 16]);
    hasChars("timezone", timezone, [0, 64]);
  });
  hasChars("context_size", options.contextSize, word);
  inRange("max_uses", options.maxUses, positive);
}
