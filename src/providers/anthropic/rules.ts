import type { ModelFacts } from "../../domain/model-facts.ts";
import type { Target } from "../../domain/target.ts";
import { claudeName, factsOf } from "./models.ts";

/** What the encoder must know of a model. Read from the facts of the target, filled up by the model's family. */
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

export function rulesOf(target: Target): ModelRules {
  const facts: ModelFacts = { ...factsOf(target.model), ...target.facts };
  const known = facts.capabilities ?? (claudeName(target.model) === null ? unknownModel : []);
  const has = (capability: string) => known.includes(capability);
  return {
    maxOutputTokens: facts.maxOutputTokens ?? null,
    sampling: !(facts.parametersRefused ?? []).includes("temperature"),
    thinking: has("thinking_adaptive") ? "adaptive" : has("thinking_enabled") ? "manual" : "none",
    thinksByDefault: has("thinking_default"),
    canStopThinking: has("thinking_disabled"),
    efforts: facts.efforts ?? ["low", "medium", "high"],
    systemTurns: has("system_turns"),
    prefill: has("prefill"),
    jsonSchema: has("json_schema"),
  };
}
