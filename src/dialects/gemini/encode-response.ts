import type { ChatResponse, Choice } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { Part } from "../../../gen/trunkline/v1/message_pb.ts";
import { type JsonMembers, type JsonTree, toJsonText } from "../json-text.ts";
import { continuationOf, encodeAnswerPart } from "./encode-answer.ts";
import { type CitedText, encodeEnd, encodeGrounding, encodeLogprobs } from "./encode-end.ts";
import { encodeGeminiUsage } from "./encode-usage.ts";

/** A whole answer as `GenerateContentResponse`. */
export function encodeGenerateResponse(response: ChatResponse): string {
  const { id, requestId, model, usage, serviceTier } = response;
  return toJsonText({
    candidates: response.choices.map(encodeCandidate),
    usageMetadata: encodeGeminiUsage(usage, serviceTier),
    modelVersion: model,
    responseId: id || requestId,
  });
}

function encodeCandidate(choice: Choice): JsonTree {
  const encoded: JsonMembers[] = [];
  const cited: CitedText[] = [];
  const parts = choice.message?.parts ?? [];
  const firstCall = parts.find(({ kind }) => kind.case === "toolCall");
  for (const part of parts) {
    const one = encodeAnswerPart(part, { firstCall: part === firstCall });
    if (one === null) continue;
    cited.push(...citationsOf(part, encoded.length));
    encoded.push(one);
  }
  const { logprobs } = choice;
  const total = logprobs.reduce((sum, { logprob }) => sum + logprob, 0);
  const [continuationToken] = parts.flatMap((part) => continuationOf(part) ?? []);
  return {
    // Where nothing was said there is no content either.
    ...(encoded.length > 0 && { content: { parts: encoded, role: "model" } }),
    ...encodeEnd({
      reason: choice.finishReason,
      native: choice.nativeFinishReason,
      message: choice.finishMessage,
      safetyRatings: choice.safetyRatings,
    }),
    ...(cited.length > 0 && { groundingMetadata: encodeGrounding(cited) }),
    ...(logprobs.length > 0 && { avgLogprobs: total / logprobs.length, logprobsResult: encodeLogprobs(logprobs) }),
    ...(continuationToken !== undefined && { continuationToken }),
    index: choice.index,
  };
}

function citationsOf({ kind, annotations }: Part, partIndex: number): readonly CitedText[] {
  const text = kind.case === "text" ? kind.value : "";
  return annotations.map((annotation) => ({ annotation, text, at: { partIndex } }));
}
