import type { Answer } from "../compose.ts";
import type { PromptCache } from "../prompt-cache.ts";
import { countTokens, tokenize } from "../tokens.ts";
import type { ChatAsk } from "./chat-request.ts";

/** Tokens that the roles and marks of one message take. */
const tokensAMessage = 3;
/** OpenAI caches prompts from this length on, in steps. Tokens. */
const minCachedTokens = 1_024;
const cachedStep = 128;

/** What the tokens of a request and its answer are counted from. */
export interface Counted {
  readonly model: string;
  readonly texts: readonly string[];
  readonly choices: number;
}

export interface Counts {
  readonly prompt: number;
  readonly cached: number;
  readonly completion: number;
  readonly reasoning: number;
}

/** Tokens of a request and its answer. */
export function countsOf(ask: Counted, answer: Answer, cache: PromptCache): Counts {
  const prompt = ask.texts.reduce((sum, text) => sum + tokensAMessage + countTokens(text), 0);
  const spoken = [answer.text, answer.refusal, ...answer.calls.map(({ input }) => input)];
  const reasoning = answer.reasoning.length * ask.choices;
  const completion = spoken.reduce((sum, tokens) => sum + tokens.length, answer.reasoning.length) * ask.choices;
  return { prompt, cached: cachedTokens(ask, prompt, cache), completion, reasoning };
}

/** The usage member of a chat completion. */
export function usageOf(ask: ChatAsk, answer: Answer, cache: PromptCache): object {
  const { prompt, cached, completion, reasoning } = countsOf(ask, answer, cache);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function cachedTokens(ask: Counted, prompt: number, cache: PromptCache): number {
  if (prompt < minCachedTokens) return 0;
  const beginning = tokenize(ask.texts.join("\n")).slice(0, minCachedTokens).join("");
  return cache.visit(`${ask.model}\n${beginning}`) ? Math.floor(prompt / cachedStep) * cachedStep : 0;
}
