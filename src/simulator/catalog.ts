import { anthropic } from "./anthropic/dialect.ts";
import { azure } from "./azure/dialect.ts";
import { bedrock } from "./bedrock/dialect.ts";
import { cohere } from "./cohere/dialect.ts";
import { deepseek } from "./deepseek/dialect.ts";
import type { Dialect } from "./exchange.ts";
import { gemini } from "./gemini/dialect.ts";
import { groq } from "./groq/dialect.ts";
import { mistral } from "./mistral/dialect.ts";
import { ollama } from "./ollama/dialect.ts";
import { openai } from "./openai/dialect.ts";
import { openrouter } from "./openrouter/dialect.ts";
import { vertex } from "./vertex/dialect.ts";
import { vllm } from "./vllm/dialect.ts";
import { xai } from "./xai/dialect.ts";

/** Wire formats by the first segment of the path, which is not part of the provider's own paths: `/groq/v1/models`. */
const byPrefix: ReadonlyMap<string, Dialect> = new Map([
  ["openai", openai],
  ["anthropic", anthropic],
  ["ollama", ollama],
  ["gemini", gemini],
  ["groq", groq],
  ["xai", xai],
  ["deepseek", deepseek],
  ["openrouter", openrouter],
  ["mistral", mistral],
  ["vllm", vllm],
  ["cohere", cohere],
  ["azure", azure],
  ["vertex", vertex],
  ["bedrock", bedrock],
]);

export interface Found {
  readonly dialect: Dialect;
  /** The path as the provider knows it, with its query. */
  readonly url: string;
}

/** The provider that a request is meant for: by prefix, else by what only one of the oldest has. */
export function findDialect(url: string, headers: Readonly<Record<string, unknown>>): Found {
  const [, prefix = "", rest = ""] = /^\/([^/?]*)(.*)$/.exec(url) ?? [];
  const named = byPrefix.get(prefix);
  if (named) return { dialect: named, url: rest.startsWith("/") ? rest : `/${rest}` };
  // All have /v1/models: Google's clients show their key in a header of its own, Anthropic's always send their version.
  if (headers["x-goog-api-key"] !== undefined || url.startsWith("/v1beta/")) return { dialect: gemini, url };
  const isAnthropic = url.startsWith("/v1/messages") || headers["anthropic-version"] !== undefined;
  return { dialect: isAnthropic ? anthropic : openai, url };
}
