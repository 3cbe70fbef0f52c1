import { create } from "@bufbuild/protobuf";
import { type Part, ToolCallKind, ToolCallSchema, ToolResultSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import { partOf, textPart } from "../../domain/blank.ts";
import { isJsonObject } from "../json-body.ts";
import { invalid, toObject } from "../json-read.ts";
import { madeCallId } from "./decode-answer.ts";
import type { OpenCall, Parsing } from "./gemini-parsing.ts";
import { parseFile, parseInline } from "./parse-media.ts";
import { ProtoObject } from "./proto-object.ts";

/** A `functionCall` of the model. One without an id gets one by its place in the conversation. */
export function parseCall(part: ProtoObject, parsing: Parsing): Part {
  const call = new ProtoObject(
    part.get("functionCall"),
    part.at("functionCall", "tool_call"),
    part.slice("functionCall"),
  );
  const name = call.word("name", "name", 256);
  if (name === undefined) throw invalid(call.at("name", "name"), "is required.");
  const own = call.word("id", "id", 256, 0) || undefined;
  const id = own ?? `${madeCallId}turn_${parsing.unnamed++}`;
  parsing.open.push({ id, given: own !== undefined, name });
  const args = call.get("args");
  if (args !== undefined) toObject(args, call.at("args", "arguments"));
  const json = args === undefined ? "{}" : (call.slice("args")?.text ?? "{}");
  call.noteRest(parsing);
  const value = create(ToolCallSchema, { id, name, kind: ToolCallKind.FUNCTION, arguments: json });
  return partOf({ case: "toolCall", value });
}

const maxParts = 1_000;

/** A `functionResponse`: it answers the call with its id or, without one, the first open one of its name. */
export function parseResponse(part: ProtoObject, parsing: Parsing): Part {
  const place = part.at("functionResponse", "tool_result");
  const response = new ProtoObject(part.get("functionResponse"), place, part.slice("functionResponse"));
  const name = response.word("name", "name", 256);
  const id = response.word("id", "call_id", 256, 0) || undefined;
  const { id: callId, name: callName } = answered(response, id, name, parsing);
  const result = create(ToolResultSchema, { callId, name: callName });
  const said = response.get("response");
  if (said !== undefined) {
    const object = toObject(said, response.at("response", "parts"));
    const { text, isError } = wordsOf(object, response.slice("response")?.text ?? "{}");
    result.parts.push(textPart(text));
    result.isError = isError;
  }
  for (const { value, place: at, json } of response.list("parts", "parts", maxParts) ?? []) {
    const media = new ProtoObject(value, at, json);
    if (media.has("inlineData")) result.parts.push(parseInline(media, parsing));
    else if (media.has("fileData")) result.parts.push(parseFile(media, parsing));
    else throw invalid(at, "must hold inlineData or fileData.");
    media.noteRest(parsing);
  }
  const willContinue = response.flag("willContinue", "will_continue");
  if (willContinue !== undefined) result.willContinue = willContinue;
  response.noteRest(parsing);
  return partOf({ case: "toolResult", value: result });
}

function answered(
  response: ProtoObject,
  id: string | undefined,
  name: string | undefined,
  { open }: Parsing,
): OpenCall {
  // Clients that keep no ids answer by name; those that make up their own are matched by name as well.
  const byId = id === undefined ? -1 : open.findIndex((call) => call.id === id);
  const at = byId >= 0 ? byId : open.findIndex((call) => call.name === name && !(call.given && id !== undefined));
  const [call] = at >= 0 ? open.splice(at, 1) : [];
  if (call) return call;
  const asked = id === undefined ? response.at("name", "call_id") : response.at("id", "call_id");
  throw invalid(asked, "answers no function call of an earlier model's turn.");
}

/** `output` and `error` alone are words of their own: everything else is told as the object that it is. */
function wordsOf(object: Readonly<Record<string, unknown>>, json: string): { text: string; isError: boolean } {
  const [name, ...others] = Object.keys(object);
  if (others.length === 0 && name === "output" && typeof object.output === "string") {
    return { text: object.output.toWellFormed(), isError: false };
  }
  if (others.length === 0 && name === "error") {
    const { error } = object;
    const inner = typeof error === "string" ? error.toWellFormed() : isJsonObject(error) ? json : JSON.stringify(error);
    return { text: inner, isError: true };
  }
  return { text: json, isError: false };
}
