import type { ModelFacts, ModelPrices } from "../../domain/model-facts.ts";

/** When these figures were read. They change; what the configuration says of a model wins. */
const version = "2025-12";
const efforts = ["none", "low", "medium", "high", "max"];
const chat = ["tools", "streaming"];
/** Without a cache hit; USD for a million tokens. */
const prices: ModelPrices = { inputNanoUsd: 0.28e9, outputNanoUsd: 0.42e9, version };

/** What is known of a model by its name; nothing of names that are not known. */
export function factsOf(model: string): ModelFacts {
  const window = { contextWindow: 131_072, outputModalities: ["text"] };
  const capabilities = [...chat, "reasoning"];
  if (model === "deepseek-chat") {
    return { ...window, maxOutputTokens: 8_192, inputModalities: ["text"], capabilities: chat, prices };
  }
  if (/^deepseek-reasoner/.test(model)) {
    return { ...window, maxOutputTokens: 65_536, inputModalities: ["text"], capabilities, prices };
  }
  if (!/^deepseek-v4/.test(model)) return {};
  const inputModalities = /-vision/.test(model) ? ["text", "image"] : ["text"];
  return { inputModalities, outputModalities: ["text"], capabilities, efforts };
}

/** Whether a model thinks when nobody says anything of it. */
export function thinksByDefault(model: string): boolean {
  return /reasoner|-r1\b|-v4/.test(model);
}
