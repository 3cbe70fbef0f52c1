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
  readonly prices?: ModelPrices;
  /** Which of the provider's interfaces the model is asked through, where there are several. Absent: its first. */
  readonly api?: ModelApi;
  /** Name that the model was deployed under, where that is not its own. Azure. */
  readonly deployment?: string;
}

/** OpenAI's two interfaces: chat completions and Responses. */
export type ModelApi = "chat" | "responses";

/** What tokens cost. Nano-USD (10⁻⁹ USD) for a million. */
export interface ModelPrices {
  readonly inputNanoUsd: number;
  readonly outputNanoUsd: number;
  /** Of the price list that they are from; `config` for the operator's own. */
  readonly version: string;
}
