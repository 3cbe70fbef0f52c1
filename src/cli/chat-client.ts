/** One question to a model, with instructions if any. */
export interface ChatQuestion {
  readonly model: string;
  readonly system: string | null;
  readonly prompt: string;
}

/** A piece of an answer, in the order in which it comes. */
export type ChatPiece =
  | { readonly kind: "text" | "reasoning" | "refusal"; readonly text: string }
  | { readonly kind: "notice"; readonly text: string }
  | { readonly kind: "served"; readonly by: string; readonly simulated: boolean }
  | { readonly kind: "usage"; readonly inputTokens: number | undefined; readonly outputTokens: number | undefined }
  /** Why it ended, in the words of the protocol; `stop` is the ordinary end. */
  | { readonly kind: "finished"; readonly reason: string };

/** How `trunkline chat` talks to a gateway; one implementation a protocol. */
export interface ChatClient {
  /** The model to ask when none is named: the first that the gateway lists. */
  firstModel(signal: AbortSignal): Promise<string>;
  /** @throws CliError in one sentence; ends only after the answer was complete */
  stream(question: ChatQuestion, signal: AbortSignal): AsyncIterable<ChatPiece>;
}
