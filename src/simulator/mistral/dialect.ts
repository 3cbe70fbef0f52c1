import { entries } from "../chat-variants/list.ts";
import { createVariant, messagesOf } from "../chat-variants/variant.ts";
import { type Fields, isFields } from "../json.ts";
import { WireError } from "../wire-error.ts";

const members = new Set(
  (
    "model temperature top_p max_tokens stream stop random_seed metadata messages response_format tools tool_choice " +
    "presence_penalty frequency_penalty n prediction parallel_tool_calls reasoning_effort prompt_mode guardrails " +
    "prompt_cache_key service_tier safe_prompt"
  ).split(" "),
);
const capabilities = { completion_chat: true, function_calling: true, reasoning: true, vision: true };

/** Mistral: strict in members, ids and order; thoughts as parts of the content; calls whole. */
export const mistral = createVariant({
  root: /^\/v1/,
  models: /^(?:mistral|magistral|codestral|ministral)-/,
  // Any message may hold any of them (@mistralai/mistralai).
  parts: () => ["text", "image_url", "document_url", "input_audio", "file", "reference", "thinking"],
  check,
  thinks: (body, model) =>
    body.reasoning_effort == null ? model.startsWith("magistral") : body.reasoning_effort !== "none",
  answer: {
    reasoning: "reasoning",
    usageOnLast: true,
    usage: ({ prompt_tokens, completion_tokens, total_tokens }) => ({ prompt_tokens, completion_tokens, total_tokens }),
    message: thinkingParts,
    wholeCalls: true,
    callId: (id, sequence) => `sim${String(sequence).padStart(4, "0")}${id.slice(-2).replace("_", "x")}`.slice(0, 9),
  },
  headers: ({ requestId }) => ({
    "mistral-correlation-id": requestId,
    "x-ratelimit-limit-req-minute": "60",
    "x-ratelimit-remaining-req-minute": "59",
    "x-ratelimit-remaining-tokens-minute": "499000",
  }),
  error: (error) =>
    error.status === 422
      ? { detail: [{ type: error.type, loc: ["body", error.param], msg: error.message }] }
      : { object: "error", message: error.message, type: error.type, param: error.param, code: error.code ?? "1000" },
  list: { path: "/models", body: { object: "list", data: entries({ max_context_length: 131_072, capabilities }) } },
  embeddings: true,
});

function thinkingParts({ reasoning, ...message }: Fields): Fields {
  if (typeof reasoning !== "string") return message;
  const thinking = { type: "thinking", thinking: [{ type: "text", text: reasoning }] };
  const said = typeof message.content === "string" && message.content !== "";
  return { ...message, content: [thinking, ...(said ? [{ type: "text", text: message.content }] : [])] };
}

function check(body: Fields): void {
  const unknown = Object.keys(body).find((name) => !members.has(name));
  if (unknown !== undefined)
    throw new WireError(422, "extra_forbidden", "Extra inputs are not permitted", { param: unknown });
  const messages = messagesOf(body);
  for (const [index, message] of messages.entries()) {
    const before = messages[index - 1]?.role;
    if (message.role === "developer")
      throw new WireError(422, "literal_error", "Input should be 'system', 'user', 'assistant' or 'tool'", {
        param: "messages",
      });
    if (message.role === "user" && before === "tool") throw invalid("Unexpected role 'user' after role 'tool'", "3230");
    const calls = Array.isArray(message.tool_calls) ? message.tool_calls.filter(isFields) : [];
    for (const id of [...calls.map((call) => call.id), message.tool_call_id ?? "aaaaaaaaa"]) {
      if (!/^[a-zA-Z0-9]{9}$/.test(String(id)))
        throw invalid("Tool call id has to be defined and must be a-z, A-Z, 0-9, with a length of 9.", "3280");
    }
  }
  const last = messages.at(-1);
  if (last?.role === "assistant" && last.prefix !== true)
    throw invalid("Expected last role User or Tool (or Assistant with prefix True) for serving", "3230");
}

function invalid(message: string, code: string): WireError {
  return new WireError(400, "invalid_request_message_order", message, { code });
}
