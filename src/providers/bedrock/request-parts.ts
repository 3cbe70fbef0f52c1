import type { Part, Proof, ReasoningPart, ToolCall, ToolResult } from "../../../gen/trunkline/v1/message_pb.ts";
import { ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import { invalidValue, objectText } from "../../dialects/json-splice.ts";
import type { JsonMembers } from "../../dialects/json-text.ts";
import { dropCallExtras, dropResultExtras } from "../../dialects/unsaid-parts.ts";
import { type Draft, unsupported } from "./draft.ts";
import { takesIssuer } from "./models.ts";
import { toAudio, toDocument, toImage, toVideo } from "./request-media.ts";

/**
 * One part as a content block; null when nothing of it is sent (blank text, another provider's evidence).
 * @param path the part's path, such as `messages[0].parts[1]`
 * @throws GatewayError `unsupported_value` for kinds that Converse cannot carry
 */
export function toBlock(part: Part, path: string, draft: Draft): JsonMembers | null {
  const { kind, proof } = part;
  if (proof && kind.case !== "reasoning")
    draft.losses.drop(`${path}.proof`, "is not taken on a part of this kind by this provider.");
  switch (kind.case) {
    case "text":
      return toText(kind.value);
    case "refusal":
      draft.losses.approximate(`${path}.refusal`, "this provider has no refusals; sent as text.");
      return toText(kind.value.text);
    case "reasoning":
      return toReasoning(kind.value, proof, path, draft);
    case "image":
      return toImage(kind.value, `${path}.image`, draft);
    case "file":
      return toDocument(kind.value, `${path}.file`, draft);
    case "video":
      return toVideo(kind.value, `${path}.video`, draft);
    case "audio":
      return toAudio(kind.value, `${path}.audio`);
    case "searchResult":
      return toSearchResult(kind.value, `${path}.search_result`, draft);
    case "toolCall":
      return toToolUse(kind.value, `${path}.tool_call`, draft);
    case "toolResult":
      throw invalidValue(`${path}.tool_result`, "cannot stand here. Tool results belong to a message of their own.");
    case "hostedCall":
    case "hostedResult":
    case "opaque":
      draft.losses.drop(path, "only the provider that made it understands it.");
      return null;
    default:
      throw invalidValue(path, "has no content that this gateway knows.");
  }
}

/** Blank text is refused by the provider, so it is left out; it says nothing. */
function toText(text: string): JsonMembers | null {
  return text.trim() === "" ? null : { text };
}

function toReasoning(
  reasoning: ReasoningPart,
  proof: Proof | undefined,
  path: string,
  { target, losses }: Draft,
): JsonMembers | null {
  const isSealed = reasoning.redacted || proof?.format === "redacted";
  const isOwn = proof !== undefined && takesIssuer(proof.issuer, target.model);
  if (!isOwn || (isSealed && proof.issuer !== "bedrock")) {
    losses.drop(`${path}.reasoning`, "reasoning is only taken back with this model's own proof.");
    return null;
  }
  if (reasoning.summary.length > 0)
    losses.drop(`${path}.reasoning.summary`, "this provider takes the reasoning itself.");
  if (isSealed) return { reasoningContent: { redactedContent: Buffer.from(proof.data).toString("base64") } };
  const signature = new TextDecoder().decode(proof.data);
  return { reasoningContent: { reasoningText: { text: reasoning.text, signature } } };
}

type SearchResult = Extract<Part["kind"], { case: "searchResult" }>["value"];

function toSearchResult(result: SearchResult, field: string, { losses }: Draft): JsonMembers {
  if (result.uri !== "" && result.source !== "")
    losses.drop(`${field}.source`, "is not sent beside a uri: this provider has one place for both.");
  const content = result.parts.flatMap<JsonMembers>((part, index) => {
    if (part.kind.case !== "text") throw unsupported(`${field}.parts[${index}]`, "must be text.");
    return toText(part.kind.value) ?? [];
  });
  const citations = result.citationsEnabled === undefined ? {} : { citations: { enabled: result.citationsEnabled } };
  return { searchResult: { source: result.uri || result.source, title: result.title, content, ...citations } };
}

function toToolUse(call: ToolCall, field: string, draft: Draft): JsonMembers {
  dropCallExtras(call, field, draft.losses);
  const custom = call.kind === ToolCallKind.CUSTOM;
  return {
    toolUse: {
      toolUseId: draft.callIds.toWire(call.id),
      name: draft.toolNames.toWire(call.name),
      input: custom ? { input: call.arguments } : objectText(call.arguments, `${field}.arguments`),
    },
  };
}

/** A call's result. Several of one turn share a user message; request-messages.ts puts them there. */
export function toToolResult(result: ToolResult, field: string, draft: Draft): JsonMembers {
  dropResultExtras(result, field, draft.losses);
  const content = result.parts.flatMap<JsonMembers>((part, index) => {
    const path = `${field}.parts[${index}]`;
    if (!inResults.has(part.kind.case))
      throw unsupported(path, "may be text, an image, a document, a video or a search result.");
    if (part.cache) draft.losses.drop(`${path}.cache`, "this provider takes no cache marks inside results.");
    return toBlock(part, path, draft) ?? [];
  });
  const failed = result.isError && draft.rules.failedResults;
  if (result.isError && !failed) {
    draft.losses.approximate(`${field}.is_error`, "this model has no such mark; the text begins with 'Error:'.");
    content.unshift({ text: "Error:" });
  }
  return {
    toolResult: {
      toolUseId: draft.callIds.toWire(result.callId),
      // An empty list is refused, and so is blank text.
      content: content.length > 0 ? content : [{ json: {} }],
      ...(failed && { status: "error" }),
    },
  };
}

const inResults: ReadonlySet<Part["kind"]["case"]> = new Set<Part["kind"]["case"]>([
  "text",
  "image",
  "file",
  "video",
  "searchResult",
]);
