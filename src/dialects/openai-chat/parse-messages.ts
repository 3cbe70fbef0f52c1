import { create } from "@bufbuild/protobuf";
import {
  type ChatMessage,
  type Part,
  PartSchema,
  RefusalPartSchema,
  Role,
  ToolResultSchema,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { chatMessage } from "../../domain/blank.ts";
import type { JsonObject } from "../json-body.ts";
import {
  invalid,
  isSet,
  noteUnknown,
  type Place,
  toArray,
  toBoolean,
  toChoice,
  toObject,
  toText,
  toWord,
} from "../json-read.ts";
import type { ChatDraft } from "./chat-draft.ts";
import { cacheMarkOf } from "./parse-cache.ts";
import { type ContentType, parseContent } from "./parse-content.ts";
import { parseReasoningParts } from "./parse-reasoning.ts";
import { legacyCallId, parseFunctionCall, parseToolCalls } from "./parse-tool-calls.ts";

const maxMessages = 10_000;
const roles = ["system", "developer", "user", "assistant", "tool", "function"] as const;
type RoleName = (typeof roles)[number];

/** What the messages before this one have said that later ones refer to. */
interface Conversation {
  /** Names of the tools that were called, by call id. */
  readonly calls: Map<string, string>;
  /** Id of the latest deprecated `function_call`, by function name. */
  readonly functionCalls: Map<string, string>;
  readonly draft: ChatDraft;
}

/** Reads `messages`. @throws GatewayError `invalid_value` with the place of what is wrong */
export function parseMessages(value: unknown, place: Place, draft: ChatDraft): ChatMessage[] {
  const messages = toArray(value, place, maxMessages);
  const conversation = { calls: new Map(), functionCalls: new Map(), draft };
  return messages.map((message, i) => parseMessage(toObject(message, place.at(i)), place.at(i), i, conversation));
}

function parseMessage(message: JsonObject, place: Place, index: number, conversation: Conversation): ChatMessage {
  const role = toChoice(message.role, place.at("role"), roles);
  noteUnknown(message, knownMembers[role], place, conversation.draft);
  const number = role === "function" ? Role.TOOL : roleNumbers[role];
  const read = chatMessage(number, partsOf(role, message, place, index, conversation));
  // A function's name is the tool's name; everywhere else it tells speakers apart.
  if (role !== "function" && isSet(message.name)) read.name = toWord(message.name, place.at("name"), 256);
  if (isSet(message.phase)) read.phase = toWord(message.phase, place.at("phase"), 64);
  const cache = cacheMarkOf(message, place);
  const last = read.parts.at(-1);
  if (cache && last) last.cache ??= cache;
  return read;
}

const roleNumbers = {
  system: Role.SYSTEM,
  developer: Role.DEVELOPER,
  user: Role.USER,
  assistant: Role.ASSISTANT,
  tool: Role.TOOL,
} as const;

const everywhere = ["role", "content", "name", "cache_control", "prompt_cache_breakpoint"];
const knownMembers: Record<RoleName, ReadonlySet<string>> = {
  system: new Set(everywhere),
  developer: new Set(everywhere),
  user: new Set(everywhere),
  tool: new Set([...everywhere, "tool_call_id", "is_error"]),
  function: new Set(everywhere),
  assistant: new Set([
    ...["refusal", "audio", "phase", "tool_calls", "function_call"],
    ...["reasoning_content", "reasoning", "reasoning_details", "thinking_blocks"],
    // Citations decorate an answer for people; a model does not read them. SDKs send them back with the message.
    "annotations",
    ...everywhere,
  ]),
};

const media: readonly ContentType[] = ["text", "image_url", "input_audio", "video_url", "file"];

function partsOf(role: RoleName, message: JsonObject, place: Place, index: number, conversation: Conversation): Part[] {
  const notes = conversation.draft;
  const at = place.at("content", "parts");
  switch (role) {
    case "system":
    case "developer":
      return parseContent(message.content, at, ["text"], notes);
    case "user": {
      const parts = parseContent(message.content, at, media, notes);
      if (parts.length === 0) throw invalid(at, "must not be empty.");
      return parts;
    }
    case "assistant":
      return parseAssistant(message, place, index, conversation);
    case "tool":
      return [parseToolMessage(message, place, conversation)];
    case "function":
      return [parseFunctionMessage(message, place, conversation)];
  }
}

/** Looks for the calls' own text in the whole body, which few requests need. */
function callsOf(calls: unknown, place: Place, index: number, { draft }: Conversation): Part[] {
  const json = draft.json.member("messages")?.element(index)?.member("tool_calls");
  return parseToolCalls(calls, place.at("tool_calls", "parts"), json);
}

/** In the order in which models give it: reasoning, text, refusal, calls. */
function parseAssistant(message: JsonObject, place: Place, index: number, conversation: Conversation): Part[] {
  const { content, refusal, audio, tool_calls: toolCalls, function_call: functionCall } = message;
  const parts = parseReasoningParts(message, place);
  if (isSet(content)) {
    parts.push(...parseContent(content, place.at("content", "parts"), ["text", "refusal"], conversation.draft));
  }
  if (isSet(refusal)) {
    const text = toText(refusal, place.at("refusal", "parts"));
    parts.push(create(PartSchema, { kind: { case: "refusal", value: create(RefusalPartSchema, { text }) } }));
  }
  if (isSet(audio)) {
    const at = place.at("audio", "parts");
    const id = toWord(toObject(audio, at).id, at.at("id"), 512);
    parts.push(create(PartSchema, { kind: { case: "audio", value: { $typeName: "trunkline.v1.AudioPart", id } } }));
  }
  const calls = isSet(toolCalls) ? callsOf(toolCalls, place, index, conversation) : [];
  for (const part of calls) {
    if (part.kind.case === "toolCall") conversation.calls.set(part.kind.value.id, part.kind.value.name);
  }
  if (calls.length === 0 && isSet(functionCall)) {
    const call = parseFunctionCall(functionCall, place.at("function_call", "parts"), legacyCallId(index));
    conversation.functionCalls.set(call.name, call.id);
    calls.push(create(PartSchema, { kind: { case: "toolCall", value: call } }));
  }
  parts.push(...calls);
  if (parts.length === 0 && !isSet(content))
    throw invalid(place.at("content", "parts"), "is required without tool_calls.");
  return parts;
}

function parseToolMessage(message: JsonObject, place: Place, { calls, draft }: Conversation): Part {
  const at = place.at("tool_call_id", "parts[0].tool_result.call_id");
  const callId = toWord(message.tool_call_id, at, 256);
  const name = calls.get(callId);
  if (name === undefined) {
    throw invalid(at, "must be the id of a call in tool_calls of an assistant message before it.");
  }
  const content = parseContent(message.content, place.at("content", "parts[0].tool_result.parts"), media, draft);
  const isError = isSet(message.is_error) && toBoolean(message.is_error, place.at("is_error"));
  return toolResult(callId, name, content, isError);
}

function parseFunctionMessage(message: JsonObject, place: Place, { functionCalls, draft }: Conversation): Part {
  const at = place.at("name", "parts[0].tool_result.name");
  const name = toWord(message.name, at, 256);
  const callId = functionCalls.get(name);
  if (callId === undefined) throw invalid(at, "must name a function_call of an assistant message before it.");
  // The deprecated role allows null for "nothing came back".
  const content = message.content ?? "";
  const parts = parseContent(content, place.at("content", "parts[0].tool_result.parts"), ["text"], draft);
  return toolResult(callId, name, parts, false);
}

function toolResult(callId: string, name: string, parts: Part[], isError: boolean): Part {
  const value = create(ToolResultSchema, { callId, name, parts, isError });
  return create(PartSchema, { kind: { case: "toolResult", value } });
}
