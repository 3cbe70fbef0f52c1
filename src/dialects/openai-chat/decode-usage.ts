import { create } from "@bufbuild/protobuf";
import {
  type ModalityTokens,
  ModalityTokensSchema,
  type Usage,
  UsageSchema,
} from "../../../gen/trunkline/v1/usage_pb.ts";
import { countOf, type Fields, fieldsOf } from "./wire.ts";

/**
 * Token counts of a chat completion. `prompt_tokens` already holds the cached ones and `completion_tokens` the
 * reasoning. DeepSeek's `prompt_cache_hit_tokens` is read where the details are missing.
 */
export function decodeUsage(usage: Fields): Usage {
  const input = fieldsOf(usage, "prompt_tokens_details");
  const output = fieldsOf(usage, "completion_tokens_details");
  const counts = {
    inputTokens: countOf(usage, "prompt_tokens"),
    outputTokens: countOf(usage, "completion_tokens"),
    totalTokens: countOf(usage, "total_tokens"),
    cacheReadTokens: countOf(input, "cached_tokens") ?? countOf(usage, "prompt_cache_hit_tokens"),
    cacheWriteTokens: countOf(input, "cache_write_tokens"),
    reasoningTokens: countOf(output, "reasoning_tokens"),
    acceptedPredictionTokens: countOf(output, "accepted_prediction_tokens"),
    rejectedPredictionTokens: countOf(output, "rejected_prediction_tokens"),
  };
  const decoded = create(UsageSchema, { byModality: [...byModality("input", input), ...byModality("output", output)] });
  return Object.assign(decoded, known(counts));
}

/** Only what the provider counted: an absent count is unknown, not zero. */
function known(counts: Readonly<Record<string, number | undefined>>): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const name in counts) {
    const count = counts[name];
    if (count !== undefined) found[name] = count;
  }
  return found;
}

function byModality(direction: string, details: Fields): ModalityTokens[] {
  return ["audio", "image", "text"].flatMap((modality) => {
    const tokens = countOf(details, `${modality}_tokens`);
    return tokens === undefined ? [] : [create(ModalityTokensSchema, { direction, modality, tokens })];
  });
}
