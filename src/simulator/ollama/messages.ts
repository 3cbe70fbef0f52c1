import { isFields, isStrings } from "../json.ts";
import { invalid } from "./errors.ts";

/** What a conversation amounts to for the next answer. */
export interface Conversation {
  readonly isEmpty: boolean;
  readonly text: string;
  readonly attachments: number;
  readonly toolResults: readonly string[];
  readonly texts: readonly string[];
}

const members = new Set([...["role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id"]]);
const roles = ["system", "user", "assistant", "tool"];

/** @throws WireError naming the member that is wrong */
export function readMessages(messages: unknown): Conversation {
  if (messages == null) return { isEmpty: true, text: "", attachments: 0, toolResults: [], texts: [] };
  if (!Array.isArray(messages)) throw wrong("messages", "[]api.Message");
  const last = { text: "", attachments: 0, toolResults: [] as string[] };
  const texts: string[] = [];
  for (const message of messages as unknown[]) {
    if (!isFields(message)) throw wrong("messages", "api.Message");
    const unknown = Object.keys(message).find((name) => !members.has(name));
    if (unknown !== undefined) throw invalid(`json: unknown field "messages.${unknown}"`);
    const { role, content = "", thinking = "", images } = message;
    if (!roles.includes(String(role)))
      throw invalid(`invalid role: ${String(role)}, must be one of ${roles.join(", ")}`);
    if (typeof content !== "string") throw wrong("messages.content", "string");
    if (typeof thinking !== "string") throw wrong("messages.thinking", "string");
    const attachments = readImages(images);
    texts.push(...[content, thinking, ...readCalls(message.tool_calls)].filter((text) => text !== ""));
    if (role === "tool") {
      if (typeof message.tool_name !== "string") throw wrong("messages.tool_name", "string");
      last.toolResults.push(content);
      continue;
    }
    last.toolResults = [];
    if (role === "user") Object.assign(last, { text: content, attachments });
  }
  return { ...last, isEmpty: messages.length === 0, texts };
}

/** Pictures are base64 and nothing else: no address, no `data:` before it. */
function readImages(images: unknown): number {
  if (images == null) return 0;
  if (!isStrings(images)) throw wrong("messages.images", "[]api.ImageData");
  const wrongOne = images.find((image) => !/^[A-Za-z0-9+/]+={0,2}$/.test(image) || image.length % 4 !== 0);
  if (wrongOne !== undefined) throw invalid("illegal base64 data at input byte 4");
  return images.length;
}

function readCalls(calls: unknown): readonly string[] {
  if (calls == null) return [];
  if (!Array.isArray(calls)) throw wrong("messages.tool_calls", "[]api.ToolCall");
  return calls.map((call: unknown) => {
    const named = isFields(call) ? call.function : undefined;
    if (!isFields(named) || typeof named.name !== "string") throw wrong("messages.tool_calls.function.name", "string");
    if (!isFields(named.arguments)) {
      throw wrong("messages.tool_calls.function.arguments", "api.ToolCallFunctionArguments");
    }
    return JSON.stringify(named.arguments);
  });
}

function wrong(member: string, type: string): Error {
  return invalid(`json: cannot unmarshal value into Go struct field ChatRequest.${member} of type ${type}`);
}
