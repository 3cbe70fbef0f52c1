import { type Fields, isFields, nameOf } from "../json.ts";
import { invalid } from "./errors.ts";

/** What a conversation amounts to for the next answer. */
export interface Conversation {
  readonly text: string;
  readonly attachments: number;
  readonly toolResults: readonly string[];
  readonly texts: readonly string[];
}

const roles = ["developer", "system", "user", "assistant", "tool", "function"];

/**
 * Members of messages by OpenAI's reference, and what its answers have when they are sent back as they came. Its own models
 * refuse all others; servers like it pass over them.
 */
const members = new Set(
  "role content name refusal annotations audio tool_calls tool_call_id function_call phase".split(" "),
);

/** @param strict whether unknown members are refused. @throws WireError naming the message that is wrong */
export function readMessages(messages: unknown, strict = false): Conversation {
  if (!Array.isArray(messages)) {
    throw invalid(
      "messages",
      `Invalid type for 'messages': expected an array, got ${nameOf(messages)}.`,
      "invalid_type",
    );
  }
  if (messages.length === 0)
    throw invalid("messages", "Invalid 'messages': at least one message is needed.", "empty_array");

  const last = { text: "", attachments: 0, toolResults: [] as string[] };
  const texts: string[] = [];
  let pending = new Set<string>();
  for (const [index, message] of messages.entries()) {
    const at = `messages[${index}]`;
    if (!isFields(message)) throw invalid(at, `Invalid type for '${at}': expected an object, got ${nameOf(message)}.`);
    const odd = strict ? Object.keys(message).find((name) => !members.has(name)) : undefined;
    if (odd !== undefined) throw invalid(`${at}.${odd}`, `Unknown parameter: '${at}.${odd}'.`, "unknown_parameter");
    if (!roles.includes(String(message.role))) throw invalid(`${at}.role`, `Must be one of ${roles.join(", ")}.`);
    const { text, attachments } = readContent(message, at);
    texts.push(text);
    if (message.role === "tool") {
      const id = String(message.tool_call_id);
      if (!pending.delete(id)) throw invalid(`${at}.tool_call_id`, `No tool call '${id}' precedes this tool message.`);
      last.toolResults.push(text);
      continue;
    }
    if (pending.size > 0) {
      throw invalid(at, `Tool calls without a tool message that answers them: ${[...pending].join(", ")}.`);
    }
    last.toolResults = [];
    if (message.role === "assistant") pending = readCalls(message.tool_calls, at, texts);
    if (message.role === "user") Object.assign(last, { text, attachments });
  }
  if (pending.size > 0) throw invalid("messages", `The tool calls ${[...pending].join(", ")} have no answer.`);
  return { ...last, texts };
}

const partTypes: Readonly<Record<string, readonly string[]>> = {
  user: ["text", "image_url", "input_audio", "file"],
  assistant: ["text", "refusal"],
};

function readContent(message: Fields, at: string): { readonly text: string; readonly attachments: number } {
  const { content, role } = message;
  if (typeof content === "string") return { text: content, attachments: 0 };
  if (content == null) {
    if (role === "assistant") return { text: "", attachments: 0 };
    throw invalid(`${at}.content`, `Invalid value for 'content': expected a string, got ${nameOf(content)}.`);
  }
  if (!Array.isArray(content)) throw invalid(`${at}.content`, "Must be a string or an array of parts.", "invalid_type");
  const allowed = partTypes[String(role)] ?? ["text"];
  const texts: string[] = [];
  for (const [index, part] of content.entries()) {
    const type = isFields(part) ? String(part.type) : "";
    if (!isFields(part) || !allowed.includes(type)) {
      throw invalid(`${at}.content[${index}].type`, `Must be one of ${allowed.join(", ")} in a ${role} message.`);
    }
    readPart(part, `${at}.content[${index}]`);
    if (type === "text") texts.push(String(part.text));
  }
  return { text: texts.join("\n"), attachments: content.length - texts.length };
}

function readPart(part: Fields, at: string): void {
  if (part.type === "text" && typeof part.text !== "string") throw invalid(`${at}.text`, "Must be a string.");
  if (part.type === "image_url") {
    const url = isFields(part.image_url) ? String(part.image_url.url) : "";
    if (!/^(https?:\/\/|data:image\/(png|jpeg|webp|gif);base64,)/.test(url)) {
      throw invalid(`${at}.image_url.url`, "Must be a web address or a data: URL of a png, jpeg, webp or gif.");
    }
  }
  if (part.type === "input_audio" && !isFields(part.input_audio))
    throw invalid(`${at}.input_audio`, "Must be an object.");
  if (part.type === "file" && !isFields(part.file)) throw invalid(`${at}.file`, "Must be an object.");
}

/** @returns the ids that the next messages must answer */
function readCalls(calls: unknown, at: string, texts: string[]): Set<string> {
  if (calls == null) return new Set();
  if (!Array.isArray(calls) || calls.length === 0)
    throw invalid(`${at}.tool_calls`, "Must be an array, and not empty.");
  return new Set(
    calls.map((call: unknown, index) => {
      const path = `${at}.tool_calls[${index}]`;
      if (!isFields(call) || typeof call.id !== "string") throw invalid(`${path}.id`, "Must be a string.");
      const named = call.type === "custom" ? call.custom : call.function;
      const input = isFields(named) ? (call.type === "custom" ? named.input : named.arguments) : undefined;
      if (typeof input !== "string")
        throw invalid(path, "Must be a function with arguments, or custom with input, as text.");
      texts.push(input);
      return call.id;
    }),
  );
}
