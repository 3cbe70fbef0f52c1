import { packageCatalog } from "../config/package-catalog.ts";
import { GatewayError } from "../domain/errors.ts";
import { type CatalogLayer, createModelCatalog } from "../domain/model-catalog.ts";
import type { ModelFacts } from "../domain/model-facts.ts";
import { anthropic } from "./anthropic/adapter.ts";
import { azure } from "./azure/adapter.ts";
import { bedrock } from "./bedrock/adapter.ts";
import { cohere } from "./cohere/adapter.ts";
import { deepseek } from "./deepseek/adapter.ts";
import { gemini } from "./gemini/adapter.ts";
import { groq } from "./groq/adapter.ts";
import { mistral } from "./mistral/adapter.ts";
import { ollama } from "./ollama/adapter.ts";
import { openai } from "./openai/adapter.ts";
import { openrouter } from "./openrouter/adapter.ts";
import type { Provider } from "./provider.ts";
import { vertex } from "./vertex/adapter.ts";
import { vllm } from "./vllm/adapter.ts";
import { xai } from "./xai/adapter.ts";

/** Adapters by provider kind. A new provider is a folder and a line here. */
const adapters: ReadonlyMap<string, Provider> = new Map(
  [
    anthropic,
    azure,
    bedrock,
    cohere,
    deepseek,
    gemini,
    groq,
    mistral,
    ollama,
    openai,
    openrouter,
    vertex,
    vllm,
    xai,
  ].map((adapter) => [adapter.kind, adapter]),
);

/** What is known of a model before the provider's list was read. */
export type FactsOf = (kind: string, model: string) => ModelFacts;

/**
 * What adapters read out of names, under what the package's catalogue knows, under what further ones do.
 * @param further catalogues of the operator; the later one wins
 */
export function createFacts(further: readonly CatalogLayer[] = []): FactsOf {
  const catalog = createModelCatalog([packageCatalog, ...further]);
  return (kind, model) => ({ ...providerOf(kind).facts?.(model), ...catalog.facts(kind, model) });
}

/** @throws GatewayError `internal` for a kind without an adapter: configuration accepts none such */
export function providerOf(kind: string): Provider {
  const adapter = adapters.get(kind);
  if (!adapter) throw new GatewayError("internal", `There is no adapter for providers of kind ${kind}.`);
  return adapter;
}
