import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { Part } from "../../../gen/trunkline/v1/message_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import { invalidValue, jsonText, membersOf } from "../json-splice.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import { encodeConversation } from "./encode-conversation.ts";
import { encodeFormat } from "./encode-format.ts";
import { toTtl } from "./encode-media.ts";
import { encodeReasoning } from "./encode-reasoning.ts";
import { encodeToolChoice, encodeTools, offeredTools } from "./encode-tools.ts";
import { encodeWebSearch } from "./encode-web-search.ts";
import type { ChatQuirks } from "./quirks.ts";

/**
 * A request as the body of `POST /chat/completions`. What chat completions have no place for goes to the losses.
 * @param model the provider's name of the model
 * @throws GatewayError `invalid_value`, `unsupported_value` with the field's path in the contract
 */
export function encodeChatRequest(
  request: ChatRequest,
  { model, stream }: { readonly model: string; readonly stream: boolean },
  quirks: ChatQuirks,
  losses: LossReport,
): JsonMembers {
  return mergeOptions(encodeChatMembers(request, { model, stream }, quirks, losses), request, quirks);
}

/** The same without what the caller gave for this provider alone, which comes last and as it is. */
export function encodeChatMembers(
  request: ChatRequest,
  { model, stream }: { readonly model: string; readonly stream: boolean },
  quirks: ChatQuirks,
  losses: LossReport,
): JsonMembers {
  return {
    model,
    messages: encodeConversation(request, quirks, losses),
    // Usage is always asked for: it is what accounting rests on. The edge withholds it from who did not ask.
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
    ...encodeSampling(request, quirks, losses),
    ...encodeShape(request, quirks, losses),
    ...encodeService(request, quirks, losses),
  };
}

function encodeSampling(request: ChatRequest, quirks: ChatQuirks, losses: LossReport): JsonMembers {
  const { topK, minP, repetitionPenalty } = request;
  const extended = { top_k: topK, min_p: minP, repetition_penalty: repetitionPenalty };
  if (!quirks.extendedSampling) {
    for (const [name, value] of Object.entries(extended)) {
      if (value !== undefined) losses.drop(name, "is not taken by this provider.");
    }
  }
  const { logitBias, topLogprobs } = request;
  return {
    [quirks.maxTokensName]: request.maxOutputTokens,
    temperature: request.temperature,
    top_p: request.topP,
    ...(quirks.extendedSampling && extended),
    frequency_penalty: request.frequencyPenalty,
    presence_penalty: request.presencePenalty,
    seed: request.seed === undefined ? undefined : jsonText(String(request.seed), "seed"),
    ...(request.stop.length > 0 && { stop: request.stop }),
    n: request.choiceCount,
    ...(logitBias.length > 0 && {
      logit_bias: Object.fromEntries(logitBias.map(({ tokenId, bias }) => [String(tokenId), bias])),
    }),
    logprobs: topLogprobs === undefined ? request.logprobs : true,
    top_logprobs: topLogprobs,
  };
}

function encodeShape(request: ChatRequest, quirks: ChatQuirks, losses: LossReport): JsonMembers {
  const { tools, toolChoice, responseFormat, reasoning, output, prediction } = request;
  const sent = encodeTools(offeredTools(request, quirks), quirks, losses);
  if (request.maxToolCalls !== undefined) losses.drop("max_tool_calls", "is not taken by this provider.");
  if (request.mediaResolution !== undefined) losses.drop("media_resolution", "is not taken by this provider.");
  if (output?.image) losses.drop("output.image", "is not taken by this provider.");
  return {
    ...(sent.length > 0 && { tools: sent }),
    // Without tools both settings are refused, and they mean nothing; that tools were left out has been told.
    ...(sent.length > 0 && toolChoice && { tool_choice: encodeToolChoice(toolChoice, tools, quirks, losses) }),
    ...(sent.length > 0 && { parallel_tool_calls: request.parallelToolCalls }),
    ...(responseFormat && encodeFormat(responseFormat, quirks, losses)),
    ...encodeReasoning(reasoning, quirks, losses),
    verbosity: request.verbosity,
    ...(output && output.modalities.length > 0 && { modalities: output.modalities }),
    ...(output?.audio && { audio: { format: output.audio.format, voice: output.audio.voice } }),
    ...(prediction && { prediction: { type: "content", content: encodePrediction(prediction.parts, quirks) } }),
    ...encodeWebSearch(request, quirks, losses),
  };
}

/** A text alone is what all know. */
function encodePrediction(parts: readonly Part[], { basic }: ChatQuirks): JsonTree {
  const texts = parts.map(predicted);
  return basic ? texts.map(({ text }) => text).join("") : texts;
}

function predicted(
  { kind }: { readonly kind: { readonly case: string | undefined; readonly value?: unknown } },
  i: number,
): { readonly type: "text"; readonly text: string } {
  if (kind.case === "text" && typeof kind.value === "string") return { type: "text", text: kind.value };
  throw invalidValue(`prediction.parts[${i}]`, "must be text.");
}

function encodeService(request: ChatRequest, quirks: ChatQuirks, losses: LossReport): JsonMembers {
  const { cache, moderation, metadata, safetySettings } = request;
  if (safetySettings.length > 0) losses.drop("safety_settings", "is not taken by this provider.");
  if (cache?.cachedContent !== undefined) losses.drop("cache.cached_content", "is not taken by this provider.");
  const cacheOptions = { mode: cache?.mode, ttl: cache?.ttl === undefined ? undefined : toTtl(cache.ttl) };
  const hasOptions = cacheOptions.mode !== undefined || cacheOptions.ttl !== undefined;
  return {
    service_tier: request.serviceTier ?? tierOf(request.speed, losses),
    [quirks.endUserName]: request.endUserId,
    store: request.store,
    ...(Object.keys(metadata).length > 0 && { metadata }),
    prompt_cache_key: cache?.key,
    ...(hasOptions && { prompt_cache_options: cacheOptions }),
    ...(moderation && {
      moderation: {
        ...(moderation.model && { model: moderation.model }),
        policy: {
          ...(moderation.input && { input: { mode: moderation.input } }),
          ...(moderation.output && { output: { mode: moderation.output } }),
        },
      },
    }),
  };
}

function tierOf(speed: string | undefined, losses: LossReport): string | undefined {
  if (speed === undefined || speed === "fast") return speed;
  losses.drop("speed", "is not taken by this provider, but for 'fast'.");
  return undefined;
}

/** Members that a caller may not set beside the contract: they are what limits, guardrails and routing go by. */
const reserved = new Set([
  "model",
  "messages",
  "stream",
  "stream_options",
  "tools",
  "functions",
  "n",
  "prompt",
  "input",
]);

function mergeOptions(body: JsonMembers, request: ChatRequest, { kind }: ChatQuirks): JsonMembers {
  return { ...body, ...optionMembers(request, kind, (name) => body[name] !== undefined) };
}

/**
 * What only this provider knows: to be merged into its body last.
 * @param isSet whether the body has a member of this name already
 * @throws GatewayError `invalid_value` for a member set twice, or one that the contract has a field for
 */
export function optionMembers(request: ChatRequest, kind: string, isSet: (name: string) => boolean): JsonMembers {
  const text = request.providerOptions[kind];
  if (text === undefined) return {};
  const field = `provider_options.${kind}`;
  const members = membersOf(text, field);
  for (const name of Object.keys(members)) {
    if (reserved.has(name))
      throw invalidValue(`${field}.${name}`, "cannot be set here: the request has a field for it.");
    if (isSet(name)) {
      throw invalidValue(`${field}.${name}`, "is also set by a typed field of the request. Set it once.");
    }
  }
  return members;
}
