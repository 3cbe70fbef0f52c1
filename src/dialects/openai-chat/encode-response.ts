import type { ChatResponse, Choice } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type Part, type ToolCall, ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import { FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import { encodeModeration } from "./encode-moderation.ts";
import {
  encodeAnnotation,
  encodeFinishReason,
  encodeImage,
  encodeLogprobs,
  encodeReasoningDetails,
  encodeToolCall,
  reasoningStates,
} from "./encode-parts.ts";
import { encodeUsage } from "./encode-usage.ts";

export interface EncodeOptions {
  /** The caller declared `functions`: a call is `function_call`, as deprecated clients read it. */
  readonly legacyFunctions: boolean;
}

/**
 * A whole answer as `chat.completion` JSON. What OpenAI's format has no place for (hosted calls, opaque parts) is left
 * out; reasoning and its proofs travel in `reasoning_content` and `reasoning_details`.
 */
export function encodeChatResponse(response: ChatResponse, options: EncodeOptions): string {
  const { metadata, serviceTier, moderation } = response;
  return JSON.stringify({
    id: response.id || `chatcmpl-${response.requestId}`,
    object: "chat.completion",
    created: Number(response.created?.seconds ?? 0n),
    model: response.model,
    choices: response.choices.map((choice) => encodeChoice(choice, options)),
    usage: encodeUsage(response.usage) ?? undefined,
    ...(serviceTier !== "" && { service_tier: serviceTier }),
    ...(moderation.length > 0 && { moderation: encodeModeration(moderation) }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  });
}

function encodeChoice(choice: Choice, { legacyFunctions }: EncodeOptions) {
  const parts = choice.message?.parts ?? [];
  const { finishReason, nativeFinishReason, finishMessage } = choice;
  return {
    index: choice.index,
    message: encodeMessage(parts, finishReason === FinishReason.REFUSAL ? finishMessage : "", legacyFunctions),
    logprobs: encodeLogprobs(choice.logprobs),
    finish_reason: encodeFinishReason(finishReason, nativeFinishReason, legacyFunctions),
  };
}

/** @param explanation why the model declined, when it said so beside its answer (edge case 59) */
function encodeMessage(parts: readonly Part[], explanation: string, legacyFunctions: boolean) {
  const refusal = joined(parts, "refusal") ?? (explanation || null);
  const reasoning = joined(parts, "reasoning");
  const calls = parts.filter((part) => part.kind.case === "toolCall");
  const annotations = parts.flatMap((part) => part.annotations.map(encodeAnnotation));
  const details = encodeReasoningDetails(reasoningStates(parts));
  // An answer without anything to say is empty text, unless calls or a refusal stand in its place.
  const content = joined(parts, "text") ?? (calls.length > 0 || refusal !== null ? null : "");
  return {
    role: "assistant",
    content,
    refusal,
    ...(reasoning && { reasoning_content: reasoning }),
    ...(details && { reasoning_details: details }),
    ...encodeCalls(calls, legacyFunctions),
    ...(annotations.length > 0 && { annotations }),
    ...encodeMedia(parts),
  };
}

function encodeCalls(parts: readonly Part[], legacyFunctions: boolean): Record<string, unknown> {
  const calls = parts.flatMap(({ kind, proof }) => (kind.case === "toolCall" ? [{ call: kind.value, proof }] : []));
  const [first] = calls;
  if (!first) return {};
  if (legacyFunctions && isFunction(first.call)) {
    return { function_call: { name: first.call.name, arguments: first.call.arguments } };
  }
  return { tool_calls: calls.map(({ call, proof }) => encodeToolCall(call, proof)) };
}

function isFunction(call: ToolCall): boolean {
  return call.kind !== ToolCallKind.CUSTOM;
}

function encodeMedia(parts: readonly Part[]): Record<string, unknown> {
  const images: unknown[] = [];
  let audio: Record<string, unknown> | undefined;
  for (const { kind } of parts) {
    if (kind.case === "image" && kind.value.media) images.push(encodeImage(kind.value.media));
    if (kind.case !== "audio") continue;
    const { id, media, transcript, expiresAt } = kind.value;
    audio = {
      id: id ?? "",
      expires_at: Number(expiresAt?.seconds ?? 0n),
      data: media?.source.case === "data" ? Buffer.from(media.source.value).toString("base64") : "",
      transcript: transcript ?? "",
    };
  }
  return { ...(audio && { audio }), ...(images.length > 0 && { images }) };
}

/** The texts of one kind as one; null when there is no such part. */
function joined(parts: readonly Part[], kind: "text" | "refusal" | "reasoning"): string | null {
  let text: string | null = null;
  for (const part of parts) {
    if (part.kind.case !== kind) continue;
    const value = part.kind.case === "text" ? part.kind.value : part.kind.value.text;
    text = (text ?? "") + value;
  }
  return text;
}
