import { entries } from "../chat-variants/list.ts";
import { createVariant, refusal } from "../chat-variants/variant.ts";
import { isFields } from "../json.ts";

/** vLLM: thoughts as `reasoning`, bare errors, ids of its own. */
export const vllm = createVariant({
  root: /^\/v1/,
  models: /./,
  parts: (role) => (role === "user" ? ["text", "image_url", "input_audio", "audio_url", "video_url"] : ["text"]),
  check: ({ reasoning_effort: effort, structured_outputs: outputs }) => {
    if (effort != null && !["low", "medium", "high"].includes(String(effort)))
      throw refusal("Input should be 'low', 'medium' or 'high'", { param: "reasoning_effort" });
    if (outputs != null && (!isFields(outputs) || Object.keys(outputs).length !== 1))
      throw refusal("You can only use one kind of structured outputs constraint");
  },
  thinks: ({ reasoning_effort, chat_template_kwargs: kwargs }, model) =>
    !(isFields(kwargs) && kwargs.enable_thinking === false) &&
    (reasoning_effort != null || /^(?:qwen3|gpt-oss)/.test(model)),
  answer: {
    reasoning: "reasoning",
    usageOnLast: false,
    usage: ({ prompt_tokens, completion_tokens, total_tokens }) => ({ prompt_tokens, completion_tokens, total_tokens }),
    callId: (id) => `chatcmpl-tool-${id}`,
  },
  headers: ({ requestId }) => ({ "x-request-id": requestId }),
  error: ({ status, message, param }) => ({
    object: "error",
    message,
    type: types[status] ?? "InternalServerError",
    param,
    code: status,
  }),
  list: { path: "/models", body: { object: "list", data: entries({ max_model_len: 32_768, root: "simulated" }) } },
  embeddings: true,
});

const types: Readonly<Record<number, string>> = {
  400: "BadRequestError",
  401: "AuthenticationError",
  404: "NotFoundError",
};
