import {
  type Annotation,
  type HostedCall,
  type Part,
  type ToolCall,
  ToolCallKind,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { isJsonObject } from "../json-body.ts";
import { membersOf } from "../json-splice.ts";
import { type JsonMembers, type JsonTree, RawJson } from "../json-text.ts";
import { proofCarrier, wrapPart } from "../wrapped-parts.ts";
import { toCitation, webCitation } from "./citations.ts";
import { isAnthropic, toSignature } from "./proofs.ts";

/**
 * The content blocks of an answer's part. What Messages has no place for (pictures, sound) has none; what only another
 * provider understands travels in a redacted block that goes back with the conversation.
 */
export function encodeBlocks(part: Part): readonly JsonMembers[] {
  const { kind } = part;
  switch (kind.case) {
    case "text":
      return kind.value === "" && part.annotations.length === 0 ? [] : [textBlock(kind.value, part), ...carried(part)];
    case "refusal":
      return kind.value.text === "" ? [] : [textBlock(kind.value.text, part), ...carried(part)];
    case "reasoning":
      return [thinkingBlock(part)];
    case "toolCall":
      return [{ ...openedCall(kind.value), input: inputOf(kind.value) }, ...carried(part)];
    case "hostedCall":
    case "hostedResult":
    case "opaque":
      return [hostedBlock(part)];
    default:
      return [];
  }
}

function textBlock(text: string, { annotations }: Part): JsonMembers {
  return { type: "text", text, citations: annotations.length === 0 ? null : annotations.map(encodeCitation) };
}

/** Citations of other providers are told as citations of the web, if they lead anywhere. */
export function encodeCitation(annotation: Annotation): JsonMembers {
  return (
    toCitation(annotation) ?? {
      type: webCitation,
      cited_text: annotation.citedText,
      url: annotation.uri,
      title: annotation.title === "" ? null : annotation.title,
      encrypted_index: "",
    }
  );
}

/** A whole thinking block, or one that shows nothing. */
export function thinkingBlock(part: Part): JsonMembers {
  const { kind, proof } = part;
  if (kind.case === "reasoning" && kind.value.redacted) {
    const isOwn = proof !== undefined && isAnthropic(proof.issuer);
    return { type: "redacted_thinking", data: isOwn ? Buffer.from(proof.data).toString("utf8") : wrapPart(part) };
  }
  return { type: "thinking", thinking: reasoningText(part), signature: toSignature(part) };
}

/** What a reasoning part shows: its text, else its summaries. */
export function reasoningText({ kind }: Part): string {
  return kind.case === "reasoning" ? kind.value.text || kind.value.summary.join("\n\n") : "";
}

/** A call as it is before its input. */
export function openedCall(call: ToolCall): JsonMembers {
  const caller: JsonTree = call.callerJson === undefined ? { type: "direct" } : new RawJson(call.callerJson);
  return {
    type: "tool_use",
    id: call.id,
    name: call.name,
    input: {},
    caller,
    ...(call.toolset !== undefined && { toolset_name: call.toolset }),
  };
}

/**
 * The input of a call, which is an object here: free text stands in `input`, and what the model wrote in place of an
 * object, cut off perhaps, in `raw_arguments`.
 */
function inputOf(call: ToolCall): JsonTree {
  if (call.kind === ToolCallKind.CUSTOM) return { input: call.arguments };
  if (call.arguments.trim() === "") return {};
  return isObjectText(call.arguments) ? new RawJson(call.arguments) : { raw_arguments: call.arguments };
}

export function isObjectText(text: string): boolean {
  try {
    return isJsonObject(JSON.parse(text));
  } catch {
    return false;
  }
}

/** A proof beside a part that has no place for it. */
export function carried(part: Part): readonly JsonMembers[] {
  const { kind, proof } = part;
  if (!proof) return [];
  const callId = kind.case === "toolCall" ? kind.value.id : "";
  return [{ type: "redacted_thinking", data: wrapPart(proofCarrier(proof, callId)) }];
}

/** A block of a tool that the provider runs, or one that only its provider understands. */
export function hostedBlock(part: Part): JsonMembers {
  const { kind, proof } = part;
  const caller: JsonTree =
    proof?.format === "caller" && isAnthropic(proof.issuer)
      ? new RawJson(Buffer.from(proof.data).toString("utf8"))
      : { type: "direct" };
  if (kind.case === "hostedCall" && isOwnCall(kind.value.id)) return serverToolUse(kind.value, caller);
  if (kind.case === "hostedResult" && isOwnCall(kind.value.callId)) {
    const { type, callId, outputJson } = kind.value;
    return { type, tool_use_id: callId, content: new RawJson(outputJson || "null"), caller };
  }
  if (kind.case === "opaque" && kind.value.provider === "anthropic" && kind.value.content.case === "json") {
    return membersOf(kind.value.content.value, "opaque.json");
  }
  return { type: "redacted_thinking", data: wrapPart(part) };
}

function serverToolUse({ id, name, inputJson }: HostedCall, caller: JsonTree): JsonMembers {
  return { type: "server_tool_use", id, name, input: new RawJson(inputJson || "{}"), caller };
}

/** Ids of Anthropic's own tools; blocks with others would be refused when they come back. */
function isOwnCall(id: string): boolean {
  return id.startsWith("srvtoolu_");
}
