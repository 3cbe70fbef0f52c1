import { create } from "@bufbuild/protobuf";
import {
  OpaquePartSchema,
  type Part,
  ReasoningPartSchema,
  Role,
  ToolCallKind,
  ToolCallSchema,
  ToolResultSchema,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { blankCompleted, partOf } from "../../domain/blank.ts";
import { createFold } from "../../domain/fold.ts";
import type { JsonObject } from "../json-body.ts";
import { invalid, isSet, noteUnknown, type Place, toArray, toChoice, toObject, toText, toWord } from "../json-read.ts";
import type { JsonSlice } from "../json-slice.ts";
import { toProof } from "../openai-chat/proofs.ts";
import { unwrapPart } from "../wrapped-parts.ts";
import { WholeItem } from "./decode-items.ts";
import { PartWriter } from "./decode-parts.ts";
import { parseMessageContent, parseOutput } from "./parse-content.ts";
import type { ResponsesDraft } from "./responses-draft.ts";
import { issuerOf, proofFormats } from "./wire.ts";

/** What an item is in the contract: parts of a message of this role. */
export interface ReadItem {
  readonly role: Role;
  readonly parts: Part[];
}

export interface ItemContext {
  /** The item as text, for values that parsing would change. */
  readonly json: JsonSlice | undefined;
  /** How many parts the model's turn has, if the item goes on with it. */
  readonly partsBefore: number;
}

/** Whose opaque parts and proofs those of this dialect's items are. */
const kind = "openai";

/** Reads one item of `input`. @throws GatewayError `invalid_value` */
export function parseItem(item: JsonObject, place: Place, context: ItemContext, draft: ResponsesDraft): ReadItem {
  const type = isSet(item.type) ? toWord(item.type, place.at("type", ""), 128) : "message";
  const at = place.at("", "parts").at("", context.partsBefore);
  switch (type) {
    case "message":
      return parseMessage(item, place, context, draft);
    case "function_call":
    case "custom_tool_call":
      return said([parseCall(type, item, at, context.json, draft)]);
    case "function_call_output":
    case "custom_tool_call_output":
      return { role: Role.TOOL, parts: [parseResult(item, place, draft)] };
    case "reasoning":
      return said(parseReasoning(item, at, draft));
    case "item_reference":
      throw invalid(place.at("id"), "names an item that is not kept here. Send the item itself.");
    default:
      return parseOther(type, item, context, draft);
  }
}

function said(parts: Part[]): ReadItem {
  return { role: Role.ASSISTANT, parts };
}

const roles = { user: Role.USER, assistant: Role.ASSISTANT, system: Role.SYSTEM, developer: Role.DEVELOPER } as const;
const knownOfMessage = new Set(["type", "role", "content", "id", "status", "phase"]);

function parseMessage(item: JsonObject, place: Place, context: ItemContext, draft: ResponsesDraft): ReadItem {
  const role = toChoice(item.role, place.at("role"), ["user", "assistant", "system", "developer"]);
  noteUnknown(item, knownOfMessage, place, draft);
  const at = place.at("content", "parts");
  const parts = parseMessageContent(item.content, at, role, { ...context, notes: draft });
  if (role !== "assistant") {
    if (parts.length === 0) throw invalid(at, "must not be empty.");
    return { role: roles[role], parts };
  }
  const id = isSet(item.id) ? toWord(item.id, place.at("id", "parts"), 512, 0) : "";
  const phase = isSet(item.phase) ? toWord(item.phase, place.at("phase"), 64) : "";
  for (const part of parts) {
    part.id = id;
    if (phase !== "") part.proof = toProof(issuerOf(kind), proofFormats.phase, phase);
  }
  return { role: Role.ASSISTANT, parts };
}

const knownOfCall = new Set([
  ...["type", "id", "call_id", "name", "arguments", "input", "status", "namespace", "caller", "async", "created_by"],
]);

function parseCall(
  type: "function_call" | "custom_tool_call",
  item: JsonObject,
  place: Place,
  json: JsonSlice | undefined,
  draft: ResponsesDraft,
): Part {
  noteUnknown(item, knownOfCall, place, draft);
  const at = place.at("", "tool_call");
  const isCustom = type === "custom_tool_call";
  const member = isCustom ? "input" : "arguments";
  const call = create(ToolCallSchema, {
    id: toWord(item.call_id, at.at("call_id", "id"), 256),
    name: toWord(item.name, at.at("name"), 256),
    kind: isCustom ? ToolCallKind.CUSTOM : ToolCallKind.FUNCTION,
    arguments: toText(item[member], at.at(member, "arguments")),
  });
  if (isSet(item.namespace)) call.toolset = toWord(item.namespace, at.at("namespace", "toolset"), 256);
  if (isSet(item.caller)) {
    const { type: caller } = toObject(item.caller, at.at("caller", "caller_json"));
    if (caller !== "direct") call.callerJson = toText(json?.member("caller")?.text, at.at("caller", "caller_json"));
  }
  draft.calls.set(call.id, call.name);
  const part = partOf({ case: "toolCall", value: call });
  if (isSet(item.id)) part.id = toWord(item.id, place.at("id"), 512, 0);
  return part;
}

const knownOfOutput = new Set([
  "type",
  "id",
  "call_id",
  "output",
  "status",
  "name",
  "namespace",
  "caller",
  "created_by",
]);

/** An output belongs to a call by `call_id`; its own `id` says nothing (edge case 139). */
function parseResult(item: JsonObject, place: Place, draft: ResponsesDraft): Part {
  noteUnknown(item, knownOfOutput, place, draft);
  const at = place.at("", "parts[0].tool_result");
  const callId = toWord(item.call_id, at.at("call_id"), 256);
  const name = draft.calls.get(callId);
  // What came before may be folded into an item that only the provider reads.
  if (name === undefined && !draft.hasOpaque) {
    throw invalid(at.at("call_id"), "must be the call_id of a call before it.");
  }
  const parts = parseOutput(item.output, at.at("output", "parts"), draft);
  return partOf({ case: "toolResult", value: create(ToolResultSchema, { callId, name: name ?? "", parts }) });
}

const knownOfReasoning = new Set(["type", "id", "summary", "content", "encrypted_content", "status"]);
const maxPieces = 1_000;

/**
 * Reasoning, whose text is never the answer's (edge case 143). What another provider wants back travels in the place for
 * encrypted content: this provider's own proofs stand there as it wrote them.
 */
function parseReasoning(item: JsonObject, place: Place, draft: ResponsesDraft): Part[] {
  noteUnknown(item, knownOfReasoning, place, draft);
  const summary = pieces(item.summary, place.at("summary", "reasoning.summary"));
  const content = pieces(item.content, place.at("content", "reasoning.text"));
  const sealedAt = place.at("encrypted_content", "proof");
  const sealed = isSet(item.encrypted_content) ? toText(item.encrypted_content, sealedAt) : "";
  const wrapped = unwrapPart(sealed, sealedAt);
  const id = isSet(item.id) ? toWord(item.id, place.at("id"), 512, 0) : "";
  if (wrapped && wrapped.kind.case !== "reasoning") return [wrapped];
  const part = wrapped ?? partOf({ case: "reasoning", value: create(ReasoningPartSchema) });
  if (part.kind.case !== "reasoning") return [];
  const shown = summary === "" ? content : summary;
  if (part.kind.value.summary.length === 0) part.kind.value.text = shown;
  if (wrapped === null) part.id = id;
  if (wrapped === null && sealed !== "") {
    const format = summary === "" && content !== "" ? proofFormats.text : proofFormats.summary;
    part.proof = toProof(issuerOf(kind), format, sealed);
    if (id !== "") part.proof.id = id;
  }
  if (summary === "" || content === "") return [part];
  const second = partOf({ case: "reasoning", value: create(ReasoningPartSchema, { text: content }) });
  second.id = part.id;
  return [part, second];
}

/** One blank line between the pieces, as they are shown to people. */
function pieces(value: unknown, place: Place): string {
  if (!isSet(value)) return "";
  return toArray(value, place, maxPieces)
    .map((entry, i) => toText(toObject(entry, place.at(i, "")).text, place.at(i, "").at("text", "")))
    .join("\n\n");
}

/** Items by which the caller answers or instructs the provider, beside those whose type ends in `_output`. */
const callers = new Set(["mcp_approval_response", "additional_tools", "configuration_update", "compaction_trigger"]);

/** Items of the provider's own: hosted tools, and those that only it understands. */
function parseOther(type: string, item: JsonObject, { json }: ItemContext, draft: ResponsesDraft): ReadItem {
  draft.hasOpaque = true;
  const text = json?.text ?? JSON.stringify(item);
  if (type.endsWith("_output") || callers.has(type)) {
    const opaque = create(OpaquePartSchema, { provider: kind, type, content: { case: "json", value: text } });
    return { role: Role.USER, parts: [partOf({ case: "opaque", value: opaque })] };
  }
  const writer = new PartWriter();
  new WholeItem(item, writer, kind).done(item, text);
  const fold = createFold();
  fold.push([...writer.take(), { case: "completed", value: blankCompleted(), choice: 0, part: 0 }]);
  const { choices } = fold.response("");
  return said(choices[0]?.message?.parts ?? []);
}
