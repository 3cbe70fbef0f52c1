import { create } from "@bufbuild/protobuf";
import {
  type Annotation,
  HostedCallSchema,
  HostedResultSchema,
  OpaquePartSchema,
  type Part,
  ReasoningPartSchema,
  SearchResultPartSchema,
  ToolCallKind,
  ToolCallSchema,
  ToolResultSchema,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { partOf, textPart } from "../../domain/blank.ts";
import type { JsonObject } from "../json-body.ts";
import { invalid, isSet, noteUnknown, type Place, toArray, toBoolean, toObject, toText, toWord } from "../json-read.ts";
import type { JsonSlice } from "../json-slice.ts";
import { cacheMarkOf } from "../openai-chat/parse-cache.ts";
import { attachProof, unwrapPart } from "../wrapped-parts.ts";
import { toAnnotation, webCitation } from "./citations.ts";
import { type Fields, isFields, text } from "./fields.ts";
import type { MessagesDraft } from "./messages-draft.ts";
import { parseDocument, parseImage } from "./parse-media.ts";
import { fromSignature, ownProof } from "./proofs.ts";

/** Where content stands, which decides what it may hold. */
export type Holder = "user" | "assistant" | "system" | "tool_result";

const maxParts = 1_000;

/**
 * Reads `content`: a string, or an array of blocks. Blocks newer than this code travel as they are.
 * @param place in the contract: the message's `parts`
 * @param json the same value as text
 */
export function parseContent(
  value: unknown,
  place: Place,
  json: JsonSlice | undefined,
  holder: Holder,
  draft: MessagesDraft,
): Part[] {
  if (typeof value === "string") return [textPart(toText(value, place))];
  if (!Array.isArray(value)) throw invalid(place, "must be a string or an array of content blocks.");
  const parts: Part[] = [];
  for (const [i, entry] of toArray(value, place, maxParts).entries()) {
    const at = place.at(i, parts.length);
    const block = toObject(entry, at);
    const part = parseBlock(block, at, json?.element(i), holder, draft);
    if (part.kind.case === undefined) attachProof(part, parts);
    else parts.push(part);
  }
  return parts;
}

const allowed: Readonly<Record<Exclude<Holder, "system">, ReadonlySet<string>>> = {
  user: new Set(["text", "image", "document", "search_result", "tool_result"]),
  assistant: new Set(["text", "image", "document", "search_result", "thinking", "redacted_thinking", "tool_use"]),
  tool_result: new Set(["text", "image", "document", "search_result"]),
};
/** Blocks that belong into one place only: anywhere else they are a mistake, and not something new. */
const placed = new Set(["tool_result", "thinking", "redacted_thinking", "tool_use", "server_tool_use"]);

function parseBlock(
  block: JsonObject,
  place: Place,
  json: JsonSlice | undefined,
  holder: Holder,
  draft: MessagesDraft,
): Part {
  const type = toWord(block.type, place.at("type", ""), 128);
  if (holder === "system" && type !== "text") throw invalid(place.at("type", ""), "must be 'text'.");
  const hosted = holder === "assistant" && (type === "server_tool_use" || isHostedResult(type, block));
  if (holder !== "system" && !hosted && placed.has(type) && !allowed[holder].has(type)) {
    const names = [...allowed[holder]].map((name) => `'${name}'`).join(", ");
    throw invalid(place.at("type", ""), `must be one of ${names} here.`);
  }
  const part = hosted ? parseHosted(type, block, place, json, draft) : parseKind(type, block, place, json, draft);
  const cache = cacheMarkOf(block, place);
  if (cache && part.kind.case !== undefined) part.cache = cache;
  return part;
}

function parseKind(
  type: string,
  block: JsonObject,
  place: Place,
  json: JsonSlice | undefined,
  draft: MessagesDraft,
): Part {
  const known = knownMembers.get(type);
  if (known) noteUnknown(block, known, place, draft);
  switch (type) {
    case "text":
      return parseText(block, place);
    case "image":
      return partOf({ case: "image", value: parseImage(block, place) });
    case "document": {
      const file = parseDocument(block, place);
      return file === null ? opaque(type, place, json) : partOf({ case: "file", value: file });
    }
    case "search_result":
      return parseSearchResult(block, place, json, draft);
    case "thinking": {
      const thinking = toText(block.thinking, place.at("thinking", "reasoning.text"));
      const at = place.at("signature", "proof");
      return fromSignature(thinking, isSet(block.signature) ? toText(block.signature, at) : "", at);
    }
    case "redacted_thinking": {
      const at = place.at("data", "proof");
      const data = toText(block.data, at);
      const redacted = create(ReasoningPartSchema, { redacted: true });
      const own = partOf({ case: "reasoning", value: redacted });
      own.proof = ownProof("redacted", data);
      return unwrapPart(data, at) ?? own;
    }
    case "tool_use":
      return parseToolUse(block, place, json, draft);
    case "tool_result":
      return parseToolResult(block, place, json, draft);
    default:
      return opaque(type, place, json);
  }
}

const knownMembers: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    text: ["text", "citations"],
    image: ["source"],
    document: ["source", "title", "context", "citations"],
    search_result: ["source", "title", "content", "citations"],
    thinking: ["thinking", "signature"],
    redacted_thinking: ["data"],
    tool_use: ["id", "name", "input", "caller", "toolset_name"],
    // The set of a tool is known from its call.
    tool_result: ["tool_use_id", "content", "is_error", "toolset_name"],
    server_tool_use: ["id", "name", "input", "caller"],
    hosted_result: ["tool_use_id", "content", "caller"],
  }).map(([type, names]) => [type, new Set(["type", "cache_control", ...names])]),
);

function parseText(block: JsonObject, place: Place): Part {
  const part = textPart(toText(block.text, place.at("text")));
  if (!isSet(block.citations)) return part;
  const at = place.at("citations", "annotations");
  const length = Array.from(part.kind.case === "text" ? part.kind.value : "").length;
  part.annotations = toArray(block.citations, at, 10_000).map((citation, i) =>
    toCited(toObject(citation, at.at(i)), length),
  );
  return part;
}

/** Anthropic's own search leaves an index behind; a citation without one was another provider's. */
function toCited(citation: JsonObject, length: number): Annotation {
  const annotation = toAnnotation(citation, length);
  if (annotation.type === webCitation && annotation.opaque.length === 0) annotation.type = "url_citation";
  return annotation;
}

function parseSearchResult(block: JsonObject, place: Place, json: JsonSlice | undefined, draft: MessagesDraft): Part {
  const at = place.at("", "search_result");
  const source = toText(block.source, at.at("source"));
  const content = at.at("content", "parts");
  const result = create(SearchResultPartSchema, {
    ...(/^https?:/i.test(source) ? { uri: source } : { source }),
    title: toWord(block.title, at.at("title"), 1_024, 0),
    parts: parseContent(block.content, content, json?.member("content"), "system", draft),
  });
  if (isSet(block.citations)) {
    const { enabled } = toObject(block.citations, at.at("citations", ""));
    if (isSet(enabled)) {
      result.citationsEnabled = toBoolean(enabled, at.at("citations", "").at("enabled", "citations_enabled"));
    }
  }
  return partOf({ case: "searchResult", value: result });
}

function parseToolUse(block: JsonObject, place: Place, json: JsonSlice | undefined, draft: MessagesDraft): Part {
  const at = place.at("", "tool_call");
  const id = toWord(block.id, at.at("id"), 256);
  const name = toWord(block.name, at.at("name"), 256);
  toObject(block.input, at.at("input", "arguments"));
  const call = create(ToolCallSchema, { id, name, kind: ToolCallKind.FUNCTION });
  call.arguments = toText(json?.member("input")?.text, at.at("input", "arguments"));
  const caller = indirectCaller(block, json, at);
  if (caller !== undefined) call.callerJson = caller;
  if (isSet(block.toolset_name)) call.toolset = toWord(block.toolset_name, at.at("toolset_name", "toolset"), 256);
  draft.calls.set(id, name);
  return partOf({ case: "toolCall", value: call });
}

/** Who called, when it was not the model itself. */
function indirectCaller(block: JsonObject, json: JsonSlice | undefined, place: Place): string | undefined {
  if (!isSet(block.caller)) return undefined;
  const { type } = toObject(block.caller, place.at("caller", "caller_json"));
  return type === "direct" ? undefined : json?.member("caller")?.text;
}

function parseToolResult(block: JsonObject, place: Place, json: JsonSlice | undefined, draft: MessagesDraft): Part {
  const at = place.at("", "tool_result");
  const callId = toWord(block.tool_use_id, at.at("tool_use_id", "call_id"), 256);
  const result = create(ToolResultSchema, { callId, name: draft.calls.get(callId) ?? "" });
  if (isSet(block.content)) {
    result.parts = parseContent(
      block.content,
      at.at("content", "parts"),
      json?.member("content"),
      "tool_result",
      draft,
    );
  }
  if (isSet(block.is_error)) result.isError = toBoolean(block.is_error, at.at("is_error"));
  return partOf({ case: "toolResult", value: result });
}

/** Results of MCP's tools are opaque because their calls are. */
function isHostedResult(type: string, block: JsonObject): boolean {
  return type.endsWith("_tool_result") && type !== "mcp_tool_result" && typeof block.tool_use_id === "string";
}

function parseHosted(
  type: string,
  block: JsonObject,
  place: Place,
  json: JsonSlice | undefined,
  draft: MessagesDraft,
): Part {
  const isCall = type === "server_tool_use";
  noteUnknown(block, knownMembers.get(isCall ? type : "hosted_result") ?? new Set(), place, draft);
  const part = partOf(isCall ? hostedCall(block, place, json) : hostedResult(type, block, place, json));
  const caller = indirectCaller(block, json, place.at("", "proof"));
  if (caller !== undefined) part.proof = ownProof("caller", caller);
  return part;
}

function hostedCall(block: JsonObject, place: Place, json: JsonSlice | undefined): Part["kind"] {
  const at = place.at("", "hosted_call");
  const id = toWord(block.id, at.at("id"), 512);
  const name = toWord(block.name, at.at("name"), 128);
  const inputJson = json?.member("input")?.text ?? "{}";
  return { case: "hostedCall", value: create(HostedCallSchema, { id, type: name, name, inputJson }) };
}

function hostedResult(type: string, block: JsonObject, place: Place, json: JsonSlice | undefined): Part["kind"] {
  const { content } = block;
  const value = create(HostedResultSchema, {
    callId: toWord(block.tool_use_id, place.at("tool_use_id", "hosted_result.call_id"), 512),
    type,
    outputJson: json?.member("content")?.text ?? "null",
    isError: isFields(content) && text(content, "type").endsWith("_error"),
    parts: Array.isArray(content) ? content.filter(isFields).flatMap(searchResult) : [],
  });
  return { case: "hostedResult", value };
}

function searchResult(result: Fields): Part[] {
  if (result.type !== "web_search_result") return [];
  const value = create(SearchResultPartSchema, { uri: text(result, "url"), title: text(result, "title") });
  return [partOf({ case: "searchResult", value })];
}

/** A block that only Anthropic understands. */
function opaque(type: string, place: Place, json: JsonSlice | undefined): Part {
  const value = toText(json?.text, place);
  const part = create(OpaquePartSchema, { provider: "anthropic", type, content: { case: "json", value } });
  return partOf({ case: "opaque", value: part });
}
