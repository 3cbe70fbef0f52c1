import { type Media, type Part, type ToolCall, ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import { isJsonObject } from "../json-body.ts";
import { membersOf } from "../json-splice.ts";
import { type JsonMembers, type JsonTree, RawJson } from "../json-text.ts";
import { isGoogle } from "../openai-chat/proofs.ts";
import { madeCallId } from "./decode-answer.ts";
import { lostSignature, signatureOf, wrapPart } from "./proofs.ts";

/** What a part of an answer is beside the one before it. */
export interface AnswerPlace {
  /** Whether it is the first call of its turn, the one that Google wants signed when it comes back. */
  readonly firstCall: boolean;
}

/**
 * A part of an answer as it stands in a content; null for what has no place there. What only another provider understands
 * travels in the signature of a thought without words, and goes back with the conversation.
 */
export function encodeAnswerPart(part: Part, { firstCall }: AnswerPlace): JsonMembers | null {
  const { kind } = part;
  const signature = signatureOf(part);
  const signed = signature === undefined ? {} : { thoughtSignature: signature };
  switch (kind.case) {
    case "text":
      return kind.value === "" && signature === undefined ? null : { text: kind.value, ...signed };
    case "refusal":
      return kind.value.text === "" && signature === undefined ? null : { text: kind.value.text, ...signed };
    case "reasoning":
      return encodeThought(part, signed);
    case "toolCall":
      return { functionCall: callOf(kind.value), ...(firstCall && { thoughtSignature: lostSignature }), ...signed };
    case "image":
    case "audio":
    case "video":
    case "file":
      return kind.value.media ? encodeMedia(kind.value.media, signed) : null;
    case "hostedCall": {
      const { name, inputJson } = kind.value;
      if (name !== "executableCode" && name !== "toolCall") return travelling(part);
      return { [name]: new RawJson(inputJson || "{}"), ...signed };
    }
    case "hostedResult": {
      const { type, outputJson } = kind.value;
      if (type !== "codeExecutionResult" && type !== "toolResponse") return travelling(part);
      return { [type]: new RawJson(outputJson || "{}"), ...signed };
    }
    case "opaque":
      return encodeOpaque(part, signed);
    default:
      return null;
  }
}

/** With this token a turn that was paused goes on; it belongs to its candidate and is no part. */
export function continuationOf({ kind }: Part): JsonTree | undefined {
  if (kind.case !== "opaque" || kind.value.type !== "continuationToken" || !isGoogle(kind.value.provider))
    return undefined;
  const { content } = kind.value;
  return content.case === "json" ? membersOf(content.value, "opaque.json").continuationToken : undefined;
}

/** What a reasoning part shows: its text, else its summaries. */
function thoughtText({ kind }: Part): string {
  return kind.case === "reasoning" ? kind.value.text || kind.value.summary.join("\n\n") : "";
}

function encodeThought(part: Part, signed: JsonMembers): JsonMembers | null {
  const text = thoughtText(part);
  const isHidden = part.kind.case === "reasoning" && part.kind.value.redacted;
  // Google's own signature on nothing came on a part that is no thought.
  if (isHidden && part.proof && isGoogle(part.proof.issuer)) return { text: "", ...signed };
  return text === "" && !part.proof ? null : { text, thought: true, ...signed };
}

function travelling(part: Part): JsonMembers {
  return { text: "", thought: true, thoughtSignature: wrapPart(part) };
}

function encodeOpaque(part: Part, signed: JsonMembers): JsonMembers | null {
  if (part.kind.case !== "opaque") return null;
  const { provider, content, type } = part.kind.value;
  if (!isGoogle(provider) || content.case !== "json") return travelling(part);
  const members = membersOf(content.value, "opaque.json");
  return type === "continuationToken" || Object.keys(members).length === 0 ? null : { ...members, ...signed };
}

function encodeMedia({ source, mediaType, name }: Media, signed: JsonMembers): JsonMembers | null {
  const named = { ...(mediaType !== "" && { mimeType: mediaType }), ...(name !== "" && { displayName: name }) };
  switch (source.case) {
    case "data":
      return { inlineData: { data: Buffer.from(source.value).toString("base64"), ...named }, ...signed };
    case "uri":
    case "fileId":
      return { fileData: { fileUri: source.value, ...named }, ...signed };
    default:
      return null;
  }
}

/**
 * A call. Its arguments are an object here: free text stands in `input`, and what the model wrote in place of an object,
 * cut off perhaps, in `raw_arguments`.
 */
function callOf(call: ToolCall): JsonMembers {
  const id = call.id.startsWith(madeCallId) ? {} : { id: call.id };
  return { ...id, name: call.name, args: argsOf(call) };
}

function argsOf({ kind, arguments: text }: ToolCall): JsonTree {
  if (kind === ToolCallKind.CUSTOM) return { input: text };
  if (text.trim() === "") return {};
  return isObjectText(text) ? new RawJson(text) : { raw_arguments: text };
}

export function isObjectText(text: string): boolean {
  try {
    return isJsonObject(JSON.parse(text));
  } catch {
    return false;
  }
}
