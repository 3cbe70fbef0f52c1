import type { ModelFacts, ModelPrices } from "../../domain/model-facts.ts";

/** When these figures were read. They change; the provider's list and the configuration win. */
const version = "2025-11";

const text = ["text"];
const chat = ["tools", "streaming"];

/** First match wins; figures as Groq documents them. */
const families: readonly (readonly [pattern: RegExp, facts: ModelFacts])[] = [
  [/gpt-oss-120b/, { ...reasoner(131_072, 65_536, ["low", "medium", "high"]), prices: usd(0.15, 0.6) }],
  [/gpt-oss-20b/, { ...reasoner(131_072, 65_536, ["low", "medium", "high"]), prices: usd(0.075, 0.3) }],
  [/qwen3-32b/, { ...reasoner(131_072, 40_960, ["none", "default"]), prices: usd(0.29, 0.59) }],
  [/qwen3/, { capabilities: [...chat, "reasoning"], efforts: ["none", "default"] }],
  [
    /llama-4/,
    { ...window(131_072, 8_192), inputModalities: ["text", "image"], capabilities: [...chat, "json_schema"] },
  ],
  [
    /llama-3\.3-70b/,
    { ...window(131_072, 32_768), inputModalities: text, capabilities: chat, prices: usd(0.59, 0.79) },
  ],
  [
    /llama-3\.1-8b/,
    { ...window(131_072, 131_072), inputModalities: text, capabilities: chat, prices: usd(0.05, 0.08) },
  ],
];

/** What is known of a model by its name; nothing of names that are not known. */
export function factsOf(model: string): ModelFacts {
  return families.find(([pattern]) => pattern.test(model))?.[1] ?? {};
}

function window(contextWindow: number, maxOutputTokens: number): ModelFacts {
  return { contextWindow, maxOutputTokens, outputModalities: text };
}

function reasoner(contextWindow: number, maxOutputTokens: number, efforts: readonly string[]): ModelFacts {
  const capabilities = [...chat, "json_schema", "reasoning"];
  return { ...window(contextWindow, maxOutputTokens), inputModalities: text, capabilities, efforts };
}

/** @param input and `output`: USD for a million tokens */
function usd(input: number, output: number): ModelPrices {
  return { inputNanoUsd: Math.round(input * 1e9), outputNanoUsd: Math.round(output * 1e9), version };
}
