import type { Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import type { JsonMembers } from "../json-text.ts";
import { toWireUsage } from "./usage.ts";

/** Usage as a whole message and `message_start` have it. Counts that are not known are null, where that is allowed. */
export function encodeMessagesUsage(usage: Usage | undefined, serviceTier: string): JsonMembers {
  return {
    ...encodeUsageDelta(usage),
    cache_creation: encodeWrites(usage),
    inference_geo: null,
    service_tier: tiers[serviceTier] ?? null,
    speed: null,
  };
}

/** Usage as `message_delta` has it: the totals so far. */
export function encodeUsageDelta(usage: Usage | undefined): JsonMembers {
  const { input_tokens, output_tokens } = usage ? toWireUsage(usage) : { input_tokens: 0, output_tokens: 0 };
  return {
    input_tokens,
    cache_creation_input_tokens: usage?.cacheWriteTokens ?? null,
    cache_read_input_tokens: usage?.cacheReadTokens ?? null,
    output_tokens,
    output_tokens_details: usage?.reasoningTokens === undefined ? null : { thinking_tokens: usage.reasoningTokens },
    server_tool_use: encodeHostedUses(usage),
  };
}

function encodeWrites(usage: Usage | undefined): Record<string, number> | null {
  if (!usage || usage.cacheWriteByTtl.length === 0) return null;
  const writes = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 };
  for (const { ttl, tokens } of usage.cacheWriteByTtl) {
    const isShort = Number(ttl?.seconds ?? 0n) <= shortSeconds;
    writes[isShort ? "ephemeral_5m_input_tokens" : "ephemeral_1h_input_tokens"] += tokens;
  }
  return writes;
}

const shortSeconds = 300;

function encodeHostedUses(usage: Usage | undefined): Record<string, number> | null {
  if (!usage || usage.hostedToolUses.length === 0) return null;
  const count = (type: string) =>
    usage.hostedToolUses.reduce((sum, use) => (use.type === type ? sum + use.count : sum), 0);
  return { web_search_requests: count("web_search"), web_fetch_requests: count("web_fetch") };
}

const tiers: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  standard: "standard",
  default: "standard",
  priority: "priority",
  batch: "batch",
});
