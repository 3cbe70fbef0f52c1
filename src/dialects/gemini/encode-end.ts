import type { Annotation } from "../../../gen/trunkline/v1/message_pb.ts";
import { type Finished, FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import type { SafetyRating, TokenLogprob } from "../../../gen/trunkline/v1/usage_pb.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import { isFinishReason } from "./finish-reasons.ts";

/** How a candidate ends, in Google's words. */
export function encodeEnd(end: Omit<Finished, "$typeName">): JsonMembers {
  const { message, safetyRatings } = end;
  const paused = end.reason === FinishReason.PAUSE && !isFinishReason(end.native);
  return {
    finishReason: finishReason(end),
    ...(message !== "" ? { finishMessage: message } : paused && { finishMessage: pausedMessage }),
    ...(safetyRatings.length > 0 && { safetyRatings: safetyRatings.map(encodeRating) }),
  };
}

const pausedMessage = "The provider paused a long turn: send the answer back, and it goes on.";

function finishReason({ reason, native }: Omit<Finished, "$typeName">): string {
  if (isFinishReason(native)) return native;
  switch (reason) {
    case FinishReason.STOP:
    case FinishReason.TOOL_CALLS:
      return "STOP";
    case FinishReason.LENGTH:
      return "MAX_TOKENS";
    case FinishReason.CONTENT_FILTER:
    case FinishReason.REFUSAL:
      return "SAFETY";
    default:
      // Pauses too: CONTINUATION has clients ask again with a token, which other providers do not give.
      return "OTHER";
  }
}

function encodeRating({ category, probability, severity, score, blocked }: SafetyRating): JsonMembers {
  return {
    category,
    ...(probability !== "" && { probability }),
    ...(severity !== "" && { severity }),
    ...(score !== undefined && { probabilityScore: score }),
    ...(blocked && { blocked }),
  };
}

/** `logprobsResult`: the chosen tokens and, where they were asked for, the likeliest at each place. */
export function encodeLogprobs(logprobs: readonly TokenLogprob[]): JsonMembers {
  const hasTop = logprobs.some(({ top }) => top.length > 0);
  return {
    chosenCandidates: logprobs.map(encodeToken),
    ...(hasTop && { topCandidates: logprobs.map(({ top }) => ({ candidates: top.map(encodeToken) })) }),
  };
}

function encodeToken({ token, tokenId, logprob }: TokenLogprob): JsonMembers {
  return { token, ...(tokenId !== undefined && { tokenId }), logProbability: logprob };
}

/** A citation, and the text of its part. */
export interface CitedText {
  readonly annotation: Annotation;
  readonly text: string;
  /** UTF-8 bytes of the text before the part, or the part's own index. */
  readonly at: { readonly bytesBefore: number } | { readonly partIndex: number };
}

/** `groundingMetadata`: each source once, and the stretches of text that it supports, in UTF-8 bytes. */
export function encodeGrounding(cited: readonly CitedText[]): JsonMembers {
  const chunks: JsonMembers[] = [];
  const known = new Map<string, number>();
  const supports: JsonMembers[] = [];
  for (const { annotation, text, at } of cited) {
    const { uri, title, confidence } = annotation;
    const key = `${uri}\n${title}`;
    const index = known.get(key) ?? chunks.push({ web: { uri, title } }) - 1;
    known.set(key, index);
    const segment = segmentOf(annotation, text, at);
    if (segment === null) continue;
    supports.push({
      segment,
      groundingChunkIndices: [index],
      ...(confidence !== undefined && { confidenceScores: [confidence] }),
    });
  }
  return { groundingChunks: chunks, ...(supports.length > 0 && { groundingSupports: supports }) };
}

function segmentOf({ start, end }: Annotation, text: string, at: CitedText["at"]): JsonTree {
  if (start === undefined || end === undefined || end <= start) return null;
  const points = Array.from(text);
  const before = Buffer.byteLength(points.slice(0, start).join(""));
  const words = points.slice(start, end).join("");
  if (words === "") return null;
  const offset = before + ("bytesBefore" in at ? at.bytesBefore : 0);
  return {
    ...("partIndex" in at && at.partIndex > 0 && { partIndex: at.partIndex }),
    ...(offset > 0 && { startIndex: offset }),
    endIndex: offset + Buffer.byteLength(words),
    text: words,
  };
}
