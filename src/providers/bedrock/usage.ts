import { create } from "@bufbuild/protobuf";
import { type CacheWrite, CacheWriteSchema, type Usage, UsageSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import { countOf, type Fields, listOf, textOf } from "../../dialects/openai-chat/wire.ts";

/** The prompt counts everything that was read; Converse counts what the cache read and wrote apart (wire.md §14). */
export function toUsage(wire: Fields): Usage {
  const read = countOf(wire, "cacheReadInputTokens");
  const written = countOf(wire, "cacheWriteInputTokens");
  const fresh = countOf(wire, "inputTokens");
  const outputTokens = countOf(wire, "outputTokens");
  const inputTokens = fresh === undefined ? undefined : fresh + (read ?? 0) + (written ?? 0);
  const isBoth = inputTokens !== undefined && outputTokens !== undefined;
  return create(UsageSchema, {
    ...(inputTokens !== undefined && { inputTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    ...(isBoth && { totalTokens: inputTokens + outputTokens }),
    ...(read !== undefined && { cacheReadTokens: read }),
    ...(written !== undefined && { cacheWriteTokens: written }),
    cacheWriteByTtl: listOf(wire, "cacheDetails").flatMap(toCacheWrite),
  });
}

function toCacheWrite(detail: Fields): CacheWrite[] {
  const seconds = { "5m": 300n, "1h": 3600n }[textOf(detail, "ttl")];
  const tokens = countOf(detail, "inputTokens");
  return seconds !== undefined && tokens ? [create(CacheWriteSchema, { ttl: { seconds }, tokens })] : [];
}
