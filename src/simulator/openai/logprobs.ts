import type { Answer } from "../compose.ts";

/** Log probabilities of the answer's tokens, or of the one at a position. They fall with the rank of an alternative. */
export function logprobsOf(answer: Answer, alternatives: number, position?: number): object {
  const tokens = position === undefined ? answer.text : answer.text.slice(position, position + 1);
  return { content: tokens.map((token) => tokenOf(token, alternatives)), refusal: null };
}

function tokenOf(token: string, alternatives: number): object {
  const top = Array.from({ length: alternatives }, (_, rank) => {
    const text = rank === 0 ? token : `${token}${rank}`;
    return { token: text, logprob: -0.125 * 2 ** rank, bytes: [...Buffer.from(text)] };
  });
  return { token, logprob: -0.125, bytes: [...Buffer.from(token)], top_logprobs: top };
}
