import type { ModelPrices } from "../../domain/model-facts.ts";

/** When these prices were read. They change; what the configuration says of a model wins. */
const version = "2025-11";

/** USD for a million tokens of prompt and answer, standard tier, as OpenAI lists them. First match wins. */
const prices: readonly (readonly [pattern: RegExp, input: number, output: number])[] = [
  [/^gpt-5(?:\.1)?-nano\b/, 0.05, 0.4],
  [/^gpt-5(?:\.1)?-mini\b/, 0.25, 2],
  [/^gpt-5(?:\.1)?(?:-chat-latest|-codex|-\d{4}-\d\d-\d\d)?$/, 1.25, 10],
  [/^gpt-4\.1-nano\b/, 0.1, 0.4],
  [/^gpt-4\.1-mini\b/, 0.4, 1.6],
  [/^gpt-4\.1(?:-\d{4}-\d\d-\d\d)?$/, 2, 8],
  [/^gpt-4o-mini(?:-\d{4}-\d\d-\d\d)?$/, 0.15, 0.6],
  [/^gpt-4o(?:-2024-08-06|-2024-11-20)?$/, 2.5, 10],
  [/^o3(?:-\d{4}-\d\d-\d\d)?$/, 2, 8],
  [/^o4-mini(?:-\d{4}-\d\d-\d\d)?$/, 1.1, 4.4],
];

/** @returns undefined for a model whose price is not known */
export function pricesOf(model: string): ModelPrices | undefined {
  const found = prices.find(([pattern]) => pattern.test(model));
  if (found === undefined) return undefined;
  const [, input, output] = found;
  return { inputNanoUsd: Math.round(input * 1e9), outputNanoUsd: Math.round(output * 1e9), version };
}
