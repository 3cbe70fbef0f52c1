import { type Finished, FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import type { JsonMembers } from "../json-text.ts";

/** How a message ends, in Anthropic's words. @param refused whether the answer holds words with which the model declined */
export function encodeStop(end: Omit<Finished, "$typeName">, refused: boolean): JsonMembers {
  const reason = stopReason(end, refused);
  return {
    stop_reason: reason,
    stop_sequence: end.stopSequence ?? null,
    stop_details: reason === "refusal" ? refusalDetails(end) : null,
  };
}

function stopReason({ reason, native, stopSequence }: Omit<Finished, "$typeName">, refused: boolean): string {
  if (ownReasons.has(native)) return native;
  switch (reason) {
    case FinishReason.LENGTH:
      return "max_tokens";
    case FinishReason.TOOL_CALLS:
      return "tool_use";
    case FinishReason.CONTENT_FILTER:
    case FinishReason.REFUSAL:
      return "refusal";
    case FinishReason.PAUSE:
      return "pause_turn";
    default:
      if (refused) return "refusal";
      return stopSequence === undefined ? "end_turn" : "stop_sequence";
  }
}

const ownReasons = new Set([
  ...["end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "compaction"],
  "model_context_window_exceeded",
]);

function refusalDetails({ message, safetyRatings }: Omit<Finished, "$typeName">): JsonMembers {
  const category = safetyRatings.find((rating) => ownCategories.has(rating.category))?.category ?? null;
  return { type: "refusal", category, explanation: message || null };
}

const ownCategories = new Set(["cyber", "bio", "frontier_llm", "reasoning_extraction", "general_harms"]);
