import { create } from "@bufbuild/protobuf";
import { CacheWriteSchema, type Usage, UsageSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import { countOf, type Fields, fieldsOf } from "../openai-chat/wire.ts";

/** Lifetimes of what is written to the prompt cache, by the member that counts it. Seconds. */
const lifetimes = [
  ["ttl_30m_tokens", 1_800n],
  ["ttl_12h_tokens", 43_200n],
] as const;

/**
 * Token counts of a response. `input_tokens` holds the cached ones, `output_tokens` the reasoning.
 * @param uses how often each hosted tool was used
 */
export function decodeUsage(usage: Fields, uses: ReadonlyMap<string, number>): Usage {
  const input = fieldsOf(usage, "input_tokens_details");
  const writes = fieldsOf(input, "cache_write_tokens_details");
  const decoded = create(UsageSchema, {
    hostedToolUses: [...uses].map(([type, count]) => ({ type, count })),
    cacheWriteByTtl: lifetimes.flatMap(([member, seconds]) => {
      const tokens = countOf(writes, member);
      return tokens === undefined ? [] : [create(CacheWriteSchema, { ttl: { seconds, nanos: 0 }, tokens })];
    }),
  });
  const counts = {
    inputTokens: countOf(usage, "input_tokens"),
    outputTokens: countOf(usage, "output_tokens"),
    totalTokens: countOf(usage, "total_tokens"),
    cacheReadTokens: countOf(input, "cached_tokens"),
    cacheWriteTokens: countOf(input, "cache_write_tokens"),
    reasoningTokens: countOf(fieldsOf(usage, "output_tokens_details"), "reasoning_tokens"),
  };
  // An absent count is unknown, not zero.
  for (const [name, tokens] of Object.entries(counts))
    if (tokens !== undefined) Object.assign(decoded, { [name]: tokens });
  return decoded;
}
