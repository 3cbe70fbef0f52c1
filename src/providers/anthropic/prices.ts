import type { ModelPrices } from "../../domain/model-facts.ts";

/** When these prices were read. They change; what the configuration says of a model wins. */
const version = "2025-11";

/** USD for a million tokens of prompt and answer, as Anthropic lists them, by family. */
const prices: ReadonlyMap<string, readonly [input: number, output: number]> = new Map([
  ["claude-opus-4-5", [5, 25]],
  ["claude-opus-4-1", [15, 75]],
  ["claude-opus-4", [15, 75]],
  ["claude-sonnet-4-5", [3, 15]],
  ["claude-sonnet-4", [3, 15]],
  ["claude-haiku-4-5", [1, 5]],
  ["claude-3-7-sonnet", [3, 15]],
  ["claude-3-5-haiku", [0.8, 4]],
  ["claude-3-haiku", [0.25, 1.25]],
]);

/** @param family as `claudeName` reads it @returns undefined for a model whose price is not known */
export function pricesOf(family: string): ModelPrices | undefined {
  const found = prices.get(family);
  if (found === undefined) return undefined;
  const [input, output] = found;
  return { inputNanoUsd: Math.round(input * 1e9), outputNanoUsd: Math.round(output * 1e9), version };
}
