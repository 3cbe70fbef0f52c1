import { create } from "@bufbuild/protobuf";
import { FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import { type SafetyRating, SafetyRatingSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import { type Fields, textOf } from "../openai-chat/wire.ts";

/** @param called whether the answer asks for a tool of the caller: Gemini says STOP then too */
export function toFinishReason(native: string, called: boolean): FinishReason {
  if (filtered.has(native)) return FinishReason.CONTENT_FILTER;
  switch (native) {
    case "MAX_TOKENS":
      return FinishReason.LENGTH;
    case "CONTINUATION":
      return FinishReason.PAUSE;
    case "STOP":
      return called ? FinishReason.TOOL_CALLS : FinishReason.STOP;
    default:
      // A reason newer than this code, which no caller may take for an error.
      return stopped.has(native) ? FinishReason.STOP : FinishReason.UNSPECIFIED;
  }
}

/** Whether the model failed to write what it meant: with nothing else said, that is no answer. */
export function isMalfunction(native: string): boolean {
  return malfunctions.has(native);
}

/** Whether a provider's word for an end is one that Google has for candidates. */
export function isFinishReason(native: string): boolean {
  return native === "MAX_TOKENS" || native === "CONTINUATION" || filtered.has(native) || stopped.has(native);
}

const filtered: ReadonlySet<string> = new Set([
  ...["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"],
  ...["IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"],
]);
const malfunctions: ReadonlySet<string> = new Set([
  ...["MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"],
]);
const stopped: ReadonlySet<string> = new Set(["OTHER", "NO_IMAGE", "IMAGE_OTHER", ...malfunctions]);

export function toSafetyRatings(ratings: readonly Fields[]): SafetyRating[] {
  return ratings.map((rating) => {
    const score = rating.probabilityScore;
    return create(SafetyRatingSchema, {
      category: textOf(rating, "category"),
      probability: textOf(rating, "probability"),
      severity: textOf(rating, "severity"),
      blocked: rating.blocked === true,
      ...(typeof score === "number" && { score }),
    });
  });
}
