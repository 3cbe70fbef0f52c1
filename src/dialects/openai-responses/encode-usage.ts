import type { Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import type { JsonMembers } from "../json-text.ts";
import { encodeUsage } from "../openai-chat/encode-usage.ts";

/** Usage in the words of Responses; null when nothing is known. Its details are not optional: unknown counts are 0. */
export function encodeResponsesUsage(usage: Usage | undefined): JsonMembers | null {
  const totals = encodeUsage(usage);
  if (usage === undefined || totals === null) return null;
  return {
    input_tokens: totals.prompt_tokens,
    input_tokens_details: {
      cached_tokens: usage.cacheReadTokens ?? 0,
      cache_write_tokens: usage.cacheWriteTokens ?? 0,
    },
    output_tokens: totals.completion_tokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens ?? 0 },
    total_tokens: totals.total_tokens,
  };
}
