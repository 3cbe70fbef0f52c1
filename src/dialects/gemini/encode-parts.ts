import type {
  HostedCall,
  HostedResult,
  OpaquePart,
  Part,
  Proof,
  ReasoningPart,
  SearchResultPart,
  ToolCall,
  ToolResult,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import { invalidValue, jsonText, membersOf, objectText } from "../json-splice.ts";
import { type JsonMembers, type JsonTree, RawJson } from "../json-text.ts";
import { isGoogle, proofText } from "../openai-chat/proofs.ts";
import { madeCallId } from "./decode-answer.ts";
import { toAudio, toDocument, toImage, toVideo } from "./encode-media.ts";
import type { Draft } from "./gemini-draft.ts";

/**
 * One part as it stands in a content; null when nothing of it is sent (empty text, what another provider alone
 * understands). Its signature goes back on exactly the part that it came on.
 * @param path the part's path, such as `messages[0].parts[1]`
 */
export function toPart(part: Part, path: string, draft: Draft): JsonMembers | null {
  if (part.cache) draft.losses.drop(`${path}.cache`, "this provider caches prefixes by itself.");
  const signature = ownSignature(part.proof, path, draft);
  const encoded = encodeKind(part, path, signature !== undefined, draft);
  return encoded === null || signature === undefined ? encoded : { ...encoded, thoughtSignature: signature };
}

/** Another provider's evidence means nothing here. */
function ownSignature(proof: Proof | undefined, path: string, { losses }: Draft): string | undefined {
  if (proof === undefined) return undefined;
  if (isGoogle(proof.issuer)) return proofText(proof);
  losses.drop(`${path}.proof`, "belongs to the provider that issued it.");
  return undefined;
}

function encodeKind(part: Part, path: string, signed: boolean, draft: Draft): JsonMembers | null {
  const { kind } = part;
  switch (kind.case) {
    case "text":
      return kind.value === "" && !signed ? null : { text: kind.value };
    case "refusal":
      return kind.value.text === "" ? null : { text: kind.value.text };
    case "reasoning":
      return toThought(kind.value, `${path}.reasoning`, signed, draft);
    case "image":
      return toImage(kind.value, `${path}.image`, draft);
    case "audio":
      return toAudio(kind.value, `${path}.audio`, draft);
    case "video":
      return toVideo(kind.value, `${path}.video`, draft);
    case "file":
      return toDocument(kind.value, `${path}.file`, draft);
    case "searchResult":
      return toPassage(kind.value, `${path}.search_result`, draft);
    case "toolCall":
      return toCall(kind.value, `${path}.tool_call`, draft);
    case "hostedCall":
      return toHostedCall(kind.value, `${path}.hosted_call`, draft);
    case "hostedResult":
      return toHostedResult(kind.value, `${path}.hosted_result`, draft);
    case "opaque":
      return toOpaque(kind.value, `${path}.opaque`, draft);
    case "toolResult":
      throw invalidValue(`${path}.tool_result`, "cannot stand here. Tool results belong to a message of their own.");
    default:
      throw invalidValue(path, "has no content that this gateway knows.");
  }
}

/** A hidden thought is a signature on a part without text. */
function toThought({ text, summary, redacted }: ReasoningPart, field: string, signed: boolean, draft: Draft) {
  if (redacted) return signed ? { text: "" } : foreign(field, draft);
  if (text !== "" && summary.length > 0) draft.losses.drop(`${field}.summary`, "the reasoning itself was sent.");
  const words = text || summary.join("\n");
  return words === "" && !signed ? null : { text: words, thought: true };
}

/** Passages have no form of their own: the model reads them as text. */
function toPassage(result: SearchResultPart, field: string, draft: Draft): JsonMembers {
  draft.losses.approximate(field, "this provider has no search results in prompts; sent as text.");
  const texts = result.parts.flatMap(({ kind }) => (kind.case === "text" ? [kind.value] : []));
  if (texts.length < result.parts.length)
    draft.losses.drop(`${field}.parts`, "hold more than text, which is left out.");
  return { text: [result.title, result.uri, result.source, ...texts].filter((line) => line !== "").join("\n") };
}

function toCall(call: ToolCall, field: string, draft: Draft): JsonMembers {
  if (call.callerJson !== undefined) draft.losses.drop(`${field}.caller_json`, "is another provider's.");
  if (call.toolset !== undefined) draft.losses.drop(`${field}.toolset`, "is another provider's.");
  const args =
    call.kind === ToolCallKind.CUSTOM ? { input: call.arguments } : objectText(call.arguments, `${field}.arguments`);
  return { functionCall: { ...idOf(call.id), name: draft.names.toWire(call.name), args } };
}

/** Ids that the provider never gave are not told to it. */
function idOf(id: string): JsonMembers {
  return id.startsWith(madeCallId) ? {} : { id };
}

/** What a tool answered. @param name the tool's, from its call */
export function toFunctionResponse(
  result: ToolResult,
  name: string,
  path: string,
  draft: Draft,
): readonly JsonMembers[] {
  const field = `${path}.tool_result`;
  const texts: string[] = [];
  const media: JsonMembers[] = [];
  result.parts.forEach((part, i) => {
    const at = `${field}.parts[${i}]`;
    if (part.kind.case === "toolCall" || part.kind.case === "reasoning") {
      throw invalidValue(at, "may hold text, images, files and search results.");
    }
    const encoded = toPart(part, at, draft);
    if (typeof encoded?.text === "string") texts.push(encoded.text);
    else if (encoded) media.push(encoded);
  });
  const inside = media.length > 0 && draft.rules.mediaParts;
  if (media.length > 0 && !inside) {
    draft.losses.approximate(`${field}.parts`, "this model takes media beside a function's result only; sent there.");
  }
  const functionResponse = {
    ...idOf(result.callId),
    name: draft.names.toWire(name),
    response: responseOf(texts, result.isError),
    ...(inside && { parts: media }),
    ...(result.willContinue !== undefined && { willContinue: result.willContinue }),
  };
  return [{ functionResponse }, ...(inside ? [] : media)];
}

/** The provider wants an object: one that the tool wrote stays as it is, everything else is wrapped. */
function responseOf(texts: readonly string[], isError: boolean): JsonTree {
  const [first = ""] = texts;
  if (!isError && texts.length === 1 && isObject(first)) return new RawJson(first);
  const said = texts.length > 1 ? texts : first;
  return isError ? { error: said } : { output: said };
}

function isObject(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function toHostedCall(call: HostedCall, field: string, draft: Draft): JsonMembers | null {
  if (call.name !== "executableCode" && call.name !== "toolCall") return foreign(field, draft);
  return { [call.name]: objectText(call.inputJson, `${field}.input_json`) };
}

function toHostedResult(result: HostedResult, field: string, draft: Draft): JsonMembers | null {
  if (result.type !== "codeExecutionResult" && result.type !== "toolResponse") return foreign(field, draft);
  return { [result.type]: jsonText(result.outputJson, `${field}.output_json`) };
}

function toOpaque({ provider, content }: OpaquePart, field: string, draft: Draft): JsonMembers | null {
  if (!isGoogle(provider) || content.case !== "json") return foreign(field, draft);
  return membersOf(content.value, `${field}.json`);
}

function foreign(field: string, draft: Draft): null {
  draft.losses.drop(field, "only the provider that made it understands it.");
  return null;
}
