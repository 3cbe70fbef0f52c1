import { createHash } from "node:crypto";
import { type Fields, isFields } from "../json.ts";
import { invalid } from "./errors.ts";

/** What a conversation amounts to for the next answer. */
export interface Conversation {
  readonly text: string;
  readonly attachments: number;
  readonly toolResults: readonly string[];
  readonly texts: readonly string[];
}

/** The signature of a thinking block: nobody else can make one, so that changed blocks are found. */
export function signatureOf(thinking: string): string {
  return createHash("sha256").update("simulated").update(thinking).digest("base64");
}

/** @throws WireError naming the message that is wrong */
export function readMessages(messages: unknown): Conversation {
  if (!Array.isArray(messages)) throw invalid("messages: Field required");
  if (messages.length === 0) throw invalid("messages: at least one message is required");
  const last = { text: "", attachments: 0, toolResults: [] as string[] };
  const texts: string[] = [];
  let open: readonly string[] = [];
  for (const [index, message] of messages.entries()) {
    const at = `messages.${index}`;
    if (!isFields(message)) throw invalid(`${at}: Input should be an object`);
    const { role } = message;
    if (role !== "user" && role !== "assistant" && (role !== "system" || index === 0)) {
      throw invalid(`${at}.role: Input should be 'user' or 'assistant'`);
    }
    const read = readContent(message.content, role, at);
    texts.push(...read.texts);
    checkResults(at, open, read.results);
    open = read.calls;
    if (role !== "user") continue;
    last.toolResults = read.results.map(({ text }) => text);
    if (read.spoken.length > 0 || read.results.length === 0) {
      Object.assign(last, { text: read.spoken.join("\n"), attachments: read.attachments });
    }
  }
  if (open.length > 0) throw invalid(`messages: tool_use ids without tool_result: ${open.join(", ")}`);
  return { ...last, texts };
}

interface Content {
  readonly spoken: string[];
  readonly texts: string[];
  readonly calls: string[];
  readonly results: { readonly id: string; readonly text: string }[];
  attachments: number;
}

function readContent(content: unknown, role: string, at: string): Content {
  const read: Content = { spoken: [], texts: [], calls: [], results: [], attachments: 0 };
  const blocks = typeof content === "string" ? [{ type: "text", text: content }] : content;
  if (!Array.isArray(blocks)) throw invalid(`${at}.content: Input should be a string or a list`);
  if (blocks.length === 0) throw invalid(`${at}: ${role} messages must have non-empty content`);
  for (const [index, block] of blocks.entries()) {
    if (!isFields(block)) throw invalid(`${at}.content.${index}: Input should be an object`);
    readBlock(block, role, `${at}.content.${index}`, read);
  }
  return read;
}

function readBlock(block: Fields, role: string, at: string, read: Content): void {
  switch (block.type) {
    case "text":
      if (typeof block.text !== "string" || block.text === "")
        throw invalid(`${at}: text content blocks must be non-empty`);
      read.spoken.push(block.text);
      read.texts.push(block.text);
      return;
    case "image":
    case "document":
    case "search_result":
      if (block.type !== "search_result") checkSource(block.source, `${at}.${block.type}.source`);
      read.attachments++;
      return;
    case "tool_result": {
      const text = readTexts(block.content, at).join("\n");
      read.results.push({ id: String(block.tool_use_id), text });
      read.texts.push(text);
      return;
    }
    case "thinking":
      if (block.signature !== signatureOf(String(block.thinking))) {
        throw invalid(`${at}: Invalid \`signature\` in \`thinking\` block`);
      }
      return;
    case "tool_use":
      if (role !== "assistant") throw invalid(`${at}: tool_use blocks can only be in assistant messages`);
      if (!isFields(block.input)) throw invalid(`${at}.tool_use.input: Input should be an object`);
      read.calls.push(String(block.id));
      read.texts.push(JSON.stringify(block.input));
      return;
    default:
      // Blocks of server tools, and redacted thinking, come back as they were sent.
      if (typeof block.type !== "string" || role !== "assistant") throw invalid(`${at}.type: no known content block`);
  }
}

function checkSource(source: unknown, at: string): void {
  const type = isFields(source) ? String(source.type) : "";
  if (!["base64", "url", "file", "text", "content"].includes(type)) {
    throw invalid(`${at}.type: Input should be 'base64', 'url', 'file', 'text' or 'content'`);
  }
}

function checkResults(at: string, open: readonly string[], results: Content["results"]): void {
  const given = new Set(results.map(({ id }) => id));
  const missing = open.filter((id) => !given.has(id));
  if (missing.length > 0) throw invalid(`${at}: tool_use ids without tool_result right after: ${missing.join(", ")}`);
  const foreign = [...given].filter((id) => !open.includes(id));
  if (foreign.length > 0) throw invalid(`${at}: tool_result without a tool_use before it: ${foreign.join(", ")}`);
}

/** The texts of a string or of a list of blocks. */
export function readTexts(content: unknown, at: string): readonly string[] {
  if (content === undefined) return [];
  if (typeof content === "string") return [content];
  if (!Array.isArray(content)) throw invalid(`${at}: Input should be a string or a list`);
  return content.flatMap((block: unknown) => (isFields(block) && typeof block.text === "string" ? [block.text] : []));
}
