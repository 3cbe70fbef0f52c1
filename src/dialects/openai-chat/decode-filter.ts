import { create } from "@bufbuild/protobuf";
import {
  type ModerationResult,
  ModerationResultSchema,
  ModerationScoreSchema,
  type SafetyRating,
  SafetyRatingSchema,
} from "../../../gen/trunkline/v1/usage_pb.ts";
import { type Fields, fieldsOf, isFields, listOf, textOf } from "./wire.ts";

/**
 * Azure's `content_filter_results` as ratings: `{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"filtered":
 * false,"detected":false},…}`. Categories newer than this are taken in the same way.
 */
export function toSafetyRatings(results: Fields): SafetyRating[] {
  return Object.entries(results)
    .slice(0, maxCategories)
    .flatMap(([category, result]) => {
      if (!isFields(result) || category === "error") return [];
      const severity = textOf(result, "severity") || (result.detected === true ? "detected" : "");
      return [create(SafetyRatingSchema, { category, severity, blocked: result.filtered === true })];
    });
}

/** Azure's `prompt_filter_results`, one for each prompt: what its filter thinks of what was said. */
export function toPromptModeration(results: readonly Fields[]): ModerationResult[] {
  return results
    .slice(0, maxPrompts)
    .map((result) => toModeration("input", fieldsOf(result, "content_filter_results")));
}

/** What the filter found about one direction, `input` or `output`. */
export function toModeration(direction: string, results: Fields): ModerationResult {
  const scores = toSafetyRatings(results).map(({ category, severity, blocked }) =>
    create(ModerationScoreSchema, { category, score: levels.get(severity) ?? 0, flagged: blocked }),
  );
  const flagged = scores.some((score) => score.flagged);
  return create(ModerationResultSchema, { direction, model: "azure-content-filter", flagged, scores });
}

/** Why the filter of a side could not run; empty when it ran. Azure then lets the text pass. */
export function filterFailure(results: Fields): string {
  const error = fieldsOf(results, "error");
  return textOf(error, "message") || textOf(error, "code");
}

/** Every member that holds what the filter found of a chunk's prompts. */
export function promptFilters(chunk: Fields): readonly Fields[] {
  // The older spelling is that of the first api-versions.
  const current = listOf(chunk, "prompt_filter_results");
  return current.length > 0 ? current : listOf(chunk, "prompt_annotations");
}

/** Azure's four severities as shares of the worst. */
const levels: ReadonlyMap<string, number> = new Map([
  ["safe", 0],
  ["low", 1 / 3],
  ["medium", 2 / 3],
  ["high", 1],
  ["detected", 1],
]);
/** More than the filter has. */
const maxCategories = 64;
const maxPrompts = 128;
