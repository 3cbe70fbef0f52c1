import {
  type ChatMessage,
  type Part,
  Role,
  type ToolCall,
  ToolCallKind,
  type ToolResult,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { invalidValue, objectText } from "../../dialects/json-splice.ts";
import { type JsonMembers, type JsonTree, toJsonText } from "../../dialects/json-text.ts";
import { dropCallExtras, dropMessageExtras, dropPartExtras, dropResultExtras } from "../../dialects/unsaid-parts.ts";
import { toCitations } from "./citations.ts";
import { type Draft, unsupported } from "./draft.ts";
import { rulesOf } from "./models.ts";
import { Documents, searchDocument, toImage } from "./request-media.ts";

/** The conversation, and what the model may cite. */
export interface Conversation {
  readonly messages: readonly JsonTree[];
  readonly documents: readonly JsonTree[];
  /** Whether documents may be cited. */
  readonly cites: boolean;
}

/** @throws GatewayError `invalid_value` for results without a call and for empty conversations */
export function toConversation(draft: Draft): Conversation {
  const documents = new Documents(draft);
  const calls = new Set<string>();
  const messages = draft.request.messages.flatMap((message, index) => {
    const path = `messages[${index}]`;
    dropMessageExtras(message, path, draft.losses);
    const before = draft.losses.losses.length + documents.list.length;
    const encoded = encodeMessage(message, path, { draft, documents, calls });
    if (encoded.length === 0 && draft.losses.losses.length + documents.list.length === before) {
      draft.losses.drop(path, "is empty and was left out.");
    }
    return encoded;
  });
  if (messages.length === 0) throw invalidValue("messages", "hold nothing that can be sent. Send some content.");
  return { messages, documents: documents.list, cites: documents.cites };
}

interface Reading {
  readonly draft: Draft;
  readonly documents: Documents;
  /** Ids of the calls so far. */
  readonly calls: Set<string>;
}

function encodeMessage(message: ChatMessage, path: string, reading: Reading): JsonMembers[] {
  for (const [index, part] of message.parts.entries()) {
    dropPartExtras(part, `${path}.parts[${index}]`, reading.draft.losses);
  }
  switch (message.role) {
    case Role.SYSTEM:
    case Role.DEVELOPER:
      return encodeSystem(message, path);
    case Role.ASSISTANT:
      return encodeAssistant(message, path, reading);
    default:
      return encodeUser(message, path, reading);
  }
}

function encodeSystem({ parts }: ChatMessage, path: string): JsonMembers[] {
  const texts = parts.map(({ kind }, index) => {
    if (kind.case === "text") return kind.value;
    throw unsupported(`${path}.parts[${index}]`, "is not text. Instructions may hold text only.");
  });
  const content = contentOf(texts.filter((text) => text !== "").map(textBlock));
  return content === null ? [] : [{ role: "system", content }];
}

/** Results first, each a message of its own; then what the user says. */
function encodeUser({ parts }: ChatMessage, path: string, reading: Reading): JsonMembers[] {
  const results: JsonMembers[] = [];
  const blocks: JsonMembers[] = [];
  for (const [index, { kind }] of parts.entries()) {
    const at = `${path}.parts[${index}]`;
    if (kind.case === "toolResult") results.push(encodeResult(kind.value, `${at}.tool_result`, reading));
    else if (kind.case === "text") {
      if (kind.value !== "") blocks.push(textBlock(kind.value));
    } else if (kind.case === "image") blocks.push(toImage(kind.value, `${at}.image`));
    else if (kind.case === "searchResult" || kind.case === "file") reading.documents.add(kind, at);
    else if (isForeign(kind)) dropForeign(at, reading.draft);
    else
      throw unsupported(at, "is not read by this provider. Allowed are text, images, text files and search results.");
  }
  const content = contentOf(blocks);
  return content === null ? results : [...results, { role: "user", content }];
}

function encodeAssistant({ parts }: ChatMessage, path: string, reading: Reading): JsonMembers[] {
  const { draft } = reading;
  const blocks: JsonMembers[] = [];
  const thoughts: string[] = [];
  const calls: JsonTree[] = [];
  const citations: JsonMembers[] = [];
  for (const [index, part] of parts.entries()) {
    const { kind } = part;
    const at = `${path}.parts[${index}]`;
    if (kind.case === "text" || kind.case === "refusal") {
      const text = kind.case === "text" ? kind.value : kind.value.text;
      citations.push(...toCitations(part.annotations));
      if (text !== "") blocks.push(textBlock(text));
    } else if (kind.case === "reasoning") {
      const { summary, redacted, text } = kind.value;
      if (summary.length > 0) draft.losses.drop(`${at}.reasoning.summary`, "this provider has no summaries.");
      if (redacted) draft.losses.drop(`${at}.reasoning`, "only the provider that hid it can read it.");
      else thoughts.push(text);
    } else if (kind.case === "toolCall") {
      reading.calls.add(kind.value.id);
      calls.push(encodeCall(kind.value, `${at}.tool_call`, draft));
    } else if (isForeign(kind)) dropForeign(at, draft);
    else throw unsupported(at, "cannot be a part of an assistant's turn for this provider.");
  }
  const { plan, thinking } = placeThoughts(thoughts, calls.length > 0, `${path}.parts`, draft);
  const content = contentOf([...thinking, ...blocks]);
  if (content === null && calls.length === 0) return [];
  return [
    {
      role: "assistant",
      ...(plan !== "" && { tool_plan: plan }),
      ...(calls.length > 0 && { tool_calls: calls }),
      ...(content !== null && { content }),
      ...(citations.length > 0 && { citations }),
    },
  ];
}

/** Models that do not reason have a plan before their calls, and no other place for thoughts. */
function placeThoughts(thoughts: readonly string[], calls: boolean, field: string, { target, losses }: Draft) {
  if (thoughts.length === 0) return { plan: "", thinking: [] };
  if (rulesOf(target).reasons !== false) {
    return { plan: "", thinking: thoughts.map((thinking) => ({ type: "thinking", thinking })) };
  }
  if (calls) return { plan: thoughts.join("\n"), thinking: [] };
  losses.drop(field, "this model does not reason; the reasoning of this turn was left out.");
  return { plan: "", thinking: [] };
}

function encodeCall(call: ToolCall, field: string, { losses }: Draft): JsonTree {
  dropCallExtras(call, field, losses);
  const isCustom = call.kind === ToolCallKind.CUSTOM;
  const input = isCustom ? { input: call.arguments } : objectText(call.arguments, `${field}.arguments`);
  return { id: call.id, type: "function", function: { name: call.name, arguments: toJsonText(input) } };
}

/** Texts and search results; the latter can be cited. */
function encodeResult(result: ToolResult, field: string, { draft, calls }: Reading): JsonMembers {
  const { callId, isError, parts } = result;
  if (!calls.has(callId)) throw invalidValue(`${field}.call_id`, "names no tool call of an earlier assistant turn.");
  dropResultExtras(result, field, draft.losses);
  const blocks = parts.flatMap<JsonMembers>((part, index) => {
    const { kind } = part;
    const at = `${field}.parts[${index}]`;
    dropPartExtras(part, at, draft.losses);
    if (kind.case === "text") return [textBlock(kind.value)];
    if (kind.case === "searchResult") {
      return [{ type: "document", document: { data: searchDocument(kind.value, `${at}.search_result`) } }];
    }
    throw unsupported(at, "is not read in a result by this provider. Allowed are text and search results.");
  });
  if (isError) {
    draft.losses.approximate(`${field}.is_error`, "this provider has no such mark; the text begins with 'Error:'.");
    blocks.unshift(textBlock("Error:"));
  }
  return { role: "tool", tool_call_id: callId, content: contentOf(blocks) ?? "" };
}

function textBlock(text: string): JsonMembers {
  return { type: "text", text };
}

/** One text as it is, several blocks as a list; null when there is nothing. */
function contentOf(blocks: readonly JsonMembers[]): JsonTree | null {
  const [first] = blocks;
  if (first === undefined) return null;
  return blocks.length === 1 && first.type === "text" && typeof first.text === "string" ? first.text : blocks;
}

function isForeign({ case: kind }: Part["kind"]): boolean {
  return kind === "hostedCall" || kind === "hostedResult" || kind === "opaque";
}

function dropForeign(field: string, { losses }: Draft): void {
  losses.drop(field, "only the provider that made it understands it.");
}
