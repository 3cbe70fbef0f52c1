import type { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type ChatMessage, Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { blankChatRequest, chatMessage } from "../../domain/blank.ts";
import type { ChatCall } from "../../domain/chat.ts";
import type { JsonBody, JsonObject } from "../json-body.ts";
import {
  invalid,
  isSet,
  type MemberReaders,
  memberReaders,
  noteUnknown,
  Place,
  readMembers,
  toArray,
  toChoice,
  toObject,
} from "../json-read.ts";
import type { JsonSlice } from "../json-slice.ts";
import { forwardedHeaders, toBetas } from "./headers.ts";
import type { MessagesDraft } from "./messages-draft.ts";
import { type Holder, parseContent } from "./parse-blocks.ts";
import { settingsTable, settleReasoning } from "./parse-settings.ts";
import { toolsTable } from "./parse-tools.ts";

/** A Messages request, and what the edge must remember to answer it. */
export interface ParsedMessages {
  readonly call: ChatCall;
  /** How many messages of the contract stand before the caller's first: one where there is a system prompt. */
  readonly before: number;
}

export interface MessagesAsked {
  readonly lossPolicy: LossPolicy;
  /** `count_tokens`, which needs no bound for an answer. */
  readonly counting?: boolean;
  header(name: string): string | undefined;
}

/**
 * Reads `POST /v1/messages` and `/v1/messages/count_tokens`, as wire.md §4 and the SDKs' types have them. One message here
 * is one message there; the system prompt is one more, before them.
 * @throws GatewayError `invalid_value` with `param` in this dialect's path and `field` in the contract's
 */
export function parseMessagesRequest(body: JsonBody, { lossPolicy, counting, header }: MessagesAsked): ParsedMessages {
  const request = blankChatRequest();
  request.lossPolicy = lossPolicy;
  const draft: MessagesDraft = {
    request,
    json: body.json,
    unknown: [],
    stream: false,
    native: new Map(),
    calls: new Map(),
  };
  readMembers(body.value, Place.root, readers, draft, draft);
  const { model, max_tokens: maxTokens, messages, system } = body.value;
  if (!isSet(model))
    throw invalid(Place.root.at("model"), "is required: the name of a model, as GET /v1/models lists them.");
  if (!isSet(maxTokens) && !counting) throw invalid(Place.root.at("max_tokens", "max_output_tokens"), "is required.");
  const instructions = parseSystem(system, draft);
  const turns = parseMessages(messages, instructions.length, draft);
  request.messages = [...instructions, ...turns];
  settleReasoning(draft);
  const headers = forwardedHeaders(header);
  keepNative(draft, headers);
  const source = {
    dialect: "anthropic-messages",
    bytes: body.bytes,
    members: body.members,
    unknown: draft.unknown,
  } as const;
  return {
    call: { request, stream: draft.stream, source: { ...source, headers } },
    before: instructions.length,
  };
}

const readers: MemberReaders<MessagesDraft, MessagesDraft> = memberReaders({
  ...settingsTable,
  ...toolsTable,
  // Read in the order of the prompt, whatever theirs is in the body.
  system() {},
  messages() {},
});

function parseSystem(value: unknown, draft: MessagesDraft): ChatMessage[] {
  if (!isSet(value)) return [];
  const place = Place.root.at("system", "messages").at("", 0).at("", "parts");
  const parts = parseContent(value, place, draft.json.member("system"), "system", draft);
  const isEmpty = parts.every(({ kind }) => kind.case === "text" && kind.value === "");
  return isEmpty ? [] : [chatMessage(Role.SYSTEM, parts)];
}

const maxMessages = 10_000;
const roles = ["user", "assistant", "system"] as const;
const roleNumbers = { user: Role.USER, assistant: Role.ASSISTANT, system: Role.SYSTEM } as const;
const knownMembers = new Set(["role", "content"]);

function parseMessages(value: unknown, before: number, draft: MessagesDraft): ChatMessage[] {
  const place = Place.root.at("messages");
  if (!isSet(value)) throw invalid(place, "is required: an array of at least one message.");
  const messages = toArray(value, place, maxMessages - before);
  if (messages.length === 0) throw invalid(place, "must have at least one message.");
  const json = draft.json.member("messages");
  return messages.map((message, i) => {
    const at = place.at(i, i + before);
    return parseMessage(toObject(message, at), at, json?.element(i), draft);
  });
}

function parseMessage(
  message: JsonObject,
  place: Place,
  json: JsonSlice | undefined,
  draft: MessagesDraft,
): ChatMessage {
  const role: Holder & (typeof roles)[number] = toChoice(message.role, place.at("role"), roles);
  noteUnknown(message, knownMembers, place, draft);
  const at = place.at("content", "parts");
  const parts = parseContent(message.content, at, json?.member("content"), role, draft);
  if (parts.length === 0 && role !== "assistant") throw invalid(at, "must not be empty.");
  return chatMessage(roleNumbers[role], parts);
}

/** Members for this dialect's provider alone, should its request be built and not patched. */
function keepNative({ request, native }: MessagesDraft, headers: Readonly<Record<string, string>>): void {
  const betas = toBetas(headers["anthropic-beta"]);
  if (betas.length > 0) native.set("betas", JSON.stringify(betas));
  if (native.size === 0) return;
  const members = [...native].map(([name, text]) => `${JSON.stringify(name)}:${text}`);
  request.providerOptions = { ...request.providerOptions, anthropic: `{${members.join(",")}}` };
}
