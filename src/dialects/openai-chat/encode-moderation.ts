import type { ModerationResult } from "../../../gen/trunkline/v1/usage_pb.ts";

/** Inline moderation as `{input, output}`, each a list of results; a side without results is left out. */
export function encodeModeration(moderation: readonly ModerationResult[]): Readonly<Record<string, unknown>> {
  const sides: Record<string, unknown> = {};
  for (const direction of ["input", "output"]) {
    const results = moderation.filter((result) => result.direction === direction);
    const [first] = results;
    if (!first) continue;
    sides[direction] = { type: "moderation_results", model: first.model, results: results.map(encodeResult) };
  }
  return sides;
}

function encodeResult({ model, flagged, scores }: ModerationResult): Readonly<Record<string, unknown>> {
  return {
    type: "moderation_result",
    model,
    flagged,
    categories: Object.fromEntries(scores.map((score) => [score.category, score.flagged])),
    category_scores: Object.fromEntries(scores.map(({ category, score }) => [category, score])),
  };
}
