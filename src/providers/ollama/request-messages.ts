import {
  type ChatMessage,
  type Part,
  Role,
  type ToolCall,
  ToolCallKind,
  type ToolResult,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { invalidValue, objectText } from "../../dialects/json-splice.ts";
import type { JsonMembers, JsonTree } from "../../dialects/json-text.ts";
import { dropCallExtras, dropMessageExtras, dropPartExtras, dropResultExtras } from "../../dialects/unsaid-parts.ts";
import { type Draft, unsupported } from "./draft.ts";
import { toImageData, toInlineText } from "./request-media.ts";

/** The conversation, one message for each of the caller's and one before it for each tool result. */
export function toMessages(draft: Draft): readonly JsonTree[] {
  const names = callNames(draft);
  const messages = draft.request.messages.flatMap((message, index) => {
    const path = `messages[${index}]`;
    dropMessageExtras(message, path, draft.losses);
    const read = readMessage(message, path, names, draft);
    const said = toMessage(message, read);
    if (said === null && read.results.length === 0 && !read.reported) {
      draft.losses.drop(path, "is empty and was left out.");
    }
    return said === null ? read.results : [...read.results, said];
  });
  if (messages.length === 0) throw invalidValue("messages", "hold nothing that can be sent. Send some content.");
  return messages;
}

/** Names of all calls by id: the provider finds the call that a result belongs to by its name. */
function callNames({ request }: Draft): ReadonlyMap<string, string> {
  const calls = request.messages.flatMap(({ parts }) => parts.map(({ kind }) => kind));
  return new Map(calls.flatMap((kind) => (kind.case === "toolCall" ? [[kind.value.id, kind.value.name]] : [])));
}

/** A message's parts, sorted into what the wire has places for. */
interface Content {
  readonly texts: string[];
  readonly thoughts: string[];
  readonly images: string[];
  readonly calls: JsonTree[];
  readonly results: JsonMembers[];
  /** Whether a part was left out that has been reported already. */
  reported: boolean;
}

function emptyContent(): Content {
  return { texts: [], thoughts: [], images: [], calls: [], results: [], reported: false };
}

function readMessage(
  { role, parts }: ChatMessage,
  path: string,
  names: ReadonlyMap<string, string>,
  draft: Draft,
): Content {
  const content = emptyContent();
  const isOnlyText = role === Role.SYSTEM || role === Role.DEVELOPER;
  for (const [index, part] of parts.entries()) {
    const at = `${path}.parts[${index}]`;
    if (isOnlyText && part.kind.case !== "text") throw unsupported(at, "is not text. Instructions may hold text only.");
    if (role === Role.ASSISTANT && (part.kind.case === "image" || part.kind.case === "file")) {
      throw unsupported(at, "cannot be a part of an assistant's turn. Send pictures and files in a user's turn.");
    }
    dropPartExtras(part, at, draft.losses);
    if (part.kind.case === "toolResult") content.results.push(toResult(part.kind.value, at, names, draft));
    else readPart(part, at, content, draft);
  }
  noteOrder(parts, path, draft);
  return content;
}

function readPart({ kind }: Part, at: string, content: Content, draft: Draft): void {
  switch (kind.case) {
    case "text":
      if (kind.value !== "") content.texts.push(kind.value);
      return;
    case "refusal":
      content.texts.push(kind.value.text);
      return;
    case "reasoning":
      if (kind.value.summary.length > 0)
        draft.losses.drop(`${at}.reasoning.summary`, "this provider has no summaries.");
      if (kind.value.redacted) draft.losses.drop(`${at}.reasoning`, "only the provider that hid it can read it.");
      else content.thoughts.push(kind.value.text);
      content.reported ||= kind.value.redacted;
      return;
    case "image":
      content.images.push(toImageData(kind.value, `${at}.image`, draft));
      return;
    case "file":
    case "searchResult":
      content.texts.push(toInlineText(kind, at, draft));
      return;
    case "toolCall":
      content.calls.push(toCall(kind.value, `${at}.tool_call`, draft));
      return;
    case "hostedCall":
    case "hostedResult":
    case "opaque":
      draft.losses.drop(at, "only the provider that made it understands it.");
      content.reported = true;
      return;
    case "audio":
    case "video":
      throw unsupported(`${at}.${kind.case}`, "is not read by this provider. Allowed are text and images.");
    default:
      throw invalidValue(at, "has no content that can stand here.");
  }
}

/** The wire has one text and the pictures beside it, so that a picture between two texts loses its place. */
function noteOrder(parts: readonly Part[], path: string, { losses }: Draft): void {
  const first = parts.findIndex(({ kind }) => kind.case === "text");
  const image = parts.findLastIndex(({ kind }) => kind.case === "image");
  const last = parts.findLastIndex(({ kind }) => kind.case === "text");
  if (first !== -1 && first < image && image < last) {
    losses.approximate(`${path}.parts`, "pictures between texts are sent beside the joined text.");
  }
}

const roles: ReadonlyMap<Role, string> = new Map([
  [Role.SYSTEM, "system"],
  // The provider's templates know no developers.
  [Role.DEVELOPER, "system"],
  [Role.ASSISTANT, "assistant"],
]);

/** Null when nothing is left to say. */
function toMessage({ role }: ChatMessage, { texts, thoughts, images, calls }: Content): JsonMembers | null {
  if (texts.length + thoughts.length + images.length + calls.length === 0) return null;
  return {
    role: roles.get(role) ?? "user",
    content: texts.join("\n"),
    ...(thoughts.length > 0 && { thinking: thoughts.join("\n") }),
    ...(images.length > 0 && { images }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

/** Servers before 0.13 know no ids and pass over them; arguments are an object, spliced as it was written. */
function toCall(call: ToolCall, field: string, { losses }: Draft): JsonTree {
  dropCallExtras(call, field, losses);
  const isCustom = call.kind === ToolCallKind.CUSTOM;
  const input = isCustom ? { input: call.arguments } : objectText(call.arguments, `${field}.arguments`);
  return { id: call.id, function: { name: call.name, arguments: input } };
}

function toResult(result: ToolResult, at: string, names: ReadonlyMap<string, string>, draft: Draft): JsonMembers {
  const field = `${at}.tool_result`;
  const name = names.get(result.callId) ?? result.name;
  if (name === "") throw invalidValue(`${field}.call_id`, "names no tool call of an earlier assistant turn.");
  dropResultExtras(result, field, draft.losses);
  const content = emptyContent();
  for (const [index, part] of result.parts.entries()) {
    const path = `${field}.parts[${index}]`;
    if (part.kind.case === "toolCall" || part.kind.case === "reasoning") {
      throw invalidValue(path, "may hold text, images, text files and search results.");
    }
    dropPartExtras(part, path, draft.losses);
    readPart(part, path, content, draft);
  }
  if (result.isError) {
    draft.losses.approximate(`${field}.is_error`, "this provider has no such mark; the text begins with 'Error:'.");
  }
  const text = content.texts.join("\n");
  return {
    role: "tool",
    content: result.isError ? `Error: ${text}` : text,
    tool_name: name,
    tool_call_id: result.callId,
    ...(content.images.length > 0 && { images: content.images }),
  };
}
