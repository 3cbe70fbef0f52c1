import type { JsonTree } from "../../dialects/json-text.ts";
import { type Draft, unsupported } from "./draft.ts";
import { rulesOf } from "./models.ts";

/** Effort → budget: a common choice (wire.md 17.3). Tokens. */
const budgets: ReadonlyMap<string, number> = new Map([
  ["minimal", 1_024],
  ["low", 2_048],
  ["medium", 8_192],
  ["high", 16_384],
  ["xhigh", 24_576],
  ["max", 31_000],
]);

/**
 * `thinking`: on with a budget, or off. Undefined leaves it to the model.
 * @throws GatewayError `unsupported_value` for an effort that is not known
 */
export function toThinking({ request, target, losses }: Draft): JsonTree | undefined {
  const { effort, budgetTokens, summary, includeText } = request.reasoning ?? {};
  if (summary !== undefined) losses.drop("reasoning.summary", "this provider gives reasoning as it is.");
  if (includeText === false) losses.drop("reasoning.include_text", "this provider shows the reasoning that there is.");
  if (effort === undefined && budgetTokens === undefined) return undefined;
  const field = effort === undefined ? "reasoning.budget_tokens" : "reasoning.effort";
  if (effort !== undefined && effort !== "none" && !budgets.has(effort)) {
    throw unsupported(field, `is '${effort}'. Allowed are none, ${[...budgets.keys()].join(", ")}.`);
  }
  const off = effort === "none" || budgetTokens === 0;
  if (rulesOf(target).reasons === false) {
    if (!off) losses.drop(field, "this model does not reason.");
    return undefined;
  }
  if (off) return { type: "disabled" };
  if (effort === undefined) return { type: "enabled", ...((budgetTokens ?? 0) > 0 && { token_budget: budgetTokens }) };
  const budget = budgets.get(effort);
  losses.approximate(field, `this provider takes a budget; sent as ${budget} tokens.`);
  return { type: "enabled", token_budget: budget };
}
