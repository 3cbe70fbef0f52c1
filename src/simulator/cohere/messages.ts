import { type Fields, isFields } from "../json.ts";
import { invalid } from "./errors.ts";

/** What a conversation amounts to for the next answer. */
export interface Conversation {
  readonly text: string;
  readonly attachments: number;
  readonly toolResults: readonly string[];
  readonly texts: readonly string[];
}

const blocksOf: Readonly<Record<string, readonly string[]>> = {
  system: ["text"],
  user: ["text", "image_url"],
  assistant: ["text", "thinking"],
  tool: ["text", "document"],
};

/** @throws WireError naming the message that is wrong */
export function readMessages(messages: unknown): Conversation {
  if (!Array.isArray(messages) || messages.length === 0) throw invalid("invalid request: messages must not be empty");
  const last = { text: "", attachments: 0, toolResults: [] as string[] };
  const texts: string[] = [];
  const open = new Set<string>();
  for (const [index, message] of messages.entries()) {
    const at = `messages[${index}]`;
    if (!isFields(message)) throw invalid(`invalid request: ${at} must be an object`);
    const role = String(message.role);
    if (!(role in blocksOf))
      throw invalid(`invalid request: ${at}.role must be one of ${Object.keys(blocksOf).join(", ")}`);
    const { text, attachments } = readContent(message, role, at);
    texts.push(text);
    if (role === "tool") {
      if (!open.delete(String(message.tool_call_id)))
        throw invalid(`invalid request: ${at}.tool_call_id matches no tool call`);
      last.toolResults.push(text);
      continue;
    }
    if (open.size > 0) throw invalid(`invalid request: ${at}: tool calls without results: ${[...open].join(", ")}`);
    last.toolResults = [];
    if (role === "assistant") for (const id of readCalls(message.tool_calls, at)) open.add(id);
    if (role === "user") Object.assign(last, { text, attachments });
  }
  if (open.size > 0) throw invalid(`invalid request: tool calls without results: ${[...open].join(", ")}`);
  return { ...last, texts };
}

function readContent(message: Fields, role: string, at: string): { text: string; attachments: number } {
  const { content } = message;
  if (typeof content === "string") {
    if (content === "" && role === "user") throw invalid(`invalid request: ${at}.content must not be empty`);
    return { text: content, attachments: 0 };
  }
  if (content == null && role === "assistant" && message.tool_calls != null) return { text: "", attachments: 0 };
  if (!Array.isArray(content) || content.length === 0) throw invalid(`invalid request: ${at}.content is missing`);
  const texts: string[] = [];
  let attachments = 0;
  for (const block of content as unknown[]) {
    const type = isFields(block) ? String(block.type) : "";
    if (!isFields(block) || !blocksOf[role]?.includes(type))
      throw invalid(`invalid request: ${at}.content.type must be one of ${blocksOf[role]?.join(", ")}`);
    if (type === "image_url") {
      const url = isFields(block.image_url) ? String(block.image_url.url) : "";
      if (!/^(https?:\/\/|data:image\/)/.test(url))
        throw invalid(`invalid request: ${at}.content.image_url.url is no picture`);
      attachments++;
    } else if (type === "document") texts.push(JSON.stringify(block.document));
    else if (typeof block[type] === "string") texts.push(String(block[type]));
    else throw invalid(`invalid request: ${at}.content.${type} must be a text`);
  }
  return { text: texts.join("\n"), attachments };
}

function readCalls(calls: unknown, at: string): readonly string[] {
  if (calls == null) return [];
  if (!Array.isArray(calls)) throw invalid(`invalid request: ${at}.tool_calls must be a list`);
  return calls.map((call: unknown) => {
    const named = isFields(call) ? call.function : undefined;
    if (!isFields(call) || typeof call.id !== "string" || !isFields(named) || typeof named.arguments !== "string") {
      throw invalid(`invalid request: ${at}.tool_calls must have ids and functions with arguments as text`);
    }
    return call.id;
  });
}
