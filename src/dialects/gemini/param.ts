import { GatewayError } from "../../domain/errors.ts";
import type { Origins } from "./gemini-parsing.ts";
import type { ParsedGemini } from "./parse-request.ts";

/** An error with its field also in Google's words. */
export function withGeminiParam(error: GatewayError, { origins }: ParsedGemini): GatewayError {
  const { field, param } = error.detail;
  if (field === undefined || param !== undefined) return error;
  const detail = { ...error.detail, param: paramOf(field, origins) };
  return new GatewayError(error.code, error.message, detail, { cause: error.cause });
}

function paramOf(field: string, origins: Origins): string {
  const [whole, message, part] = /^messages\[(\d+)\](?:\.parts\[(\d+)\])?/.exec(field) ?? [];
  if (whole !== undefined) {
    const own = origins[Number(message)];
    const at = part === undefined ? own?.[0]?.replace(/\.parts\[\d+\]$/, "") : own?.[Number(part)];
    return at === undefined ? "contents" : at + inPart(field.slice(whole.length));
  }
  const renamed = settings.find(
    ([name]) => field === name || field.startsWith(`${name}.`) || field.startsWith(`${name}[`),
  );
  return renamed ? renamed[1] + field.slice(renamed[0].length) : field;
}

/** Settings by their names in the contract; longer names first. */
const settings: readonly (readonly [string, string])[] = [
  ["messages", "contents"],
  ["max_output_tokens", "generationConfig.maxOutputTokens"],
  ["temperature", "generationConfig.temperature"],
  ["top_p", "generationConfig.topP"],
  ["top_k", "generationConfig.topK"],
  ["frequency_penalty", "generationConfig.frequencyPenalty"],
  ["presence_penalty", "generationConfig.presencePenalty"],
  ["seed", "generationConfig.seed"],
  ["stop", "generationConfig.stopSequences"],
  ["choice_count", "generationConfig.candidateCount"],
  ["logprobs", "generationConfig.responseLogprobs"],
  ["top_logprobs", "generationConfig.logprobs"],
  ["response_format.json_schema.schema", "generationConfig.responseSchema"],
  ["response_format.json_schema", "generationConfig.responseSchema"],
  ["response_format", "generationConfig.responseMimeType"],
  ["reasoning.effort", "generationConfig.thinkingConfig.thinkingLevel"],
  ["reasoning.budget_tokens", "generationConfig.thinkingConfig.thinkingBudget"],
  ["reasoning.include_text", "generationConfig.thinkingConfig.includeThoughts"],
  ["reasoning", "generationConfig.thinkingConfig"],
  ["output.modalities", "generationConfig.responseModalities"],
  ["output.audio", "generationConfig.speechConfig"],
  ["output.image", "generationConfig.imageConfig"],
  ["output", "generationConfig"],
  ["media_resolution", "generationConfig.mediaResolution"],
  ["tool_choice.allowed.names", "toolConfig.functionCallingConfig.allowedFunctionNames"],
  ["tool_choice", "toolConfig.functionCallingConfig"],
  ["safety_settings", "safetySettings"],
  ["cache.cached_content", "cachedContent"],
  ["metadata", "labels"],
  ["service_tier", "serviceTier"],
  ["provider_options", "providerOptions"],
  ["fallback_models", "fallbackModels"],
];

/** Kinds of parts by their names in the contract. */
const kinds: readonly (readonly [RegExp, string])[] = [
  [/^\.tool_call\.arguments\b/, ".functionCall.args"],
  [/^\.tool_call\b/, ".functionCall"],
  [/^\.tool_result\.call_id\b/, ".functionResponse.id"],
  [/^\.tool_result\b/, ".functionResponse"],
  [/^\.(?:image|audio|video|file)\.media\.uri\b/, ".fileData.fileUri"],
  [/^\.(?:image|audio|video|file)\.media\.file_id\b/, ".fileData.fileUri"],
  [/^\.(?:image|audio|video|file)\.media\.media_type\b/, ".inlineData.mimeType"],
  [/^\.(?:image|audio|video|file)\.media\b/, ".inlineData"],
  [/^\.(?:image|audio|video|file|reasoning|hosted_call|hosted_result|opaque)\b/, ""],
  [/^\.proof\b/, ".thoughtSignature"],
];

function inPart(inner: string): string {
  const known = kinds.find(([pattern]) => pattern.test(inner));
  return known ? inner.replace(known[0], known[1]) : inner;
}
