import { entries } from "../chat-variants/list.ts";
import { createVariant, messagesOf, refusal } from "../chat-variants/variant.ts";
import { type Fields, isFields } from "../json.ts";

/** DeepSeek: texts only, thoughts that must come back, cache counts of its own. */
export const deepseek = createVariant({
  root: /^(?:\/v1|\/beta)?(?=\/)/,
  models: /^deepseek-/,
  parts: (role) => (role === "user" ? ["text", "image_url"] : ["text"]),
  check,
  thinks,
  answer: {
    reasoning: "reasoning_content",
    usageOnLast: true,
    usage: (usage) => {
      const cached = isFields(usage.prompt_tokens_details) ? Number(usage.prompt_tokens_details.cached_tokens) : 0;
      const missed = Number(usage.prompt_tokens) - cached;
      return { ...usage, prompt_cache_hit_tokens: cached, prompt_cache_miss_tokens: missed };
    },
    comment: ": keep-alive\n\n",
  },
  headers: ({ requestId }) => ({ "x-ds-trace-id": requestId }),
  error: ({ message, type, param, code }) => ({
    error: { message, type, param, code: code ?? "invalid_request_error" },
  }),
  list: { path: "/models", body: { object: "list", data: entries({}) } },
  embeddings: false,
});

function thinks(body: Fields, model: string): boolean {
  if (isFields(body.thinking) && body.thinking.type === "disabled") return false;
  return body.reasoning_effort != null || /-v4|reasoner/.test(model);
}

function check(body: Fields, model: string, path: string): void {
  const format = isFields(body.response_format) ? body.response_format.type : undefined;
  if (format === "json_schema") throw refusal("This response_format type is unavailable now");
  if (body.n != null && body.n !== 1) throw refusal("Invalid n value (currently only n = 1 is supported)");
  const backs = Array.isArray(body.tools) && thinks(body, model);
  for (const [index, message] of messagesOf(body).entries()) {
    if (message.role === "developer") throw refusal(`messages[${index}]: unknown variant \`developer\``);
    if (Array.isArray(message.content) && !/-vision/.test(model)) {
      throw refusal(`messages[${index}]: invalid type: sequence, expected a string`);
    }
    if (message.prefix === true && !path.startsWith("/beta"))
      throw refusal("prefix is a beta feature: set base_url to https://api.deepseek.com/beta");
    if (backs && message.role === "assistant" && typeof message.reasoning_content !== "string")
      throw refusal("The reasoning_content in the thinking mode must be passed back to the API.");
  }
}
