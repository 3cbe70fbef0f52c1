/** What a caller saw of an answer, in no format's words. */
export interface Seen {
  /** HTTP status of the reply. */
  readonly status: number;
  /** Null where the answer was a good one to its end. */
  readonly error: SeenError | null;
  readonly choices: readonly SeenChoice[];
  readonly usage: SeenUsage | null;
  /** Events that carried text; 0 of a whole answer. */
  readonly deltas: number;
  /** Entries of the loss report: `field;action`. */
  readonly losses: readonly string[];
  /** The first choice's message as it came, to be sent back. */
  readonly native: unknown;
}

export interface SeenError {
  /** The stable code, or what this format has in its place. */
  readonly code: string;
  /** The field at fault; empty where none is named. */
  readonly param: string;
  readonly message: string;
  /** Null where the caller is told no time. */
  readonly retryAfterSeconds: number | null;
  /** Whether output came before it. */
  readonly midway: boolean;
}

export interface SeenChoice {
  readonly text: string;
  readonly reasoning: string;
  readonly refusal: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  /** `other` for words that stand for none of these. */
  readonly finish: "stop" | "length" | "calls" | "refused" | "other";
  /** Tokens that came with their log probability, and alternatives of the first of them. */
  readonly logprobs: number;
  readonly alternatives: number;
}

/** Null where a count is not told. */
export interface SeenUsage {
  readonly input: number | null;
  readonly output: number | null;
  readonly cached: number | null;
  readonly reasoning: number | null;
}

export const emptyChoice: SeenChoice = {
  text: "",
  reasoning: "",
  refusal: "",
  calls: [],
  finish: "other",
  logprobs: 0,
  alternatives: 0,
};
