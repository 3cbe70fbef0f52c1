import type { Reasoning } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import type { JsonMembers } from "../json-text.ts";
import type { ChatQuirks, ReasoningForm } from "./quirks.ts";

/** How much the model is to think, in the members that the server has for it. */
export function encodeReasoning(
  reasoning: Reasoning | undefined,
  { reasoning: form }: ChatQuirks,
  losses: LossReport,
): JsonMembers {
  if (!reasoning) return {};
  const shown = shownMembers(reasoning.includeText, form, losses);
  if (form?.object) return encodeObject(reasoning, form, losses);
  if (reasoning.summary !== undefined) losses.drop("reasoning.summary", "is not taken by chat completions.");
  const effort = nearestEffort(reasoning, losses);
  return { ...effortMembers(effort, form, losses, reasoning.effort !== undefined), ...shown };
}

/** OpenRouter's: budgets stand beside efforts, and reasoning can be left out of the answer. */
function encodeObject(reasoning: Reasoning, form: ReasoningForm, losses: LossReport): JsonMembers {
  const { effort, budgetTokens, includeText, summary } = reasoning;
  const decides = budgetTokens !== undefined && budgetTokens < 0;
  const level = effortMembers(effort, form, losses, true).reasoning_effort;
  const object: JsonMembers = {
    ...(level !== undefined && { effort: level }),
    ...(effort === undefined && budgetTokens !== undefined && !decides && { max_tokens: budgetTokens }),
    ...(decides && effort === undefined && { enabled: true }),
    ...(includeText !== undefined && { exclude: !includeText }),
    ...(summary !== undefined && { summary }),
  };
  return Object.keys(object).length > 0 ? { reasoning: object } : {};
}

function shownMembers(
  includeText: boolean | undefined,
  form: ReasoningForm | undefined,
  losses: LossReport,
): JsonMembers {
  if (includeText === undefined || form?.object) return {};
  if (includeText && form?.alwaysShown) return {};
  if (form?.shown) return includeText ? form.shown.yes : form.shown.no;
  losses.drop("reasoning.include_text", "is not taken by chat completions.");
  return {};
}

/**
 * @param named whether the caller gave the effort itself, so that another word for it is told as an approximation; that
 * a budget became an effort has been told
 */
function effortMembers(
  effort: string | undefined,
  form: ReasoningForm | undefined,
  losses: LossReport,
  named: boolean,
): JsonMembers {
  if (effort === undefined) return {};
  if (!form) return { reasoning_effort: effort };
  const field = named ? "reasoning.effort" : "reasoning.budget_tokens";
  const own = Object.hasOwn(form.efforts, effort) ? form.efforts[effort] : undefined;
  if (own === undefined) {
    losses.drop(field, `is not taken as '${effort}' by this model.`);
    return {};
  }
  const members = typeof own === "string" ? { reasoning_effort: own } : own;
  const word = members.reasoning_effort;
  if (named && word !== undefined && word !== effort) losses.approximate(field, `is sent as '${String(word)}'.`);
  return members;
}

/** A budget has no place here; the effort nearest to it has. */
function nearestEffort({ effort, budgetTokens }: Reasoning, losses: LossReport): string | undefined {
  if (effort !== undefined || budgetTokens === undefined) return effort;
  const nearest = budgetTokens < 0 ? undefined : effortOf(budgetTokens);
  losses.approximate("reasoning.budget_tokens", nearest ? `is sent as effort ${nearest}.` : "the provider decides.");
  return nearest;
}

/** The effort nearest to a budget of tokens, 0 or more (wire.md §17.3). */
export function effortOf(budgetTokens: number): string {
  if (budgetTokens === 0) return "none";
  if (budgetTokens <= 1_024) return "minimal";
  if (budgetTokens <= 4_096) return "low";
  return budgetTokens <= 12_288 ? "medium" : "high";
}
