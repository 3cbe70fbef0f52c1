import type { JsonTree } from "../../dialects/json-text.ts";
import { type Draft, unsupported } from "./draft.ts";

/** Efforts of the contract → levels of the models that have some. */
const levels: ReadonlyMap<string, string> = new Map([
  ["minimal", "low"],
  ["low", "low"],
  ["medium", "medium"],
  ["high", "high"],
  ["xhigh", "high"],
  ["max", "high"],
]);

/**
 * `think`: a level for models that have levels (gpt-oss, which cannot stop reasoning either), on or off for the others.
 * Undefined leaves it to the model.
 * @throws GatewayError `unsupported_value` for an effort that is not known
 */
export function toThink(draft: Draft): JsonTree | undefined {
  const { request, target, losses } = draft;
  const { effort, budgetTokens, summary, includeText } = request.reasoning ?? {};
  if (summary !== undefined) losses.drop("reasoning.summary", "this provider gives reasoning as it is.");
  if (includeText === false) losses.drop("reasoning.include_text", "this provider shows the reasoning that there is.");
  const wish = effort ?? effortOf(budgetTokens);
  if (wish === undefined) return undefined;
  const field = effort === undefined ? "reasoning.budget_tokens" : "reasoning.effort";
  if (wish !== "none" && wish !== "auto" && !levels.has(wish)) {
    throw unsupported(field, `is '${wish}'. Allowed are none, ${[...levels.keys()].join(", ")}.`);
  }

  const { capabilities } = target.facts;
  if (capabilities !== undefined && !capabilities.includes("reasoning")) {
    if (wish !== "none" && wish !== "auto") losses.drop(field, "this model does not reason.");
    return undefined;
  }
  if (hasLevels(target.model)) return toLevel(wish, effort, field, draft);
  if (wish === "none") return false;
  if (wish !== "auto") losses.approximate(field, "this model reasons or does not; it is told to.");
  return true;
}

function hasLevels(model: string): boolean {
  return /(^|\/)gpt-oss\b/.test(model);
}

function toLevel(wish: string, effort: string | undefined, field: string, { losses }: Draft): JsonTree | undefined {
  if (wish === "auto") return undefined;
  if (wish === "none") {
    losses.approximate(field, "this model cannot stop reasoning; sent as low.");
    return "low";
  }
  const level = levels.get(wish) ?? "medium";
  if (level !== effort) losses.approximate(field, `this model has levels; sent as ${level}.`);
  return level;
}

/** A budget as the nearest effort (wire.md 17.3); −1 leaves the amount to the model. */
function effortOf(budget: number | undefined): string | undefined {
  if (budget === undefined) return undefined;
  if (budget < 0) return "auto";
  if (budget === 0) return "none";
  if (budget <= 4_096) return "low";
  return budget <= 12_288 ? "medium" : "high";
}
