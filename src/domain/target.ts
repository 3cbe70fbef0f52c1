/** What is known of one model. Absent means unknown, never "no". */
export interface ModelFacts {
  readonly contextWindow?: number;
  readonly maxOutputTokens?: number;
  readonly inputModalities?: readonly string[];
  readonly outputModalities?: readonly string[];
  readonly capabilities?: readonly string[];
  readonly efforts?: readonly string[];
  /** Request fields, as contract paths, that the model refuses. */
  readonly parametersRefused?: readonly string[];
  readonly displayName?: string;
  readonly createdAtMs?: number;
  readonly shutdownAtMs?: number;
}

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
}
