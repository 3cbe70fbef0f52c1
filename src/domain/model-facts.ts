/** What is known of one model. Absent means unknown, never "no". */
export interface ModelFacts {
  readonly contextWindow?: number;
  readonly maxOutputTokens?: number;
  readonly inputModalities?: readonly string[];
  readonly outputModalities?: readonly string[];
  readonly capabilities?: readonly string[];
  readonly efforts?: readonly string[];
  readonly reasoning?: ReasoningFacts;
  /** Request fields, as contract paths, that the model refuses. */
  readonly parametersRefused?: readonly string[];
  /**
   * Whether the refused fields are taken out of every request, and reported. Else a caller who speaks the provider's own
   * dialect has them sent on, and gets the provider's own answer (design 15.1).
   */
  readonly dropRefused?: boolean;
  readonly displayName?: string;
  readonly createdAtMs?: number;
  readonly shutdownAtMs?: number;
  readonly prices?: ModelPrices;
  /** Which of the provider's interfaces the model is asked through, where there are several. Absent: its first. */
  readonly api?: ModelApi;
  /** Name that the model was deployed under, where that is not its own. Azure. */
  readonly deployment?: string;
}

/** How a model is told to reason. */
export interface ReasoningFacts {
  /** `effort`: by a word. `budget`: by a number of tokens. `adaptive`: by a word, or by itself. `none`: it cannot be told. */
  readonly style: "effort" | "budget" | "adaptive" | "none";
  /** Least and most tokens of a budget. */
  readonly minBudget?: number;
  readonly maxBudget?: number;
  /** Whether it answers without reasoning when it is told so. */
  readonly canStop?: boolean;
  /** Whether it reasons when nothing is said of it. */
  readonly byDefault?: boolean;
}

/** OpenAI's two interfaces: chat completions and Responses. */
export type ModelApi = "chat" | "responses";

/** What tokens cost. Nano-USD (10⁻⁹ USD) for a million. */
export interface TokenPrices {
  readonly inputNanoUsd: number;
  readonly outputNanoUsd: number;
  readonly cacheReadNanoUsd?: number;
  readonly cacheWriteNanoUsd?: number;
}

/** The default tier's prices, and those of others. */
export interface ModelPrices extends TokenPrices {
  /** By name: `batch`, `flex`, `priority`. */
  readonly tiers?: Readonly<Record<string, TokenPrices>>;
  /** Of the price list that they are from; `config` for the operator's own. */
  readonly version: string;
}

/** Whether a model reasons before it answers; undefined where nobody knows. */
export function reasons({ reasoning, capabilities }: ModelFacts): boolean | undefined {
  return reasoning === undefined ? capabilities?.includes("reasoning") : reasoning.style !== "none";
}
