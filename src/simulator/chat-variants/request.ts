import { type Fields, isFields } from "../json.ts";

/** Members that mean the same to everyone. */
const shared = ["model", "n", "stop", "stream", "temperature", "top_p", "frequency_penalty", "presence_penalty"];
const format = ["tools", "tool_choice", "parallel_tool_calls", "response_format", "logprobs", "top_logprobs"];

/** A body that a variant has taken, in OpenAI's words. What only that provider knows is understood and left out. */
export function asOpenAi(body: Fields, thinks: boolean): Fields {
  const plain = Object.fromEntries([...shared, ...format].map((name) => [name, body[name]]));
  return {
    ...plain,
    tools: functionsOf(body.tools),
    tool_choice: body.tool_choice === "any" ? "required" : body.tool_choice,
    messages: Array.isArray(body.messages) ? body.messages.map(messageOf) : body.messages,
    max_completion_tokens: body.max_completion_tokens ?? body.max_tokens,
    reasoning_effort: thinks ? "high" : "none",
  };
}

/** Tools that the provider runs itself are accepted and never called. */
function functionsOf(tools: unknown): unknown {
  if (!Array.isArray(tools)) return tools;
  const functions = tools.filter((tool) => !isFields(tool) || tool.type === "function");
  return functions.length > 0 ? functions : undefined;
}

function messageOf(message: unknown): unknown {
  if (!isFields(message)) return message;
  const { role, content, tool_calls, tool_call_id } = message;
  if (!Array.isArray(content)) return { role, content, tool_calls, tool_call_id };
  const parts = contentOf(content);
  // Whether a result may hold more than text was the variant's to say.
  const read = role === "tool" ? parts.filter((part) => !isFields(part) || part.type === "text") : parts;
  return { role, content: read, tool_calls, tool_call_id };
}

function contentOf(parts: readonly unknown[]): readonly unknown[] {
  return parts.flatMap((part) => {
    if (!isFields(part) || part.type === "thinking") return [];
    if (part.type === "image_url" && typeof part.image_url === "string")
      return [{ type: "image_url", image_url: { url: part.image_url } }];
    if (part.type === "document_url" || part.type === "video_url") return [{ type: "file", file: {} }];
    if (part.type === "input_audio" && typeof part.input_audio === "string")
      return [{ type: "input_audio", input_audio: {} }];
    return [part];
  });
}
