import { type ModelFacts, reasons } from "../../domain/model-facts.ts";

/** What a model takes and refuses, as its facts say. */
export interface ModelRules {
  /** Whether it reasons before it answers. */
  readonly reasons: boolean;
  /** Whether it can be told not to, by effort `none`. */
  readonly canStop: boolean;
  /** Names of settings that it refuses. */
  readonly refused: ReadonlySet<string>;
}

export function rulesOf(facts: ModelFacts): ModelRules {
  return {
    reasons: reasons(facts) ?? false,
    canStop: facts.reasoning?.canStop ?? facts.efforts?.includes("none") ?? false,
    refused: new Set(facts.parametersRefused),
  };
}

/** Whether anybody has heard of the model. */
export function isKnown({ capabilities }: ModelFacts): boolean {
  return capabilities !== undefined;
}
