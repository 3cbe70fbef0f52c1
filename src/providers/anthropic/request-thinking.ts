import type { Reasoning } from "../../../gen/trunkline/v1/chat_pb.ts";
import { ToolChoiceMode } from "../../../gen/trunkline/v1/tool_pb.ts";
import { invalidValue } from "../../dialects/json-splice.ts";
import type { JsonMembers } from "../../dialects/json-text.ts";
import { type SettingsDraft as Draft, unsupported } from "./draft.ts";
import type { Turn } from "./request-messages.ts";

/** How the model is told to think. */
export interface Thinking {
  /** The `thinking` member; undefined leaves it to the model. */
  readonly thinking: JsonMembers | undefined;
  /** `output_config.effort`. */
  readonly effort: string | undefined;
  /** Whether the model will think, as far as the request decides it. */
  readonly on: boolean;
  readonly maxTokens: number;
}

/** What tells of a turn whether it belongs to a running tool loop. */
export type LoopTurn = Pick<Turn, "blocks" | "results">;

/** Smallest budget that the provider takes. Tokens. */
const minBudget = 1024;

/** Effort → budget for models that know only budgets. wire.md 17.3: a common choice. Tokens. */
const budgets: Readonly<Record<string, number>> = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 24_576,
  max: 32_768,
};

/**
 * Reasoning by the model's generation: an effort (4.6 and later), a budget (before), nothing (long before).
 * @param maxTokens answer bound before thinking; an explicit budget may raise it
 */
export function toThinking(draft: Draft, turns: readonly LoopTurn[], maxTokens: number): Thinking {
  const { rules, request, losses } = draft;
  const reasoning = request.reasoning;
  const wish = wishOf(reasoning, draft);
  const off: Thinking = { thinking: undefined, effort: undefined, on: false, maxTokens };
  if (rules.thinking === "none") {
    if (wish.kind === "effort" || wish.kind === "budget") losses.drop(wish.field, "this model does not reason.");
    return off;
  }
  if (wish.kind === "off") return stopped(draft, wish.field, maxTokens);
  if (wish.kind === "default") return byDefault(draft, maxTokens);
  // A model that always reasons keeps its reasoning, and the choice of tools gives way.
  if (isForced(draft) && rules.canStopThinking) {
    losses.drop(wish.field, "this provider does not reason when a tool call is forced; the forced call was kept.");
    return { ...off, thinking: { type: "disabled" } };
  }
  if (rules.thinking === "adaptive") return adaptive(draft, wish, maxTokens);
  if (lacksThinking(turns)) {
    losses.drop(wish.field, "the running tool loop began without reasoning, so this turn goes on without it.");
    return { ...off, thinking: { type: "disabled" } };
  }
  return manual(draft, wish, maxTokens);
}

type Wish =
  | { readonly kind: "default" }
  | { readonly kind: "off"; readonly field: string }
  | { readonly kind: "effort"; readonly field: string; readonly effort: string }
  | { readonly kind: "budget"; readonly field: string; readonly tokens: number };

/** Words that the contract knows, from low to high. */
const knownEfforts = ["minimal", "low", "medium", "high", "xhigh", "max"];

function wishOf(reasoning: Reasoning | undefined, { rules }: Draft): Wish {
  const { effort, budgetTokens: tokens } = reasoning ?? {};
  if (effort !== undefined) {
    const field = "reasoning.effort";
    if (effort === "none") return { kind: "off", field };
    if (!knownEfforts.includes(effort) && !rules.efforts.includes(effort)) {
      throw unsupported(field, `is '${effort}'. Allowed are none, ${knownEfforts.join(", ")}.`);
    }
    return { kind: "effort", field, effort };
  }
  if (tokens === undefined) return { kind: "default" };
  const field = "reasoning.budget_tokens";
  return tokens === 0 ? { kind: "off", field } : { kind: "budget", field, tokens };
}

/** Newer models think unless told not to, so "none" has to be said. */
function stopped({ rules, losses }: Draft, field: string, maxTokens: number): Thinking {
  if (rules.canStopThinking) return { thinking: { type: "disabled" }, effort: undefined, on: false, maxTokens };
  losses.approximate(field, "this model always reasons; sent as its lowest effort.");
  return { thinking: undefined, effort: rules.efforts[0], on: true, maxTokens };
}

function byDefault(draft: Draft, maxTokens: number): Thinking {
  const { rules } = draft;
  if (!rules.thinksByDefault) return { thinking: undefined, effort: undefined, on: false, maxTokens };
  // The caller asked for a call, not for reasoning: nothing of the caller's is lost.
  if (isForced(draft) && rules.canStopThinking) return stopped(draft, "reasoning", maxTokens);
  const display = displayOf(draft.request.reasoning);
  const thinking = display.display === undefined ? undefined : { type: "adaptive", ...display };
  return { thinking, effort: undefined, on: true, maxTokens };
}

function adaptive(draft: Draft, wish: Exclude<Wish, { kind: "default" | "off" }>, maxTokens: number): Thinking {
  const thinking = { type: "adaptive", ...displayOf(draft.request.reasoning) };
  const wanted = wish.kind === "effort" ? wish.effort : effortFor(wish.tokens);
  // A budget of −1 lets the model decide, which is what adaptive means.
  if (wanted === undefined) return { thinking, effort: undefined, on: true, maxTokens };
  const effort = nearestEffort(wanted, draft.rules.efforts);
  if (wish.kind === "budget")
    draft.losses.approximate(wish.field, `this model takes efforts, not budgets; sent as '${effort}'.`);
  else if (effort !== wanted)
    draft.losses.approximate(wish.field, `this model has no '${wanted}'; sent as '${effort}'.`);
  return { thinking, effort, on: true, maxTokens };
}

/** wire.md 17.3, backwards. */
function effortFor(budget: number): string | undefined {
  if (budget < 0) return undefined;
  if (budget <= 4096) return "low";
  return budget <= 12_288 ? "medium" : "high";
}

/** The wanted effort, else the next lower that the model has (so that it costs no more), else its lowest. */
function nearestEffort(wanted: string, efforts: readonly string[]): string {
  if (efforts.includes(wanted)) return wanted;
  const rank = knownEfforts.indexOf(wanted);
  const lower = efforts.filter((effort) => knownEfforts.indexOf(effort) <= rank);
  return lower.at(-1) ?? efforts[0] ?? "low";
}

function manual(draft: Draft, wish: Exclude<Wish, { kind: "default" | "off" }>, maxTokens: number): Thinking {
  // These models show their reasoning unless told not to.
  const { display } = displayOf(draft.request.reasoning);
  const hidden = display === "omitted" ? { display } : {};
  const think = (budget: number, bound: number): Thinking => ({
    thinking: { type: "enabled", budget_tokens: budget, ...hidden },
    effort: undefined,
    on: true,
    maxTokens: bound,
  });
  if (wish.kind === "effort" || wish.tokens < 0) {
    const wanted = wish.kind === "effort" ? budgets[wish.effort] : undefined;
    return softBudget(draft, wish.field, wanted ?? 8192, maxTokens, think);
  }
  const budget = Math.max(wish.tokens, minBudget);
  if (budget !== wish.tokens) draft.losses.approximate(wish.field, `raised to ${minBudget}, the provider's least.`);
  if (budget < maxTokens) return think(budget, maxTokens);
  // The caller named both numbers; the budget is meant to come on top of the answer, as far as the model allows.
  const limit = draft.rules.maxOutputTokens ?? budget + maxTokens;
  if (budget >= limit) {
    throw invalidValue(wish.field, `must be below the model's limit of ${limit} output tokens.`);
  }
  const raised = Math.min(budget + maxTokens, limit);
  draft.losses.approximate("max_output_tokens", `raised to ${raised}: it must exceed reasoning.budget_tokens.`);
  return think(budget, raised);
}

/** An effort is a wish and the answer's bound a promise: the budget gives way. */
function softBudget(
  draft: Draft,
  field: string,
  wanted: number,
  maxTokens: number,
  think: (budget: number, bound: number) => Thinking,
): Thinking {
  const room = maxTokens - minBudget;
  if (room < minBudget) {
    draft.losses.drop(field, `max_output_tokens leaves no room for reasoning; it needs ${2 * minBudget} or more.`);
    return { thinking: { type: "disabled" }, effort: undefined, on: false, maxTokens };
  }
  return think(Math.min(wanted, room), maxTokens);
}

function displayOf(reasoning: Reasoning | undefined): { display?: string } {
  const { includeText, summary } = reasoning ?? {};
  if (includeText === false || summary === "none") return { display: "omitted" };
  return includeText || summary !== undefined ? { display: "summarized" } : {};
}

/** Whether the caller forces a tool call, which excludes thinking. */
function isForced({ request }: Draft): boolean {
  const kind = request.toolChoice?.kind;
  if (kind?.case === "toolName") return true;
  if (kind?.case === "mode") return kind.value === ToolChoiceMode.REQUIRED;
  return kind?.case === "allowed" && kind.value.mode === ToolChoiceMode.REQUIRED;
}

/**
 * Whether a tool loop is running whose assistant turn does not begin with thinking: a manual budget then gets a 400.
 * Clients that know no reasoning lose it; other providers' reasoning was removed.
 */
function lacksThinking(turns: readonly LoopTurn[]): boolean {
  const last = turns.at(-1);
  const before = turns.at(-2);
  if (last === undefined || before === undefined || last.results.size === 0) return false;
  const first = before.blocks[0]?.type;
  return first !== "thinking" && first !== "redacted_thinking";
}
