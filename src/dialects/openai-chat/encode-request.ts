import type { ChatRequest, Reasoning, ResponseFormat } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import { invalidValue, jsonText, membersOf } from "../json-splice.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import { type ChatQuirks, toTtl } from "./encode-media.ts";
import { encodeMessages } from "./encode-messages.ts";
import { encodeToolChoice, encodeTools, encodeWebSearch } from "./encode-tools.ts";

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
  const body: JsonMembers = {
    model,
    messages: encodeMessages(request.messages, quirks, losses),
    // Usage is always asked for: it is what accounting rests on. The edge withholds it from who did not ask.
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
    ...encodeSampling(request, quirks, losses),
    ...encodeShape(request, quirks, losses),
    ...encodeService(request, quirks, losses),
  };
  return mergeOptions(body, request, quirks);
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
  const { tools, toolChoice, responseFormat, reasoning, output, prediction, webSearch } = request;
  const sent = encodeTools(tools, quirks, losses);
  if (request.maxToolCalls !== undefined) losses.drop("max_tool_calls", "is not taken by this provider.");
  if (request.mediaResolution !== undefined) losses.drop("media_resolution", "is not taken by this provider.");
  if (output?.image) losses.drop("output.image", "is not taken by this provider.");
  // Searching is a setting here and a tool elsewhere.
  const searchTool = tools.find(({ kind }) => kind.case === "webSearch");
  const search = webSearch ?? (searchTool?.kind.case === "webSearch" ? searchTool.kind.value.options : undefined);
  return {
    ...(sent.length > 0 && { tools: sent }),
    // Without tools both settings are refused, and they mean nothing; that tools were left out has been told.
    ...(sent.length > 0 && toolChoice && { tool_choice: encodeToolChoice(toolChoice, tools) }),
    ...(sent.length > 0 && { parallel_tool_calls: request.parallelToolCalls }),
    ...(responseFormat && { response_format: encodeFormat(responseFormat) }),
    reasoning_effort: encodeEffort(reasoning, losses),
    verbosity: request.verbosity,
    ...(output && output.modalities.length > 0 && { modalities: output.modalities }),
    ...(output?.audio && { audio: { format: output.audio.format, voice: output.audio.voice } }),
    ...(prediction && { prediction: { type: "content", content: prediction.parts.map(predicted) } }),
    ...(search && { web_search_options: encodeWebSearch(search, losses) }),
  };
}

function predicted(
  { kind }: { readonly kind: { readonly case: string | undefined; readonly value?: unknown } },
  i: number,
): JsonTree {
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

function encodeFormat({ kind }: ResponseFormat): JsonTree {
  switch (kind.case) {
    case "jsonObject":
      return { type: "json_object" };
    case "jsonSchema": {
      const { name, description, schema, strict } = kind.value;
      const field = "response_format.json_schema.schema";
      return {
        type: "json_schema",
        json_schema: {
          name: name || "answer",
          ...(description && { description }),
          schema: jsonText(schema, field),
          ...(strict !== undefined && { strict }),
        },
      };
    }
    case "grammar":
      throw invalidValue("response_format.grammar", "cannot be sent: this provider takes text, JSON or a JSON schema.");
    default:
      return { type: "text" };
  }
}

/** A budget has no place here; the effort nearest to it has (wire.md §17.3). */
function encodeEffort(reasoning: Reasoning | undefined, losses: LossReport): string | undefined {
  if (!reasoning) return undefined;
  if (reasoning.summary !== undefined) losses.drop("reasoning.summary", "is not taken by chat completions.");
  if (reasoning.includeText !== undefined) losses.drop("reasoning.include_text", "is not taken by chat completions.");
  const { effort, budgetTokens } = reasoning;
  if (effort !== undefined || budgetTokens === undefined) return effort;
  const nearest = budgetTokens < 0 ? undefined : effortOf(budgetTokens);
  losses.approximate("reasoning.budget_tokens", nearest ? `is sent as effort ${nearest}.` : "the provider decides.");
  return nearest;
}

function effortOf(budgetTokens: number): string {
  if (budgetTokens === 0) return "none";
  if (budgetTokens <= 1_024) return "minimal";
  if (budgetTokens <= 4_096) return "low";
  return budgetTokens <= 12_288 ? "medium" : "high";
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
