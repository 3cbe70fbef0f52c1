import type { Annotation, Media, Part, Proof, ToolCall } from "../../../gen/trunkline/v1/message_pb.ts";
import { ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import { FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import type { TokenLogprob } from "../../../gen/trunkline/v1/usage_pb.ts";
import { isGoogle, proofText } from "./proofs.ts";

/** How a part looks inside `message` and `delta` alike. */

const nativeReasons = new Set(["stop", "length", "tool_calls", "content_filter", "function_call"]);

/**
 * OpenAI's finish reason. It knows no pause: that is `stop`. A model of its own that declines says so in `refusal` and
 * stops; where the provider had another word for it, `content_filter` is what clients understand.
 */
export function encodeFinishReason(reason: FinishReason, native: string, legacyFunctions: boolean): string {
  switch (reason) {
    case FinishReason.STOP:
    case FinishReason.PAUSE:
      return "stop";
    case FinishReason.LENGTH:
      return "length";
    case FinishReason.TOOL_CALLS:
      return legacyFunctions ? "function_call" : "tool_calls";
    case FinishReason.CONTENT_FILTER:
      return "content_filter";
    case FinishReason.REFUSAL:
      return native === "stop" || native === "completed" ? "stop" : "content_filter";
    default:
      return nativeReasons.has(native) ? native : "stop";
  }
}

/** A tool call as an entry of `tool_calls`. */
export function encodeToolCall(call: ToolCall, proof: Proof | undefined): Record<string, unknown> {
  const tool =
    call.kind === ToolCallKind.CUSTOM
      ? { type: "custom", custom: { name: call.name, input: call.arguments } }
      : { type: "function", function: { name: call.name, arguments: call.arguments } };
  return { id: call.id, ...tool, ...encodeCallProof(proof) };
}

/** Google's clients send the proof of a call back where Google's endpoint put it. */
export function encodeCallProof(proof: Proof | undefined): Record<string, unknown> {
  if (!proof || !isGoogle(proof.issuer)) return {};
  return { extra_content: { google: { thought_signature: proofText(proof) } } };
}

/** What is known of one reasoning part. */
export interface ReasoningState {
  text: string;
  summary: readonly string[];
  redacted: boolean;
  proof: Proof | undefined;
  id: string;
}

/**
 * `reasoning_details`: how proofs travel through a chat client and back. An entry is OpenRouter's, its `format` the
 * issuer of the proof. Undefined when no part has a proof: the text alone is in `reasoning_content`.
 */
export function encodeReasoningDetails(parts: readonly ReasoningState[]): readonly unknown[] | undefined {
  if (!parts.some((part) => part.proof)) return undefined;
  return parts.map(({ text, summary, redacted, proof, id }, index) => {
    const place = { ...(id !== "" && { id }), ...(proof && { format: proof.issuer }), index };
    if (proof && (redacted || proof.format !== "signature")) {
      return { type: "reasoning.encrypted", data: proofText(proof), ...place };
    }
    if (!proof && text === "" && summary.length > 0) {
      return { type: "reasoning.summary", summary: summary.join("\n"), ...place };
    }
    return { type: "reasoning.text", text, ...(proof && { signature: proofText(proof) }), ...place };
  });
}

/** A citation as an entry of `annotations`; those that cite no address keep their own type and offsets. */
export function encodeAnnotation(annotation: Annotation): Record<string, unknown> {
  const { type, uri, title, start, end } = annotation;
  const offsets = {
    ...(start !== undefined && { start_index: start }),
    ...(end !== undefined && { end_index: end }),
  };
  if (uri !== "") return { type: "url_citation", url_citation: { url: uri, title, ...offsets } };
  return {
    type,
    title,
    cited_text: annotation.citedText,
    ...(annotation.fileId !== "" && { file_id: annotation.fileId }),
    ...(annotation.documentIndex !== undefined && { document_index: annotation.documentIndex }),
    ...offsets,
  };
}

/** A generated picture as an entry of `images`, the extension that OpenRouter's clients read. */
export function encodeImage(media: Media): Record<string, unknown> {
  return { type: "image_url", image_url: { url: addressOf(media) } };
}

function addressOf({ source, mediaType }: Media): string {
  if (source.case !== "data") return source.value ?? "";
  return `data:${mediaType || "application/octet-stream"};base64,${Buffer.from(source.value).toString("base64")}`;
}

/** `logprobs` of a choice; null when there are none. */
export function encodeLogprobs(logprobs: readonly TokenLogprob[]): Record<string, unknown> | null {
  if (logprobs.length === 0) return null;
  const list = (kind: string) => {
    const tokens = logprobs.filter((token) => (token.kind || "content") === kind);
    return tokens.length === 0
      ? null
      : tokens.map((token) => ({ ...encodeToken(token), top_logprobs: token.top.map(encodeToken) }));
  };
  return { content: list("content"), refusal: list("refusal") };
}

function encodeToken({ token, raw, logprob }: TokenLogprob) {
  return { token, logprob, bytes: raw.length === 0 ? null : Array.from(raw) };
}

/** The reasoning parts of a whole message. */
export function reasoningStates(parts: readonly Part[]): ReasoningState[] {
  return parts.flatMap((part) => {
    if (part.kind.case !== "reasoning") return [];
    const { text, summary, redacted } = part.kind.value;
    return [{ text, summary, redacted, proof: part.proof, id: part.id }];
  });
}
