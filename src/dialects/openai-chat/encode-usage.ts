import type { Usage } from "../../../gen/trunkline/v1/usage_pb.ts";

/** `usage` of OpenAI's answers. */
export interface WireUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details?: Readonly<Record<string, number>>;
  readonly completion_tokens_details?: Readonly<Record<string, number>>;
}

/**
 * Usage in OpenAI's words; null when nothing is known. The three totals are not optional there: where some of them are
 * unknown, they are what follows from the others.
 */
export function encodeUsage(usage: Usage | undefined): WireUsage | null {
  if (usage === undefined) return null;
  const { inputTokens, outputTokens, totalTokens } = usage;
  if (inputTokens === undefined && outputTokens === undefined && totalTokens === undefined) return null;
  const prompt = inputTokens ?? Math.max((totalTokens ?? 0) - (outputTokens ?? 0), 0);
  const completion = outputTokens ?? Math.max((totalTokens ?? 0) - prompt, 0);
  const promptDetails = known({
    cached_tokens: usage.cacheReadTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    ...modalities(usage, "input"),
  });
  const completionDetails = known({
    reasoning_tokens: usage.reasoningTokens,
    accepted_prediction_tokens: usage.acceptedPredictionTokens,
    rejected_prediction_tokens: usage.rejectedPredictionTokens,
    ...modalities(usage, "output"),
  });
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: totalTokens ?? prompt + completion,
    ...(promptDetails && { prompt_tokens_details: promptDetails }),
    ...(completionDetails && { completion_tokens_details: completionDetails }),
  };
}

function modalities(usage: Usage, direction: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const count of usage.byModality) {
    if (count.direction === direction && ownModalities.has(count.modality)) {
      counts[`${count.modality}_tokens`] = count.tokens;
    }
  }
  return counts;
}

const ownModalities = new Set(["text", "audio", "image"]);

/** Only the counts that are known; null when none is. */
function known(counts: Record<string, number | undefined>): Record<string, number> | null {
  const entries = Object.entries(counts).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return entries.length === 0 ? null : Object.fromEntries(entries);
}
