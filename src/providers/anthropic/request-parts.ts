import type {
  HostedCall,
  HostedResult,
  OpaquePart,
  Part,
  Proof,
  ReasoningPart,
  ToolCall,
  ToolResult,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import { toCitation } from "../../dialects/anthropic-messages/citations.ts";
import { invalidValue, jsonText, membersOf, objectText } from "../../dialects/json-splice.ts";
import type { JsonMembers } from "../../dialects/json-text.ts";
import { type Draft, unsupported } from "./draft.ts";
import { issuerOf } from "./models.ts";
import { toDocument, toImage, toSearchResult } from "./request-media.ts";

/**
 * One part as a content block; null when nothing of it is sent (empty text, another provider's evidence).
 * @param path the part's path, such as `messages[0].parts[1]`
 * @throws GatewayError `unsupported_value` for kinds that Messages cannot carry
 */
export function toBlock(part: Part, path: string, draft: Draft): JsonMembers | null {
  const block = blockOf(part, path, draft);
  draft.cache.note(block, part.cache, `${path}.cache`);
  if (part.proof && !hasProof.has(part.kind.case)) {
    draft.losses.drop(`${path}.proof`, "is not taken on a part of this kind by this provider.");
  }
  const { kind } = part;
  if (kind.case === "searchResult" && kind.value.uri !== "" && kind.value.source !== "") {
    draft.losses.drop(
      `${path}.search_result.source`,
      "is not sent beside a uri: this provider has one place for both.",
    );
  }
  return block;
}

/** Kinds whose proof goes back, or is reported with what it proves. */
const hasProof: ReadonlySet<Part["kind"]["case"]> = new Set(["reasoning", "hostedCall", "hostedResult"]);

function blockOf(part: Part, path: string, draft: Draft): JsonMembers | null {
  const { kind } = part;
  switch (kind.case) {
    case "text":
      return toText(part, kind.value);
    case "refusal":
      return toText(part, kind.value.text);
    case "reasoning":
      return toThinking(kind.value, part.proof, path, draft);
    case "image":
      return toImage(kind.value, `${path}.image`, draft);
    case "file":
      return toDocument(kind.value, `${path}.file`, draft);
    case "searchResult":
      return toSearchResult(kind.value, nested(kind.value.parts, `${path}.search_result`, draft));
    case "toolCall":
      return toToolUse(kind.value, `${path}.tool_call`, draft);
    case "hostedCall":
      return toServerToolUse(kind.value, part.proof, `${path}.hosted_call`, draft);
    case "hostedResult":
      return toServerToolResult(kind.value, part.proof, `${path}.hosted_result`, draft);
    case "opaque":
      return toOpaque(kind.value, `${path}.opaque`, draft);
    case "audio":
    case "video":
      throw unsupported(
        `${path}.${kind.case}`,
        "is not read by this provider. Allowed are text, images and documents.",
      );
    case "toolResult":
      throw invalidValue(`${path}.tool_result`, "cannot stand here. Tool results belong to a message of their own.");
    default:
      throw invalidValue(path, "has no content that this gateway knows.");
  }
}

/** A call's result. Several of one turn share a user message; request-messages.ts puts them there. */
export function toToolResult(result: ToolResult, path: string, draft: Draft, toolset: string | undefined): JsonMembers {
  const field = `${path}.tool_result`;
  if (result.willContinue) draft.losses.drop(`${field}.will_continue`, "this provider takes one result for a call.");
  const content = nested(result.parts, field, draft);
  return {
    type: "tool_result",
    tool_use_id: draft.callIds.toWire(result.callId),
    ...(content.length > 0 && { content }),
    ...(result.isError && { is_error: true }),
    ...(toolset !== undefined && { toolset_name: toolset }),
  };
}

function nested(parts: readonly Part[], field: string, draft: Draft): JsonMembers[] {
  return parts.flatMap<JsonMembers>((part, index) => {
    const { kind } = part;
    const path = `${field}.parts[${index}]`;
    if (kind.case === "toolCall" || kind.case === "reasoning")
      throw invalidValue(path, "may hold text, images, files and search results.");
    return toBlock(part, path, draft) ?? [];
  });
}

/** Empty text blocks are refused by the provider, so they are left out; they say nothing. */
function toText(part: Part, text: string): JsonMembers | null {
  if (text.trim() === "") return null;
  const citations = part.annotations.flatMap<JsonMembers>((annotation) => toCitation(annotation) ?? []);
  return { type: "text", text, ...(citations.length > 0 && { citations }) };
}

function toThinking(
  reasoning: ReasoningPart,
  proof: Proof | undefined,
  path: string,
  draft: Draft,
): JsonMembers | null {
  if (proof === undefined || !isOwn(proof, draft)) {
    draft.losses.drop(`${path}.reasoning`, "reasoning is only taken back with this model's own proof.");
    return null;
  }
  const octets = new TextDecoder().decode(proof.data);
  if (reasoning.redacted) return { type: "redacted_thinking", data: octets };
  return { type: "thinking", thinking: reasoning.text, signature: octets };
}

/** Proofs of this provider, and of this model where the proof says which model made it. */
function isOwn(proof: Proof, draft: Draft): boolean {
  return proof.issuer === "anthropic" || proof.issuer === issuerOf(draft.target.model);
}

function toToolUse(call: ToolCall, field: string, draft: Draft): JsonMembers {
  const custom = call.kind === ToolCallKind.CUSTOM;
  return {
    type: "tool_use",
    id: draft.callIds.toWire(call.id),
    name: draft.names.toWire(call.name),
    input: custom ? { input: call.arguments } : objectText(call.arguments, `${field}.arguments`),
    ...(call.callerJson !== undefined && { caller: objectText(call.callerJson, `${field}.caller_json`) }),
    ...(call.toolset !== undefined && { toolset_name: call.toolset }),
  };
}

function toServerToolUse(call: HostedCall, proof: Proof | undefined, field: string, draft: Draft): JsonMembers | null {
  if (!call.id.startsWith("srvtoolu_")) return foreign(field, draft);
  const input = objectText(call.inputJson, `${field}.input_json`);
  return { type: "server_tool_use", id: call.id, name: call.name, input, ...callerOf(proof, draft) };
}

function toServerToolResult(
  result: HostedResult,
  proof: Proof | undefined,
  field: string,
  draft: Draft,
): JsonMembers | null {
  if (!result.callId.startsWith("srvtoolu_")) return foreign(field, draft);
  const content = jsonText(result.outputJson, `${field}.output_json`);
  return { type: result.type, tool_use_id: result.callId, content, ...callerOf(proof, draft) };
}

/** The caller of a hosted tool travels in the part's proof: the contract has no field for it. */
function callerOf(proof: Proof | undefined, draft: Draft): JsonMembers {
  if (proof?.format !== "caller" || !isOwn(proof, draft)) return {};
  return { caller: jsonText(new TextDecoder().decode(proof.data), "proof.data") };
}

function toOpaque(part: OpaquePart, field: string, draft: Draft): JsonMembers | null {
  if (part.provider !== "anthropic" || part.content.case !== "json") return foreign(field, draft);
  // Members, not text, so that a cache mark can join them; their values stay as they were written.
  return membersOf(part.content.value, `${field}.json`);
}

function foreign(field: string, draft: Draft): null {
  draft.losses.drop(field, "only the provider that made it understands it.");
  return null;
}
