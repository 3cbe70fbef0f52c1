import type { Reasoning } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { JsonMembers } from "../json-text.ts";
import { type Draft, unsupported } from "./gemini-draft.ts";

/** Words that the contract knows, from low to high. */
const knownEfforts = ["minimal", "low", "medium", "high", "xhigh", "max"];

/** Effort → budget for models that know only budgets. wire.md 17.3: a common choice. Tokens. */
const budgets: Readonly<Record<string, number>> = {
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 16_384,
  xhigh: 24_576,
  max: 32_768,
};

/** Lets the model decide. */
const dynamic = -1;

/**
 * `thinkingConfig`, by the model's generation: a level (3 and later), a budget (2.5), nothing (before). Never both.
 * Undefined leaves it to the model.
 */
export function toThinkingConfig(draft: Draft): JsonMembers | undefined {
  const { rules, losses } = draft;
  const reasoning = draft.request.reasoning;
  if (reasoning === undefined) return undefined;
  if (rules.thinking === "none") {
    const field = reasoning.effort === undefined ? "reasoning.budget_tokens" : "reasoning.effort";
    const wanted = reasoning.effort ?? reasoning.budgetTokens;
    if (wanted !== undefined && wanted !== "none" && wanted !== 0) losses.drop(field, "this model does not reason.");
    if (reasoning.includeText) losses.drop("reasoning.include_text", "this model does not reason.");
    if (shows(reasoning)) losses.drop("reasoning.summary", "this model does not reason.");
    return undefined;
  }
  const config = {
    ...visibility(reasoning, draft),
    ...(rules.thinking === "level" ? toLevel(reasoning, draft) : toBudget(reasoning, draft)),
  };
  return Object.keys(config).length > 0 ? config : undefined;
}

function visibility(reasoning: Reasoning, { losses }: Draft): JsonMembers {
  const { summary, includeText } = reasoning;
  if (summary === "concise" || summary === "detailed") {
    losses.approximate("reasoning.summary", "this provider chooses the length of its summaries itself.");
  }
  if (includeText === false || summary === "none") return { includeThoughts: false };
  return includeText || shows(reasoning) ? { includeThoughts: true } : {};
}

function shows({ summary }: Reasoning): boolean {
  return summary !== undefined && summary !== "none";
}

function toLevel({ effort, budgetTokens: budget }: Reasoning, { rules, losses }: Draft): JsonMembers {
  const field = effort === undefined ? "reasoning.budget_tokens" : "reasoning.effort";
  const wanted = effort ?? effortFor(budget);
  if (wanted === undefined) return {};
  const level = nearest(wanted, rules.levels, field);
  if (wanted === "none") {
    losses.approximate(field, `this model always reasons; sent as '${level}'.`);
  } else if (effort === undefined) {
    losses.approximate(field, `this model takes levels, not budgets; sent as '${level}'.`);
  } else if (level !== wanted) losses.approximate(field, `this model has no '${wanted}'; sent as '${level}'.`);
  return { thinkingLevel: level.toUpperCase() };
}

/** wire.md 17.3, backwards. A budget of −1 lets the model decide, which is what no level means. */
function effortFor(budget: number | undefined): string | undefined {
  if (budget === undefined || budget === dynamic) return undefined;
  if (budget === 0) return "none";
  if (budget <= 1_024) return "minimal";
  if (budget <= 4_096) return "low";
  return budget <= 12_288 ? "medium" : "high";
}

/** The wanted effort, else the next lower that the model has (so that it costs no more), else its lowest. */
function nearest(wanted: string, levels: readonly string[], field: string): string {
  if (levels.includes(wanted)) return wanted;
  const rank = knownEfforts.indexOf(wanted);
  if (rank < 0 && wanted !== "none") {
    throw unsupported(field, `is '${wanted}'. Allowed are none, ${knownEfforts.join(", ")}.`);
  }
  const lower = levels.filter((level) => knownEfforts.indexOf(level) <= rank);
  return lower.at(-1) ?? levels[0] ?? "low";
}

function toBudget({ effort, budgetTokens }: Reasoning, { rules, losses }: Draft): JsonMembers {
  const field = effort === undefined ? "reasoning.budget_tokens" : "reasoning.effort";
  const wanted = effort === undefined ? budgetTokens : effort === "none" ? 0 : budgets[effort];
  if (wanted === undefined) {
    if (effort === undefined) return {};
    throw unsupported(field, `is '${effort}'. Allowed are none, ${knownEfforts.join(", ")}.`);
  }
  if (wanted === dynamic || (wanted === 0 && rules.canStopThinking)) return { thinkingBudget: wanted };
  const [min, max] = rules.budget;
  const budget = Math.min(Math.max(wanted, min), max);
  if (wanted === 0) losses.approximate(field, `this model always reasons; sent as its least, ${min} tokens.`);
  else if (budget !== wanted)
    losses.approximate(field, `this model's budgets go from ${min} to ${max}; sent as ${budget}.`);
  return { thinkingBudget: budget };
}
