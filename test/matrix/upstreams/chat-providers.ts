import type { FeatureName } from "../features.ts";
import { each, type Foreign, textOf } from "../foreign.ts";
import { type ChatWords, readChatBody } from "./chat-body.ts";
import type { Upstream } from "./upstream.ts";

type Models = Partial<Readonly<Record<FeatureName, string>>> & { readonly usual: string };

function provider(
  name: string,
  kind: string,
  basePath: string,
  models: Models,
  words: ChatWords,
  needsCacheMark = false,
): Upstream {
  return {
    name,
    kind,
    basePath,
    isExact: kind === "openai",
    needsCacheMark,
    model: (feature) => models[feature] ?? models.usual,
    read: (body) => readChatBody(body, words),
  };
}

const either = ["max_completion_tokens", "max_tokens"];
const member = (name: string) => (message: Foreign) => (textOf(message[name]) === "" ? [] : [textOf(message[name])]);

/** Providers that speak chat completions: wire.md §2, §6, §7, §9, §10, §12, §16. */
export const chatProviders: readonly Upstream[] = [
  provider(
    "OpenAI chat",
    "openai",
    "/openai/v1",
    { usual: "gpt-4o", "reasoning effort": "gpt-5.1", "reasoning off": "gpt-5.1", "reasoning round trip": "gpt-5.1" },
    { maxTokens: either, endUser: "safety_identifier", thoughts: member("reasoning_content") },
  ),
  provider(
    "Azure OpenAI",
    "azure",
    "/azure",
    { usual: "gpt-4o", "reasoning effort": "gpt-5.1", "reasoning off": "gpt-5.1", "reasoning round trip": "gpt-5.1" },
    { maxTokens: either, thoughts: member("reasoning_content") },
  ),
  provider(
    "Groq",
    "groq",
    "/groq/openai/v1",
    {
      usual: "openai/gpt-oss-120b",
      "reasoning off": "qwen/qwen3-32b",
      "order of parts": "meta-llama/llama-4-scout",
      images: "meta-llama/llama-4-scout",
      "image by address": "meta-llama/llama-4-scout",
      "tool results with images": "meta-llama/llama-4-scout",
    },
    { maxTokens: either, thoughts: member("reasoning") },
  ),
  provider(
    "xAI",
    "xai",
    "/xai/v1",
    { usual: "grok-4.3", stop: "grok-3", "frequency penalty": "grok-3" },
    { maxTokens: either, thoughts: member("reasoning_content") },
  ),
  provider(
    "DeepSeek",
    "deepseek",
    "/deepseek",
    {
      usual: "deepseek-chat",
      images: "deepseek-v4-vision",
      "image by address": "deepseek-v4-vision",
      "tool results with images": "deepseek-v4-vision",
      "order of parts": "deepseek-v4-vision",
      "reasoning effort": "deepseek-v4",
      "reasoning off": "deepseek-v4",
      "thoughts shown": "deepseek-v4",
      "reasoning round trip": "deepseek-v4",
    },
    {
      maxTokens: ["max_tokens"],
      isOff: (body) => body.thinking?.type === "disabled",
      thoughts: member("reasoning_content"),
    },
  ),
  provider(
    "OpenRouter",
    "openrouter",
    "/openrouter/api/v1",
    { usual: "anthropic/claude-sonnet-4.5", "reasoning effort": "openai/gpt-5.1" },
    {
      maxTokens: either,
      effort: (body) => body.reasoning?.effort ?? body.reasoning_effort,
      budget: (body) => body.reasoning?.max_tokens,
      thoughts: (message) => each(message.reasoning_details).flatMap((detail) => textOf(detail.signature) || []),
    },
    true,
  ),
  provider(
    "Mistral",
    "mistral",
    "/mistral/v1",
    {
      usual: "mistral-large-2512",
      "reasoning effort": "magistral-medium-2509",
      "reasoning off": "magistral-medium-2509",
      "thoughts shown": "magistral-medium-2509",
      "reasoning round trip": "magistral-medium-2509",
    },
    {
      maxTokens: ["max_tokens"],
      seed: "random_seed",
      thoughts: (message) =>
        each(message.content)
          .filter(({ type }) => type === "thinking")
          .map((part) => JSON.stringify(part)),
    },
  ),
  provider(
    "vLLM",
    "vllm",
    "/vllm/v1",
    {
      usual: "qwen3-vl",
      "reasoning effort": "gpt-oss-20b",
      "thoughts shown": "gpt-oss-20b",
      "reasoning round trip": "gpt-oss-20b",
    },
    {
      maxTokens: either,
      isOff: (body) => body.chat_template_kwargs?.enable_thinking === false,
      thoughts: member("reasoning"),
    },
  ),
];
