import { GatewayError } from "../domain/errors.ts";
import { anthropic } from "./anthropic/adapter.ts";
import { azure } from "./azure/adapter.ts";
import { cohere } from "./cohere/adapter.ts";
import { deepseek } from "./deepseek/adapter.ts";
import { gemini } from "./gemini/adapter.ts";
import { groq } from "./groq/adapter.ts";
import { mistral } from "./mistral/adapter.ts";
import { ollama } from "./ollama/adapter.ts";
import { openai } from "./openai/adapter.ts";
import { openrouter } from "./openrouter/adapter.ts";
import type { Provider } from "./provider.ts";
import { vllm } from "./vllm/adapter.ts";
import { xai } from "./xai/adapter.ts";

/** Adapters by provider kind. A new provider is a folder and a line here. */
const adapters: ReadonlyMap<string, Provider> = new Map(
  [anthropic, azure, cohere, deepseek, gemini, groq, mistral, ollama, openai, openrouter, vllm, xai].map((adapter) => [
    adapter.kind,
    adapter,
  ]),
);

/** @throws GatewayError `internal` for a kind without an adapter: configuration accepts none such */
export function providerOf(kind: string): Provider {
  const adapter = adapters.get(kind);
  if (!adapter) throw new GatewayError("internal", `There is no adapter for providers of kind ${kind}.`);
  return adapter;
}
