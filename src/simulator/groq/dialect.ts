import { entries } from "../chat-variants/list.ts";
import { createVariant, messagesOf, refusal } from "../chat-variants/variant.ts";
import type { Fields } from "../json.ts";
import { headersOf } from "../openai/chat.ts";

const members = new Set(
  (
    "messages model citation_options compound_custom disable_tool_validation documents exclude_domains " +
    "frequency_penalty function_call functions include_domains include_reasoning max_completion_tokens max_tokens n " +
    "parallel_tool_calls presence_penalty reasoning_effort reasoning_format response_format search_settings seed " +
    "service_tier stop stream stream_options temperature tool_choice tools top_p user"
  ).split(" "),
);
const ofMessages = new Set(["role", "content", "name", "tool_calls", "tool_call_id", "function_call", "reasoning"]);
const tiers = ["auto", "on_demand", "flex", "performance"];

/** Groq: strict, usage in its own member, thoughts as `reasoning`. */
export const groq = createVariant({
  root: /^\/(?:openai\/)?v1/,
  models: /llama|gpt-oss|qwen/,
  // Of its own are documents; results of tools may hold whatever users may (groq-sdk).
  parts: () => ["text", "image_url", "document"],
  check,
  thinks: (body, model) =>
    /gpt-oss|qwen/.test(model) && body.reasoning_effort !== "none" && body.include_reasoning !== false,
  answer: {
    reasoning: "reasoning",
    usageOnLast: false,
    usage: (usage) => ({ ...usage, queue_time: 0.01, prompt_time: 0.02, completion_time: 0.1, total_time: 0.12 }),
    head: (place, usage, sequence) => {
      const id = `req_simulated_${sequence}`;
      if (place === "between") return {};
      return { x_groq: place === "last" ? { id, usage } : { id, ...(place === "first" && { seed: 7 }) } };
    },
  },
  headers: (exchange) => ({ ...headersOf(exchange), "x-groq-region": "simulated" }),
  error: ({ message, type, code, param }) => ({
    error: { message, type, ...(code && { code }), ...(param && { param }) },
  }),
  list: {
    path: "/models",
    body: { object: "list", data: entries({ active: true, context_window: 131_072, max_completion_tokens: 32_768 }) },
  },
  embeddings: true,
});

function check(body: Fields, model: string): void {
  const unknown = Object.keys(body).find((name) => !members.has(name));
  if (unknown !== undefined) throw refusal(`property '${unknown}' is unsupported`, { param: unknown });
  for (const [index, message] of messagesOf(body).entries()) {
    const odd = Object.keys(message).find((name) => !ofMessages.has(name));
    const at = `messages.${index}`;
    if (odd !== undefined) throw refusal(`'${at}' : for '${at}' the property '${odd}' is unsupported`);
    if (message.reasoning !== undefined && !/gpt-oss|qwen|reasoner/.test(model)) {
      throw refusal(`'${at}' : reasoning is not supported with this model`);
    }
  }
  if (body.n != null && body.n !== 1) throw refusal("'n' : number must be at most 1", { param: "n" });
  if (body.service_tier != null && !tiers.includes(String(body.service_tier)))
    throw refusal("'service_tier' : value must be one of auto, on_demand, flex, performance");
  if (body.reasoning_effort != null && !/gpt-oss|qwen/.test(model))
    throw refusal("`reasoning_effort` is not supported with this model", { param: "reasoning_effort" });
  if (body.reasoning_format != null && body.include_reasoning != null)
    throw refusal("cannot specify both reasoning_format and include_reasoning");
}
