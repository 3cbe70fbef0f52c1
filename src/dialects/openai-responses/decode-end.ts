import { FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import type { Frame } from "../../domain/chat.ts";
import { decodeModeration } from "../openai-chat/decode-moderation.ts";
import { type Fields, fieldsOf } from "../openai-chat/wire.ts";

const reasons: ReadonlyMap<string, FinishReason> = new Map([
  ["completed", FinishReason.STOP],
  // Servers that leave the status out have answered in full.
  ["", FinishReason.STOP],
  ["max_output_tokens", FinishReason.LENGTH],
  ["content_filter", FinishReason.CONTENT_FILTER],
]);

/** @param native the reason why it is incomplete, else the status */
export function finishReasonOf(native: string): FinishReason {
  return reasons.get(native) ?? FinishReason.UNSPECIFIED;
}

/** Each side is one result, or an error; chat completions have a list of results in its place. */
export function decodeResponseModeration(moderation: Fields): Frame[] {
  const sides = ["input", "output"].flatMap((direction) => {
    const side = fieldsOf(moderation, direction);
    if (Object.keys(side).length === 0) return [];
    return [[direction, side.type === "error" ? side : { results: [side] }] as const];
  });
  return decodeModeration(Object.fromEntries(sides));
}

/** Members that become frames, and those that repeat what was asked. */
const known: ReadonlySet<string> = new Set([
  ...["id", "object", "created_at", "model", "output", "output_text", "status", "error", "incomplete_details", "usage"],
  ...["service_tier", "moderation", "background", "instructions", "max_output_tokens", "max_tool_calls", "metadata"],
  ...["parallel_tool_calls", "previous_response_id", "prompt_cache_key", "prompt_cache_options", "reasoning", "store"],
  ...["prompt_cache_retention", "safety_identifier", "temperature", "text", "tool_choice", "tools", "top_logprobs"],
  ...["top_p", "truncation", "user"],
]);

/** JSON text of an object with the other members; null when there are none. */
export function unmappedOf(response: Fields): string | null {
  const others = Object.entries(response).filter(([name, value]) => value !== null && !known.has(name));
  return others.length === 0 ? null : JSON.stringify(Object.fromEntries(others));
}
