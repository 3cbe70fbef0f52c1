import { create } from "@bufbuild/protobuf";
import {
  type CacheWrite,
  CacheWriteSchema,
  type HostedToolUse,
  HostedToolUseSchema,
  type Usage,
  UsageSchema,
} from "../../../gen/trunkline/v1/usage_pb.ts";

/** Token counts as Messages reports them: the prompt is split into what was read, written and neither. */
export interface WireUsage {
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly cache_read_input_tokens?: number;
  readonly cache_creation_input_tokens?: number;
  readonly thinking_tokens?: number;
  readonly ephemeral_5m_input_tokens?: number;
  readonly ephemeral_1h_input_tokens?: number;
  /** Uses of hosted tools by kind, such as `web_search`. */
  readonly hosted?: Readonly<Record<string, number>>;
  readonly service_tier?: string;
}

/** The prompt counts everything that was read: contract "Usage" sums what Messages reports in three fields. */
export function fromWireUsage(wire: WireUsage): Usage {
  const read = wire.cache_read_input_tokens;
  const written = wire.cache_creation_input_tokens;
  const usage = create(UsageSchema, { cacheWriteByTtl: cacheWrites(wire), hostedToolUses: hostedUses(wire) });
  if (wire.input_tokens !== undefined) usage.inputTokens = wire.input_tokens + (read ?? 0) + (written ?? 0);
  if (wire.output_tokens !== undefined) usage.outputTokens = wire.output_tokens;
  if (usage.inputTokens !== undefined && usage.outputTokens !== undefined) {
    usage.totalTokens = usage.inputTokens + usage.outputTokens;
  }
  if (read !== undefined) usage.cacheReadTokens = read;
  if (written !== undefined) usage.cacheWriteTokens = written;
  // Thinking is part of output_tokens already; it is never added again.
  if (wire.thinking_tokens !== undefined) usage.reasoningTokens = wire.thinking_tokens;
  return usage;
}

/** The way back. Counts that a provider reports inconsistently never make a negative one. */
export function toWireUsage(usage: Usage): WireUsage {
  const read = usage.cacheReadTokens ?? 0;
  const written = usage.cacheWriteTokens ?? 0;
  return {
    input_tokens: Math.max((usage.inputTokens ?? 0) - read - written, 0),
    output_tokens: usage.outputTokens ?? 0,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: written,
  };
}

function cacheWrites(wire: WireUsage): CacheWrite[] {
  const byTtl: readonly (readonly [number, number | undefined])[] = [
    [300, wire.ephemeral_5m_input_tokens],
    [3600, wire.ephemeral_1h_input_tokens],
  ];
  const writes: CacheWrite[] = [];
  for (const [seconds, tokens] of byTtl) {
    if (tokens) writes.push(create(CacheWriteSchema, { ttl: { seconds: BigInt(seconds) }, tokens }));
  }
  return writes;
}

function hostedUses(wire: WireUsage): HostedToolUse[] {
  return Object.entries(wire.hosted ?? {}).map(([type, count]) => create(HostedToolUseSchema, { type, count }));
}
