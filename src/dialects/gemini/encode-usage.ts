import type { Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import type { JsonMembers } from "../json-text.ts";

/**
 * Token counts as Google has them (wire.md §5.2): prompts of hosted tools stand beside the prompt, thoughts beside the
 * answer, and counts of zero are left out. Counts that a provider reports inconsistently never make a negative one.
 * @param serviceTier the tier that served the request, in the contract's words
 */
export function encodeGeminiUsage(usage: Usage | undefined, serviceTier: string): JsonMembers | undefined {
  if (usage === undefined) return undefined;
  const tools = usage.toolPromptTokens ?? 0;
  const thoughts = usage.reasoningTokens ?? 0;
  const { inputTokens, outputTokens } = usage;
  const known =
    inputTokens === undefined && outputTokens === undefined ? undefined : (inputTokens ?? 0) + (outputTokens ?? 0);
  return {
    promptTokenCount: inputTokens === undefined ? undefined : Math.max(inputTokens - tools, 0),
    candidatesTokenCount: positive(outputTokens === undefined ? 0 : outputTokens - thoughts),
    totalTokenCount: usage.totalTokens ?? known,
    cachedContentTokenCount: positive(usage.cacheReadTokens),
    ...detailsOf(usage),
    toolUsePromptTokenCount: positive(tools),
    thoughtsTokenCount: positive(thoughts),
    ...(tiers[serviceTier] !== undefined && { serviceTier: tiers[serviceTier] }),
  };
}

function positive(count: number | undefined): number | undefined {
  return count !== undefined && count > 0 ? count : undefined;
}

const details = [
  ["input", "promptTokensDetails"],
  ["output", "candidatesTokensDetails"],
  ["cache_read", "cacheTokensDetails"],
] as const;

function detailsOf({ byModality }: Usage): JsonMembers {
  const members: JsonMembers = {};
  for (const [direction, name] of details) {
    const counts = byModality.filter((one) => one.direction === direction);
    if (counts.length === 0) continue;
    members[name] = counts.map(({ modality, tokens }) => ({ modality: modality.toUpperCase(), tokenCount: tokens }));
  }
  return members;
}

const tiers: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  default: "standard",
  standard: "standard",
  flex: "flex",
  priority: "priority",
});
