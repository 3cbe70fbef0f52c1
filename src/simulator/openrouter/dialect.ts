import { created } from "../chat-variants/list.ts";
import { createVariant } from "../chat-variants/variant.ts";
import { isFields } from "../json.ts";

const format = "anthropic-claude-v1";
const models = ["echo", "reasoner"].map((id) => ({
  id,
  name: `Simulated: ${id}`,
  created,
  context_length: 200_000,
  architecture: { input_modalities: ["text", "image", "file"], output_modalities: ["text"], tokenizer: "Other" },
  pricing: { prompt: "0.000003", completion: "0.000015", request: "0", image: "0" },
  top_provider: { context_length: 200_000, max_completion_tokens: 64_000, is_moderated: false },
  supported_parameters: ["max_tokens", "temperature", "tools", "reasoning", "structured_outputs"],
}));

/** OpenRouter: comments while it looks for a provider, details of reasoning, what the call cost. */
export const openrouter = createVariant({
  root: /^\/api\/v1/,
  models: /\//,
  parts: (role) => (role === "user" ? null : ["text"]),
  // What it does not know it passes over.
  check: () => {},
  thinks: ({ reasoning, reasoning_effort: effort }) => {
    const { effort: level = effort, enabled } = isFields(reasoning) ? reasoning : {};
    return (reasoning != null || effort != null) && level !== "none" && enabled !== false;
  },
  answer: {
    reasoning: "reasoning",
    usageOnLast: false,
    usage: (usage) => ({ ...usage, cost: Number(usage.total_tokens) / 1_000_000, is_byok: false }),
    head: () => ({ provider: "Simulated" }),
    message: (message) =>
      typeof message.reasoning === "string"
        ? {
            ...message,
            reasoning_details: [
              { type: "reasoning.text", text: message.reasoning, signature: "c2ltdWxhdGVk", format, index: 0 },
            ],
          }
        : message,
    comment: ": OPENROUTER PROCESSING\n\n",
    errorEvent: {
      id: "gen-simulated",
      object: "chat.completion.chunk",
      created,
      model: "echo",
      provider: "Simulated",
      error: { code: 502, message: "Provider disconnected", metadata: { error_type: "provider_unavailable" } },
      choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }],
    },
  },
  headers: ({ sequence }) => ({ "x-generation-id": `gen-simulated-${sequence}` }),
  error: ({ status, message }) => ({ error: { code: status, message, metadata: { provider_name: "Simulated" } } }),
  list: { path: "/models", body: { data: models } },
  embeddings: true,
});
