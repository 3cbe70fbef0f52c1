import type { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { blankChatRequest } from "../../domain/blank.ts";
import type { ChatCall } from "../../domain/chat.ts";
import type { JsonBody } from "../json-body.ts";
import { invalid, isSet, type MemberReaders, memberReaders, Place, readMembers } from "../json-read.ts";
import type { JsonMembers } from "../json-text.ts";
import { echoOf } from "./echo.ts";
import { parseInput } from "./parse-input.ts";
import { settingsTable } from "./parse-settings.ts";
import { toolsTable } from "./parse-tools.ts";
import type { ResponsesDraft } from "./responses-draft.ts";

/** A Responses request, and what the edge must remember to answer it. */
export interface ParsedResponses {
  readonly call: ChatCall;
  /** Members of the answer that repeat what was asked. */
  readonly echo: JsonMembers;
  /** Whether the answer is to be kept, so that later requests can go on from it. */
  readonly keep: boolean;
  /** The conversation's items, as JSON text of an array. */
  readonly input: string;
  /** Position of the caller's item that each part of each message was read from; below 0 for an earlier response's. */
  readonly origins: readonly (readonly number[])[];
  /** How many messages of the contract stand before the first item: one where there are instructions. */
  readonly before: number;
}

export interface ResponsesAsked {
  readonly lossPolicy: LossPolicy;
  /** How many of the body's input items are an earlier response's; 0 unless told. */
  readonly inherited?: number;
}

/**
 * Reads `POST /v1/responses`, as wire.md §3 and the SDK's types have it. What `previous_response_id` and item references
 * stand for has been put into `input` before.
 * @throws GatewayError `invalid_value`, `unsupported_parameter` with `param` in this dialect's path and `field` in the
 *   contract's
 */
export function parseResponsesRequest(body: JsonBody, { lossPolicy, inherited = 0 }: ResponsesAsked): ParsedResponses {
  const request = blankChatRequest();
  request.lossPolicy = lossPolicy;
  const draft: ResponsesDraft = {
    ...{ request, json: body.json, inherited, unknown: [], calls: new Map(), origins: [] },
    ...{ stream: false, hasStreamOptions: false, includeUsage: false, legacyFunctions: false, hasOpaque: false },
  };
  readMembers(body.value, Place.root, readers, draft, draft);
  if (request.model === "")
    throw invalid(Place.root.at("model"), "is required: the name of a model, as GET /v1/models lists them.");
  const { input } = body.value;
  if (!isSet(input)) throw invalid(Place.root.at("input", "messages"), "is required: a text, or an array of items.");
  const before = parseInput(body.value, draft);
  const source = {
    dialect: "openai-responses",
    bytes: body.bytes,
    members: body.members,
    unknown: draft.unknown,
  } as const;
  return {
    call: { request, stream: draft.stream, source },
    echo: echoOf(body),
    keep: request.store !== false,
    input: typeof input === "string" ? inputOf(input) : (body.json.member("input")?.text ?? "[]"),
    origins: draft.origins,
    before,
  };
}

/** A text in place of the items is one message of the user's. */
function inputOf(text: string): string {
  return JSON.stringify([{ type: "message", role: "user", content: [{ type: "input_text", text }] }]);
}

const readers: MemberReaders<ResponsesDraft, ResponsesDraft> = memberReaders({
  ...settingsTable,
  ...toolsTable,
  // Read in the order of the prompt, whatever theirs is in the body.
  instructions() {},
  input() {},
});
