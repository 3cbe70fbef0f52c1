import type { ModelFacts } from "./model-facts.ts";
import type { BoundOverrides } from "./time-bounds.ts";

/** Where a request may be sent: one model at one configured instance of a provider. */
export interface Target {
  /** `instance/model`, as callers may name it. */
  readonly name: string;
  /** Configured instance, such as `openai-east`. */
  readonly instance: string;
  /** Provider kind, such as `openai`: which adapter translates. */
  readonly provider: string;
  /** The provider's own name of the model. */
  readonly model: string;
  /**
   * `exact`: the server is known to speak its dialect to the letter, so a decoder may look at less. `repair`: look at
   * every event and mend it. design: "Untouched means per frame".
   */
  readonly wire: "exact" | "repair";
  readonly facts: ModelFacts;
  /** Name of the instance's key to ask with, where it has several; absent where it has one or none. */
  readonly key?: string;
  /** Share of the traffic under `weighted`, relative to the others'. Absent: 1. */
  readonly weight?: number;
  /** What differs from the bounds of the instance. */
  readonly bounds?: BoundOverrides;
}
