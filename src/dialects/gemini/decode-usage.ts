import type { ModalityTokens, Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import { countOf, type Fields, listOf, textOf } from "../openai-chat/wire.ts";

/**
 * Token counts of an answer (wire.md §5.2): the prompt holds the cached tokens but not those that hosted tools read; the
 * answer's count leaves out its thoughts. Each event of a stream repeats the running totals: the last one counts.
 */
export function decodeUsage(usage: Fields): Usage {
  const decoded: Usage = {
    $typeName: "trunkline.v1.Usage",
    cacheWriteByTtl: [],
    byModality: [],
    hostedToolUses: [],
    priceVersion: "",
    estimated: false,
  };
  const prompt = countOf(usage, "promptTokenCount");
  const tools = countOf(usage, "toolUsePromptTokenCount");
  const written = countOf(usage, "candidatesTokenCount");
  const thoughts = countOf(usage, "thoughtsTokenCount");
  const total = countOf(usage, "totalTokenCount");
  const input = sum(prompt, tools);
  // Counts of zero are left out on the wire: what the sum leaves is then the answer's.
  const output = sum(written, thoughts) ?? (total === undefined ? undefined : Math.max(total - (input ?? 0), 0));
  const cached = countOf(usage, "cachedContentTokenCount");
  if (input !== undefined) decoded.inputTokens = input;
  if (output !== undefined) decoded.outputTokens = output;
  if (total !== undefined) decoded.totalTokens = total;
  if (cached !== undefined) decoded.cacheReadTokens = cached;
  if (thoughts !== undefined) decoded.reasoningTokens = thoughts;
  if (tools !== undefined) decoded.toolPromptTokens = tools;
  for (const [direction, member] of details) addModalities(direction, listOf(usage, member), decoded.byModality);
  return decoded;
}

/** Prompts of hosted tools count among the input, as in the sum above. */
const details = [
  ["input", "promptTokensDetails"],
  ["input", "toolUsePromptTokensDetails"],
  ["output", "candidatesTokensDetails"],
  ["cache_read", "cacheTokensDetails"],
] as const;

function addModalities(direction: string, counts: readonly Fields[], into: ModalityTokens[]): void {
  for (const one of counts) {
    const modality = textOf(one, "modality").toLowerCase();
    const tokens = countOf(one, "tokenCount");
    if (modality === "" || tokens === undefined) continue;
    const known = into.find((other) => other.direction === direction && other.modality === modality);
    if (known) known.tokens += tokens;
    else into.push({ $typeName: "trunkline.v1.ModalityTokens", direction, modality, tokens });
  }
}

function sum(...counts: readonly (number | undefined)[]): number | undefined {
  const known = counts.filter((count) => count !== undefined);
  return known.length === 0 ? undefined : known.reduce((total, count) => total + count, 0);
}
