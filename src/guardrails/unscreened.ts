import type { Frame } from "../domain/chat.ts";

/** The guardrails of a gateway that configures none: prompts and answers pass as they are, at no cost. */
export const unscreened = {
  async screenPrompt<W>(work: W): Promise<W> {
    return work;
  },
  screenAnswer(answer: AsyncIterable<readonly Frame[]>): AsyncIterable<readonly Frame[]> {
    return answer;
  },
};
