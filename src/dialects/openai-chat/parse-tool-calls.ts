import { create } from "@bufbuild/protobuf";
import {
  type Part,
  PartSchema,
  type ToolCall,
  ToolCallKind,
  ToolCallSchema,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { isJsonObject } from "../json-body.ts";
import { invalid, isSet, type Place, toArray, toChoice, toObject, toText, toWord } from "../json-read.ts";
import type { JsonSlice } from "../json-slice.ts";
import { toProof } from "./proofs.ts";

const maxCalls = 1_000;

/**
 * Reads `tool_calls` of an assistant message. Arguments stay the text that the model wrote, valid JSON or not.
 * @param json the same value as text, for arguments that came as an object
 */
export function parseToolCalls(value: unknown, place: Place, json: JsonSlice | undefined): Part[] {
  const ids = new Set<string>();
  return toArray(value, place, maxCalls).map((entry, i) => {
    const at = place.at(i);
    const part = parseToolCall(entry, at, json?.element(i));
    const id = part.kind.case === "toolCall" ? part.kind.value.id : "";
    if (ids.has(id)) throw invalid(at.at("id", "tool_call.id"), "must be unique in its message.");
    ids.add(id);
    return part;
  });
}

function parseToolCall(value: unknown, place: Place, json: JsonSlice | undefined): Part {
  const entry = toObject(value, place);
  const type = isSet(entry.type) ? toChoice(entry.type, place.at("type", ""), ["function", "custom"]) : "function";
  const id = toWord(entry.id, place.at("id", "tool_call.id"), 256);
  const at = place.at(type, "tool_call");
  const tool = toObject(entry[type], at);
  const name = toWord(tool.name, at.at("name"), 256);
  const call =
    type === "custom"
      ? { id, name, kind: ToolCallKind.CUSTOM, arguments: toText(tool.input, at.at("input", "arguments")) }
      : { id, name, kind: ToolCallKind.FUNCTION, arguments: toArguments(tool.arguments, at, json?.member(type)) };
  const part = create(PartSchema, { kind: { case: "toolCall", value: create(ToolCallSchema, call) } });
  const signature = thoughtSignature(entry.extra_content);
  if (signature !== null) {
    part.proof = toProof("gemini", "signature", toText(signature, place.at("extra_content", "proof")));
  }
  return part;
}

/** Arguments as text. Some clients send the object that the text describes: then it is the text they wrote it in. */
function toArguments(value: unknown, place: Place, json: JsonSlice | undefined): string {
  const at = place.at("arguments");
  if (!isSet(value)) return "";
  const text = isJsonObject(value) ? json?.member("arguments")?.text : value;
  return toText(text, at);
}

/** `extra_content.google.thought_signature`, as Google's OpenAI endpoint puts proofs on calls. */
function thoughtSignature(extra: unknown): unknown {
  if (!isJsonObject(extra) || !isJsonObject(extra.google)) return null;
  return extra.google.thought_signature ?? null;
}

/** Reads the deprecated `function_call` of an assistant message. It has no id, so it is given one. */
export function parseFunctionCall(value: unknown, place: Place, id: string): ToolCall {
  const call = toObject(value, place);
  return create(ToolCallSchema, {
    id,
    name: toWord(call.name, place.at("name", "tool_call.name"), 256),
    kind: ToolCallKind.FUNCTION,
    arguments: isSet(call.arguments) ? toText(call.arguments, place.at("arguments", "tool_call.arguments")) : "",
  });
}

/** The id of the `function_call` in a message, the same in every request of the conversation. */
export function legacyCallId(messageIndex: number): string {
  return `call_function_${messageIndex}`;
}
