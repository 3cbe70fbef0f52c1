import type { ReasoningFacts } from "../../domain/model-facts.ts";
import type { Target } from "../../domain/target.ts";
import { claudeName } from "./models.ts";

/** What the encoder must know of a model. Read from the facts of the target. */
export interface ModelRules {
  /** Most tokens that an answer may have; null when unknown. */
  readonly maxOutputTokens: number | null;
  /** Whether temperature, top_p and top_k may be chosen. */
  readonly sampling: boolean;
  /** `adaptive`: by effort. `manual`: by a token budget. `none`: the model does not think. */
  readonly thinking: "adaptive" | "manual" | "none";
  readonly thinksByDefault: boolean;
  readonly canStopThinking: boolean;
  /** Efforts of an adaptive model, from low to high. */
  readonly efforts: readonly string[];
  /** Whether instructions may stand between turns. */
  readonly systemTurns: boolean;
  /** Whether the model goes on with a begun answer. */
  readonly prefill: boolean;
  readonly jsonSchema: boolean;
}

/** What an unknown model is taken to be: one that takes what Messages has always had. Its own 400 comes back. */
const unknownModel = ["thinking_enabled", "thinking_disabled", "json_schema", "prefill"];

export function rulesOf({ model, facts }: Target): ModelRules {
  const known = facts.capabilities ?? (claudeName(model) === null ? unknownModel : []);
  const has = (capability: string) => known.includes(capability);
  return {
    maxOutputTokens: facts.maxOutputTokens ?? null,
    sampling: !(facts.parametersRefused ?? []).includes("temperature"),
    thinking: facts.reasoning ? thinkingBy[facts.reasoning.style] : thinkingOf(has),
    thinksByDefault: facts.reasoning?.byDefault ?? has("thinking_default"),
    canStopThinking: facts.reasoning?.canStop ?? has("thinking_disabled"),
    efforts: facts.efforts ?? ["low", "medium", "high"],
    systemTurns: has("system_turns"),
    prefill: has("prefill"),
    jsonSchema: has("json_schema"),
  };
}

/** The provider's list and the catalogue say it by capabilities; the operator may say it in one word. */
function thinkingOf(has: (capability: string) => boolean): ModelRules["thinking"] {
  return has("thinking_adaptive") ? "adaptive" : has("thinking_enabled") ? "manual" : "none";
}

const thinkingBy = {
  adaptive: "adaptive",
  effort: "adaptive",
  budget: "manual",
  none: "none",
} as const satisfies Record<ReasoningFacts["style"], ModelRules["thinking"]>;
