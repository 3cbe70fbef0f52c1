import type { ChatRequest, ModerationOptions, Reasoning, ResponseFormat } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import { invalidValue, jsonText } from "../json-splice.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import { toTtl } from "../openai-chat/encode-media.ts";
import { effortOf } from "../openai-chat/encode-reasoning.ts";
import type { ResponsesQuirks } from "./encode-content.ts";
import { encodeInput } from "./encode-input.ts";
import { mergeOptions } from "./encode-options.ts";
import { encodeToolChoice, encodeTools } from "./encode-tools.ts";

/**
 * A request as the body of `POST /responses`. What this API has no place for goes to the losses. Nothing is stored
 * unless the caller asks for it; reasoning comes back encrypted, so that it can be sent again without being stored.
 * @throws GatewayError `invalid_value`, `unsupported_value` with the field's path in the contract
 */
export function encodeResponsesRequest(
  request: ChatRequest,
  { model, stream }: { readonly model: string; readonly stream: boolean },
  quirks: ResponsesQuirks,
  losses: LossReport,
): JsonMembers {
  refuseOrDrop(request, losses);
  const body: JsonMembers = {
    model,
    input: encodeInput(request.messages, quirks, losses),
    ...(stream && { stream: true }),
    store: request.store ?? false,
    max_output_tokens: request.maxOutputTokens,
    temperature: request.temperature,
    top_p: request.topP,
    top_logprobs: request.topLogprobs,
    ...encodeShape(request, losses),
    ...encodeService(request, quirks, losses),
  };
  const include = encodeInclude(request, quirks);
  return mergeOptions({ ...body, ...(include.length > 0 && { include }) }, request, quirks.kind);
}

function encodeShape(request: ChatRequest, losses: LossReport): JsonMembers {
  const { toolChoice, responseFormat, verbosity } = request;
  const tools = encodeTools(request.tools, request.webSearch, losses);
  const reasoning = request.reasoning && encodeReasoningSettings(request.reasoning, losses);
  const format = responseFormat && encodeFormat(responseFormat);
  return {
    ...(tools.length > 0 && { tools }),
    // Without tools both settings are refused, and they mean nothing; that tools were left out has been told.
    ...(tools.length > 0 && toolChoice && { tool_choice: encodeToolChoice(toolChoice, request.tools) }),
    ...(tools.length > 0 && { parallel_tool_calls: request.parallelToolCalls }),
    max_tool_calls: request.maxToolCalls,
    ...(reasoning && Object.keys(reasoning).length > 0 && { reasoning }),
    ...((format || verbosity !== undefined) && {
      text: { ...(format && { format }), ...(verbosity !== undefined && { verbosity }) },
    }),
  };
}

function encodeService(request: ChatRequest, quirks: ResponsesQuirks, losses: LossReport): JsonMembers {
  const { cache, metadata, speed } = request;
  const isTier = speed === "fast" || speed === "ultrafast";
  if (speed !== undefined && (!isTier || request.serviceTier !== undefined)) {
    losses.drop("speed", "is a service tier here, fast or ultrafast, and gives way to service_tier.");
  }
  const cacheOptions = {
    ...(cache?.mode !== undefined && { mode: cache.mode }),
    ...(cache?.ttl && { ttl: toTtl(cache.ttl) }),
  };
  return {
    service_tier: request.serviceTier ?? (isTier ? speed : undefined),
    [quirks.endUserName]: request.endUserId,
    ...(Object.keys(metadata).length > 0 && { metadata }),
    prompt_cache_key: cache?.key,
    ...(Object.keys(cacheOptions).length > 0 && { prompt_cache_options: cacheOptions }),
    ...(request.moderation && { moderation: encodeModeration(request.moderation) }),
  };
}

function encodeModeration({ model, input, output }: ModerationOptions): JsonTree {
  return {
    model: model || "omni-moderation-latest",
    ...((input || output) && {
      policy: { ...(input && { input: { mode: input } }), ...(output && { output: { mode: output } }) },
    }),
  };
}

/** What of the answer comes only when asked for. */
function encodeInclude(request: ChatRequest, { sealedReasoning }: ResponsesQuirks): string[] {
  const offered = new Set(request.tools.map(({ kind }) => (kind.case === "hosted" ? kind.value.type : kind.case)));
  const searches = offered.has("webSearch") || request.webSearch !== undefined;
  const wants = (name: string) => request.include.includes(name);
  return [
    ...(sealedReasoning ? ["reasoning.encrypted_content"] : []),
    ...(request.logprobs || request.topLogprobs !== undefined ? ["message.output_text.logprobs"] : []),
    ...(wants("search_results") && searches ? ["web_search_call.action.sources"] : []),
    ...(wants("search_results") && offered.has("file_search") ? ["file_search_call.results"] : []),
    ...(wants("hosted_tool_output") && (offered.has("code_interpreter") || offered.has("code_execution"))
      ? ["code_interpreter_call.outputs"]
      : []),
  ];
}

function encodeFormat({ kind }: ResponseFormat): JsonTree {
  switch (kind.case) {
    case "jsonObject":
      return { type: "json_object" };
    case "jsonSchema": {
      const { name, description, schema, strict } = kind.value;
      return {
        type: "json_schema",
        name: name || "answer",
        ...(description && { description }),
        schema: jsonText(schema, "response_format.json_schema.schema"),
        ...(strict !== undefined && { strict }),
      };
    }
    case "grammar":
      throw invalidValue("response_format.grammar", "cannot be sent: this provider takes text, JSON or a JSON schema.");
    default:
      return { type: "text" };
  }
}

/** A budget has no place here; the effort nearest to it has (wire.md §17.3). What is shown of reasoning is a summary. */
function encodeReasoningSettings(reasoning: Reasoning, losses: LossReport): JsonMembers {
  const { effort, budgetTokens, summary, includeText } = reasoning;
  const settings: JsonMembers = {};
  if (effort !== undefined) settings.effort = effort;
  else if (budgetTokens !== undefined) {
    const nearest = budgetTokens < 0 ? undefined : effortOf(budgetTokens);
    losses.approximate("reasoning.budget_tokens", nearest ? `is sent as effort ${nearest}.` : "the provider decides.");
    if (nearest !== undefined) settings.effort = nearest;
  }
  if (summary !== undefined) {
    if (summary !== "none") settings.summary = summary;
    if (includeText === false) losses.drop("reasoning.include_text", "a summary was asked for, which is all there is.");
  } else if (includeText) {
    losses.approximate("reasoning.include_text", "is sent as a summary: this provider does not show the text itself.");
    settings.summary = "auto";
  }
  return settings;
}

/** Settings that change what the caller gets back are refused, those that only shade it are dropped and reported. */
function refuseOrDrop(request: ChatRequest, losses: LossReport): void {
  if ((request.choiceCount ?? 1) > 1) throw invalidValue("choice_count", "must be 1: this provider gives one answer.");
  const modality = request.output?.modalities.find((name) => name !== "text");
  if (modality !== undefined) {
    throw invalidValue("output.modalities", `must be text: '${modality}' is made by tools of this provider.`);
  }
  for (const [field, isSet] of unsaid(request)) if (isSet) losses.drop(field, "this provider has no such setting.");
}

/** Fields that this API lacks, and whether the caller set them to anything but what it does anyway. */
function unsaid(request: ChatRequest): readonly (readonly [string, boolean])[] {
  return [
    ["top_k", request.topK !== undefined],
    ["min_p", (request.minP ?? 0) !== 0],
    ["frequency_penalty", (request.frequencyPenalty ?? 0) !== 0],
    ["presence_penalty", (request.presencePenalty ?? 0) !== 0],
    ["repetition_penalty", (request.repetitionPenalty ?? 1) !== 1],
    ["seed", request.seed !== undefined],
    ["stop", request.stop.length > 0],
    ["logit_bias", request.logitBias.length > 0],
    ["prediction", request.prediction !== undefined],
    ["safety_settings", request.safetySettings.length > 0],
    ["media_resolution", request.mediaResolution !== undefined],
    ["output.audio", request.output?.audio !== undefined],
    ["output.image", request.output?.image !== undefined],
    ["cache.cached_content", request.cache?.cachedContent !== undefined],
    ["include", request.include.includes("prompt_logprobs")],
  ];
}
