import type { ModelPrices } from "../../domain/model-facts.ts";

/** When these prices were read. They change; what the configuration says of a model wins. */
const version = "2025-11";

/** USD for a million tokens of prompt and answer, as Cohere lists them. First match wins. */
const prices: readonly (readonly [pattern: RegExp, input: number, output: number])[] = [
  [/^command-a-(?:03|reasoning|vision|translate)/, 2.5, 10],
  [/^command-r-plus-08-2024$/, 2.5, 10],
  [/^command-r-08-2024$/, 0.15, 0.6],
  [/^command-r7b-12-2024$/, 0.0375, 0.15],
  [/^embed-v4/, 0.12, 0],
  [/^embed-(?:english|multilingual)-(?:light-)?v3/, 0.1, 0],
];

/** @returns undefined for a model whose price is not known */
export function pricesOf(model: string): ModelPrices | undefined {
  const found = prices.find(([pattern]) => pattern.test(model));
  if (found === undefined) return undefined;
  const [, input, output] = found;
  return { inputNanoUsd: Math.round(input * 1e9), outputNanoUsd: Math.round(output * 1e9), version };
}
