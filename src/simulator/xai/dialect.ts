import { created } from "../chat-variants/list.ts";
import { createVariant, refusal } from "../chat-variants/variant.ts";
import { type Fields, isFields } from "../json.ts";
import { headersOf } from "../openai/chat.ts";

const models = ["echo", "reasoner"].map((id) => ({
  id,
  object: "model",
  created,
  owned_by: "xai",
  version: "1.0",
  input_modalities: ["text", "image"],
  output_modalities: ["text"],
  prompt_text_token_price: 20_000,
  cached_prompt_text_token_price: 5_000,
  completion_text_token_price: 100_000,
}));

/** xAI: reasoning counted beside the answer, what the call cost, errors of its own form. */
export const xai = createVariant({
  root: /^\/v1/,
  models: /^grok-/,
  parts: (role) => (role === "user" ? ["text", "image_url"] : ["text"]),
  check,
  thinks: (body, model) => thinking.test(model) && body.reasoning_effort !== "none",
  answer: {
    reasoning: "reasoning_content",
    usageOnLast: true,
    usage: apart,
    head: (place) => (place === "last" || place === "whole" ? { citations: [] } : {}),
  },
  headers: headersOf,
  error: ({ message, status }) => ({ code: codes[status] ?? "The service is currently unavailable", error: message }),
  list: { path: "/language-models", body: { models } },
  embeddings: false,
});

const thinking = /^grok-(?!.*non-reasoning)(?:4|code|3-mini)/;
const codes: Readonly<Record<number, string>> = {
  400: "Client specified an invalid argument",
  401: "Unauthenticated",
  404: "The requested resource was not found",
  429: "Some resource has been exhausted",
};

function check(body: Fields, model: string): void {
  if (!thinking.test(model)) return;
  for (const [name, theirs] of refused) {
    if (body[name] != null) throw refusal(`Model ${model} does not support parameter ${theirs}.`);
  }
  if (body.reasoning_effort != null && !/^grok-(?:4[.-][356]|3-mini)/.test(model))
    throw refusal(`Model ${model} does not support parameter reasoningEffort.`);
}

const refused = [
  ["presence_penalty", "presencePenalty"],
  ["frequency_penalty", "frequencyPenalty"],
  ["stop", "stop"],
] as const;

function apart(usage: Fields): Fields {
  const details = isFields(usage.completion_tokens_details) ? usage.completion_tokens_details : {};
  const completion = Number(usage.completion_tokens);
  const cost = Number(usage.prompt_tokens) * 20_000 + completion * 100_000;
  return {
    ...usage,
    completion_tokens: completion - Number(details.reasoning_tokens),
    num_sources_used: 0,
    cost_in_usd_ticks: cost,
  };
}
