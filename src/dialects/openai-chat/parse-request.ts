import type { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { blankChatRequest } from "../../domain/blank.ts";
import type { ChatCall } from "../../domain/chat.ts";
import type { JsonBody } from "../json-body.ts";
import { invalid, type MemberReaders, memberReaders, Place, readMembers, toBoolean, toObject } from "../json-read.ts";
import type { ChatDraft } from "./chat-draft.ts";
import { cacheTable } from "./parse-cache.ts";
import { parseMessages } from "./parse-messages.ts";
import { modelDecides, reasoningTable } from "./parse-reasoning.ts";
import { samplingTable } from "./parse-sampling.ts";
import { settingsTable } from "./parse-settings.ts";
import { toolsTable } from "./parse-tools.ts";

/** A chat completions request, and what the edge must remember to answer it. */
export interface ParsedChat {
  readonly call: ChatCall;
  /** Whether the caller asked for the usage chunk at the end of the stream. */
  readonly includeUsage: boolean;
  /** Whether the caller declared `functions`: answers then carry `function_call` instead of `tool_calls`. */
  readonly legacyFunctions: boolean;
}

/**
 * Reads `POST /v1/chat/completions`: OpenAI's fields, the deprecated ones, and the extensions seen in the wild
 * (reasoning on messages, cache marks, top_k, …), as wire.md §2 lists them. One message here is one message there, so
 * that `messages[3]` means the same in both.
 * @throws GatewayError `invalid_value` with `param` in OpenAI's path and `field` in the contract's
 */
export function parseChatRequest(body: JsonBody, lossPolicy: LossPolicy): ParsedChat {
  const request = blankChatRequest();
  request.lossPolicy = lossPolicy;
  const draft: ChatDraft = {
    request,
    json: body.json,
    unknown: [],
    stream: false,
    hasStreamOptions: false,
    includeUsage: false,
    legacyFunctions: false,
  };
  readMembers(body.value, Place.root, readers, draft, draft);
  checkWhole(draft, body);
  const { max_tokens: older, max_completion_tokens: newer } = body.value;
  // One of the two is not honoured, except by a server of this dialect, which gets both.
  if (typeof older === "number" && typeof newer === "number" && older !== newer) draft.unknown.push("max_tokens");
  const { stream, unknown, includeUsage, legacyFunctions } = draft;
  const source = { dialect: "openai-chat", bytes: body.bytes, members: body.members, unknown } as const;
  return { call: { request, stream, source }, includeUsage, legacyFunctions };
}

const streamOptions: MemberReaders<ChatDraft, ChatDraft> = memberReaders({
  include_usage: (draft, value, at) => {
    draft.includeUsage = toBoolean(value, at);
  },
  // Padding against side channels: it shapes the provider's bytes and means nothing to the contract.
  include_obfuscation: (_, value, at) => {
    toBoolean(value, at);
  },
});

const readers: MemberReaders<ChatDraft, ChatDraft> = memberReaders({
  ...samplingTable,
  ...settingsTable,
  ...reasoningTable,
  ...cacheTable,
  ...toolsTable,
  messages: (draft, value, at) => {
    draft.request.messages = parseMessages(value, at, draft);
  },
  stream: (draft, value, at) => {
    draft.stream = toBoolean(value, at);
  },
  stream_options: (draft, value, at) => {
    draft.hasStreamOptions = true;
    readMembers(toObject(value, at), at, streamOptions, draft, draft);
  },
});

/** What can be judged only when all members have been read. */
function checkWhole({ request, stream, hasStreamOptions }: ChatDraft, body: JsonBody): void {
  if (request.model === "")
    throw invalid(Place.root.at("model"), "is required: the name of a model, as GET /v1/models lists them.");
  if (request.messages.length === 0) {
    throw invalid(Place.root.at("messages"), "is required: an array of at least one message.");
  }
  if (hasStreamOptions && !stream) throw invalid(Place.root.at("stream_options"), "is allowed only with stream: true.");
  const { reasoning } = request;
  if (reasoning?.effort !== undefined && reasoning.budgetTokens !== undefined) {
    // "Adaptive, this hard" is one wish, not two.
    if (reasoning.budgetTokens === modelDecides) {
      delete reasoning.budgetTokens;
      return;
    }
    const param = body.members.has("thinking") ? "thinking" : "reasoning";
    throw invalid(Place.root.at(param, "reasoning"), "must not set a token budget beside a reasoning effort.");
  }
}
