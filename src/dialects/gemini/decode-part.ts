import { create } from "@bufbuild/protobuf";
import { type Media, MediaSchema, type Part, ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import { partOf } from "../../domain/blank.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { JsonSlice } from "../json-slice.ts";
import { type Fields, fieldsOf, isFields, textOf } from "../openai-chat/wire.ts";

/** What one part of the wire says. */
export type Said =
  | { readonly kind: "text" | "reasoning"; readonly text: string }
  | { readonly kind: "call"; readonly part: Part; readonly input: string }
  /** Content that is sent in pieces; `part` is its beginning. */
  | { readonly kind: "media"; readonly part: Part; readonly mediaType: string; readonly data: Uint8Array }
  | { readonly kind: "whole"; readonly part: Part };

/** What reading a part needs to know of the answer that it belongs to. */
export interface PartHost {
  /** An id for a call that came without one: no two of a conversation are alike. */
  nextCallId(): string;
  /** The caller's name of a tool. */
  toolName(name: string): string;
  /** Whether the caller's tool takes free text. */
  isCustom(name: string): boolean;
  /** Says that the frames of this event no longer say what its bytes say. */
  repaired(): void;
}

/**
 * Reads a part of any kind; kinds newer than this code become opaque parts.
 * @param source the part's own text, from which arguments are taken as they were written
 * @returns null for a part that says nothing
 */
export function readPart(part: Fields, source: JsonSlice | undefined, host: PartHost): Said | null {
  if (typeof part.text === "string") {
    const text = part.text.toWellFormed();
    if (text !== part.text) host.repaired();
    return { kind: part.thought === true ? "reasoning" : "text", text };
  }
  // A thought that is no text (a draft of a picture) has no place in the contract.
  if (part.thought === true) return opaque(part, source);
  if (isFields(part.functionCall)) return readCall(part.functionCall, source?.member("functionCall"), host);
  if (isFields(part.inlineData)) return readData(part.inlineData);
  if (isFields(part.fileData)) return readFile(part.fileData);
  if (isFields(part.executableCode)) return hostedCall("executableCode", part.executableCode, source);
  if (isFields(part.codeExecutionResult)) return codeResult(part.codeExecutionResult, source);
  if (isFields(part.toolCall)) return hostedCall("toolCall", part.toolCall, source);
  if (isFields(part.toolResponse)) return toolResponse(part.toolResponse, source);
  return opaque(part, source);
}

function readCall(call: Fields, source: JsonSlice | undefined, host: PartHost): Said {
  const wireName = textOf(call, "name");
  if (wireName === "") throw new GatewayError("upstream_error", "The provider sent a function call without a name.");
  const name = host.toolName(wireName);
  const custom = host.isCustom(name);
  if (name !== wireName || custom) host.repaired();
  const id = textOf(call, "id") || host.nextCallId();
  const kind = custom ? ToolCallKind.CUSTOM : ToolCallKind.FUNCTION;
  const args = fieldsOf(call, "args");
  const part = partOf({
    case: "toolCall",
    value: { $typeName: "trunkline.v1.ToolCall", id, name, kind, arguments: "" },
  });
  const json = isFields(call.args) ? textOfJson(source?.member("args"), args) : "{}";
  // A custom tool runs as a function with one string.
  return { kind: "call", part, input: custom && typeof args.input === "string" ? args.input : json };
}

/** A value as it was written. Whole answers are printed over several lines, streams are not: both say the same here. */
function textOfJson(source: JsonSlice | undefined, value: Fields): string {
  const json = source?.text ?? JSON.stringify(value);
  return json.includes("\n") ? json.replaceAll(/("(?:[^"\\]|\\.)*")|\r?\n\s*/g, "$1") : json;
}

function readData(blob: Fields): Said {
  const mediaType = textOf(blob, "mimeType");
  const data = Buffer.from(textOf(blob, "data"), "base64");
  const name = textOf(blob, "displayName").toWellFormed();
  const media = (bytes: Uint8Array) => create(MediaSchema, { source: { case: "data", value: bytes }, mediaType, name });
  const kind = kindOf(mediaType);
  if (kind === "file") return { kind: "whole", part: mediaPart(kind, media(data)) };
  return { kind: "media", part: mediaPart(kind, media(new Uint8Array(0))), mediaType, data };
}

function readFile(file: Fields): Said {
  const mediaType = textOf(file, "mimeType");
  const uri = textOf(file, "fileUri").toWellFormed();
  const name = textOf(file, "displayName").toWellFormed();
  const media = create(MediaSchema, { source: { case: "uri", value: uri }, mediaType, name });
  return { kind: "whole", part: mediaPart(kindOf(mediaType), media) };
}

type MediaKind = "image" | "audio" | "video" | "file";

function kindOf(mediaType: string): MediaKind {
  const type = mediaType.split("/", 1)[0];
  return type === "image" || type === "audio" || type === "video" ? type : "file";
}

function mediaPart(kind: MediaKind, media: Media): Part {
  switch (kind) {
    case "image":
      return partOf({ case: "image", value: { $typeName: "trunkline.v1.ImagePart", media } });
    case "audio":
      return partOf({ case: "audio", value: { $typeName: "trunkline.v1.AudioPart", media } });
    case "video":
      return partOf({ case: "video", value: { $typeName: "trunkline.v1.VideoPart", media } });
    case "file":
      return partOf({ case: "file", value: { $typeName: "trunkline.v1.FilePart", media, title: "", context: "" } });
  }
}

/** The names of the wire's members tell Gemini's hosted parts from other providers' on their way back. */
function hostedCall(member: "executableCode" | "toolCall", call: Fields, source: JsonSlice | undefined): Said {
  const type = member === "executableCode" ? "code_execution" : textOf(call, "toolType").toLowerCase();
  const inputJson = textOfJson(source?.member(member), call);
  const value = { id: textOf(call, "id"), type, name: member, inputJson, status: "" };
  return {
    kind: "whole",
    part: partOf({ case: "hostedCall", value: { $typeName: "trunkline.v1.HostedCall", ...value } }),
  };
}

function codeResult(result: Fields, source: JsonSlice | undefined): Said {
  const text = textOf(result, "output").toWellFormed();
  return hostedResult("codeExecutionResult", result, source, {
    parts: text === "" ? [] : [partOf({ case: "text", value: text })],
    isError: textOf(result, "outcome") !== "OUTCOME_OK",
  });
}

function toolResponse(response: Fields, source: JsonSlice | undefined): Said {
  return hostedResult("toolResponse", response, source, { parts: [], isError: false });
}

function hostedResult(
  member: "codeExecutionResult" | "toolResponse",
  result: Fields,
  source: JsonSlice | undefined,
  { parts, isError }: { readonly parts: Part[]; readonly isError: boolean },
): Said {
  const outputJson = textOfJson(source?.member(member), result);
  const value = { callId: textOf(result, "id"), type: member, parts, outputJson, isError };
  return {
    kind: "whole",
    part: partOf({ case: "hostedResult", value: { $typeName: "trunkline.v1.HostedResult", ...value } }),
  };
}

/** @returns null for a part without content, such as one that only carries a signature */
function opaque(part: Fields, source: JsonSlice | undefined): Said | null {
  const type = Object.keys(part).find((name) => !beside.has(name));
  if (type === undefined) return null;
  const json = textOfJson(source, part);
  const value = {
    provider: "gemini",
    type: type.slice(0, maxTypeLength),
    content: { case: "json", value: json },
  } as const;
  return {
    kind: "whole",
    part: partOf({ case: "opaque", value: { $typeName: "trunkline.v1.OpaquePart", ...value } }),
  };
}

/** Members that say something about a part and are none themselves. */
const beside: ReadonlySet<string> = new Set([
  ...["thought", "thoughtSignature", "partMetadata", "videoMetadata", "mediaResolution", "mediaProcessing"],
  "speechMetadata",
]);
/** Contract: OpaquePart.type. */
const maxTypeLength = 128;
