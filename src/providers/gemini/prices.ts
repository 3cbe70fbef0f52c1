import type { ModelPrices } from "../../domain/model-facts.ts";

/** When these prices were read. They change; what the configuration says of a model wins. */
const version = "2025-11";

/**
 * USD for a million tokens of prompt and answer, as Google lists them for text in prompts of up to 200,000 tokens. The
 * first name that a model's name begins with counts: longer ones stand first.
 */
const prices: readonly (readonly [name: string, input: number, output: number])[] = [
  ["gemini-3-pro", 2, 12],
  ["gemini-2.5-pro", 1.25, 10],
  ["gemini-2.5-flash-lite", 0.1, 0.4],
  ["gemini-2.5-flash-image", 0.3, 30],
  ["gemini-2.5-flash", 0.3, 2.5],
  ["gemini-2.0-flash-lite", 0.075, 0.3],
  ["gemini-2.0-flash", 0.1, 0.4],
  ["gemini-embedding-001", 0.15, 0],
];

/** Kinds of models that cost something else than the family they are named after. */
const others = /tts|live|native-audio|computer-use|preview-image|pro-image/;

/** @returns undefined for a model whose price is not known */
export function pricesOf(model: string): ModelPrices | undefined {
  const name = model.replace(/^.*\//, "");
  const found = others.test(name) ? undefined : prices.find(([begin]) => name.startsWith(begin));
  if (found === undefined) return undefined;
  const [, input, output] = found;
  return { inputNanoUsd: Math.round(input * 1e9), outputNanoUsd: Math.round(output * 1e9), version };
}
