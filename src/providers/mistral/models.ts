import type { ModelFacts, ModelPrices } from "../../domain/model-facts.ts";

/** When these figures were read. They change; the provider's list and the configuration win. */
const version = "2025-12";

/** First match wins; USD for a million tokens. */
const families: readonly (readonly [pattern: RegExp, facts: ModelFacts])[] = [
  [/^mistral-embed/, { contextWindow: 8_192, capabilities: ["embeddings"], prices: usd(0.1, 0) }],
  [/^codestral-embed/, { contextWindow: 8_192, capabilities: ["embeddings"], prices: usd(0.15, 0) }],
  [
    /^magistral-medium/,
    { contextWindow: 131_072, ...capabilitiesOf(["function_calling", "reasoning"]), prices: usd(2, 5) },
  ],
  [
    /^magistral/,
    { contextWindow: 131_072, ...capabilitiesOf(["function_calling", "reasoning"]), prices: usd(0.5, 1.5) },
  ],
  [/^mistral-large/, { contextWindow: 262_144, prices: usd(0.5, 1.5) }],
  [/^mistral-medium/, { contextWindow: 131_072, prices: usd(0.4, 2) }],
  [/^mistral-small/, { contextWindow: 131_072, prices: usd(0.1, 0.3) }],
  [/^codestral/, { contextWindow: 262_144, prices: usd(0.3, 0.9) }],
];

/** What is known of a model by its name; nothing of names that are not known. */
export function factsOf(model: string): ModelFacts {
  return families.find(([pattern]) => pattern.test(model))?.[1] ?? {};
}

/** Facts from the flags that Mistral's list gives a model. */
export function capabilitiesOf(flags: readonly string[]): ModelFacts {
  if (flags.length === 0) return {};
  const has = (flag: string, ...given: readonly string[]) => (flags.includes(flag) ? given : []);
  return {
    capabilities: [
      ...has("completion_chat", "streaming", "json_schema"),
      ...has("function_calling", "tools"),
      ...has("reasoning", "reasoning"),
    ],
    inputModalities: ["text", ...has("vision", "image"), ...has("audio", "audio"), ...has("ocr", "document")],
  };
}

function usd(input: number, output: number): ModelPrices {
  return { inputNanoUsd: Math.round(input * 1e9), outputNanoUsd: Math.round(output * 1e9), version };
}
