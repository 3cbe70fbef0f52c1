import { create } from "@bufbuild/protobuf";
import {
  HostedCallSchema,
  HostedResultSchema,
  OpaquePartSchema,
  type Part,
  ReasoningPartSchema,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { partOf, textPart } from "../../domain/blank.ts";
import { invalid } from "../json-read.ts";
import type { Parsing } from "./gemini-parsing.ts";
import { parseCall, parseResponse } from "./parse-functions.ts";
import { parseFile, parseInline } from "./parse-media.ts";
import { readSignature } from "./proofs.ts";
import type { ProtoObject } from "./proto-object.ts";

/** Who says a part, which decides what it may be. */
export type Speaker = "user" | "model";

/** A part as it was read. */
export interface ReadPart {
  readonly part: Part;
  /** Whether it proves what stands before it: a carrier of a proof, without content of its own. */
  readonly closes: boolean;
}

/** Kinds of parts; a part is of exactly one. */
const kinds = [
  ...["text", "inlineData", "fileData", "functionCall", "functionResponse"],
  ...["executableCode", "codeExecutionResult", "toolCall", "toolResponse"],
] as const;

/** Members that say something about a part and are none themselves. */
const beside: ReadonlySet<string> = new Set([
  ...["thought", "thoughtSignature", "partMetadata", "videoMetadata", "mediaResolution", "mediaProcessing"],
  "speechMetadata",
]);

/** @throws GatewayError `invalid_value` for a part of no kind, of several, or of the other speaker's */
export function parsePart(object: ProtoObject, speaker: Speaker, parsing: Parsing): ReadPart {
  const held = object.names.filter((name) => !beside.has(name));
  if (held.length > 1) {
    throw invalid(object.place, `must hold one of ${held.map((name) => `'${name}'`).join(", ")}, not several.`);
  }
  const [kind] = held;
  const signature = object.text("thoughtSignature", "proof") ?? "";
  const { proof, wrapped } = readSignature(signature, object.at("thoughtSignature", "proof"));
  const thought = object.flag("thought", "") ?? false;
  if (kind === undefined) {
    if (signature === "")
      throw invalid(object.place, `must hold one of ${kinds.map((name) => `'${name}'`).join(", ")}.`);
    object.noteRest(parsing);
    return wrapped
      ? travelled("", thought, wrapped)
      : { part: { ...hidden(), ...(proof && { proof }) }, closes: false };
  }
  const text = kind === "text" ? (object.text("text", "text") ?? "") : null;
  if (text !== null && (thought || wrapped || (proof && text === ""))) {
    object.noteRest(parsing);
    if (wrapped) return travelled(text, thought, wrapped);
    const part = thought ? reasoning(text) : hidden();
    return { part: proof ? { ...part, proof } : part, closes: false };
  }
  const part = text === null ? parseKind(kind, object, speaker, parsing) : textPart(text);
  object.noteRest(parsing);
  const evidence = wrapped?.proof ?? proof;
  return { part: evidence ? { ...part, proof: evidence } : part, closes: false };
}

/** A text part that carries what another provider wants back. */
function travelled(text: string, thought: boolean, wrapped: Part): ReadPart {
  const { kind, proof } = wrapped;
  if (kind.case === undefined) {
    const part = thought ? reasoning(text) : textPart(text);
    return { part: proof ? { ...part, proof } : part, closes: text === "" };
  }
  if (kind.case !== "reasoning") return { part: wrapped, closes: false };
  const { redacted, summary } = kind.value;
  // Summaries are what the part shows as its text.
  if (!redacted && summary.length === 0) kind.value.text = text;
  return { part: wrapped, closes: text === "" && !redacted };
}

function reasoning(text: string): Part {
  return partOf({ case: "reasoning", value: create(ReasoningPartSchema, { text }) });
}

/** A signature on nothing: it goes back as it came. */
function hidden(): Part {
  return partOf({ case: "reasoning", value: create(ReasoningPartSchema, { redacted: true }) });
}

function parseKind(kind: string, object: ProtoObject, speaker: Speaker, parsing: Parsing): Part {
  const owner = owners.get(kind);
  if (owner !== undefined && owner !== speaker) {
    throw invalid(object.at(kind, ""), `may stand in a content of role '${owner}' only.`);
  }
  switch (kind) {
    case "inlineData":
      return parseInline(object, parsing);
    case "fileData":
      return parseFile(object, parsing);
    case "functionCall":
      return parseCall(object, parsing);
    case "functionResponse":
      return parseResponse(object, parsing);
    case "executableCode":
    case "toolCall":
      return hostedCall(kind, object);
    case "codeExecutionResult":
    case "toolResponse":
      return hostedResult(kind, object);
    default:
      return opaque(kind, object);
  }
}

const owners: ReadonlyMap<string, Speaker> = new Map([
  ["functionCall", "model"],
  ["functionResponse", "user"],
]);

/** The names of the wire's members tell Google's hosted parts from other providers'. */
function hostedCall(kind: "executableCode" | "toolCall", object: ProtoObject): Part {
  const call = object.object(kind, "hosted_call");
  const type =
    kind === "executableCode" ? "code_execution" : (call?.word("toolType", "type", 128, 0) ?? "").toLowerCase();
  const id = call?.word("id", "id", 512, 0) ?? "";
  const value = create(HostedCallSchema, { id, type, name: kind, inputJson: object.slice(kind)?.text ?? "{}" });
  return partOf({ case: "hostedCall", value });
}

function hostedResult(kind: "codeExecutionResult" | "toolResponse", object: ProtoObject): Part {
  const result = object.object(kind, "hosted_result");
  const output = result?.text("output", "parts") ?? "";
  const outcome = result?.get("outcome");
  const value = create(HostedResultSchema, {
    callId: result?.word("id", "call_id", 512, 0) ?? "",
    type: kind,
    parts: output === "" ? [] : [textPart(output)],
    outputJson: object.slice(kind)?.text ?? "{}",
    isError: kind === "codeExecutionResult" && outcome !== undefined && outcome !== "OUTCOME_OK",
  });
  return partOf({ case: "hostedResult", value });
}

/** A kind that is newer than this code: Google alone understands it. */
function opaque(kind: string, object: ProtoObject): Part {
  object.get(kind);
  const value = object.json?.text ?? "{}";
  const part = create(OpaquePartSchema, {
    provider: "gemini",
    type: kind.slice(0, 128),
    content: { case: "json", value },
  });
  return partOf({ case: "opaque", value: part });
}
