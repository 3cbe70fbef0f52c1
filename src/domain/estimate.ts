import { create } from "@bufbuild/protobuf";
import type { ChatRequest } from "../../gen/trunkline/v1/chat_pb.ts";
import type { Part } from "../../gen/trunkline/v1/message_pb.ts";
import { type Usage, UsageSchema } from "../../gen/trunkline/v1/usage_pb.ts";
import type { Frame } from "./chat.ts";

/** What an answer has said so far. UTF-16 units. */
export interface Sizes {
  outputChars: number;
  reasoningChars: number;
}

/** English prose and code measure 3.5 to 4.5 characters a token in the common vocabularies. */
const charsPerToken = 4;
/** Role markers and separators that chat templates add to each message. Tokens. */
const tokensPerMessage = 4;
/** A picture of middling size at the common providers. Tokens. */
const tokensPerImage = 765;

/** Adds a frame's text to the sizes. */
export function sizesOf(frame: Frame, sizes: Sizes): void {
  switch (frame.case) {
    case "textDelta":
    case "refusalDelta":
    case "argumentsDelta":
    case "transcriptDelta":
      sizes.outputChars += frame.value.length;
      return;
    case "reasoningDelta":
      sizes.reasoningChars += frame.value.length;
      return;
    default:
      return;
  }
}

/** Tokens by rule of thumb, marked as estimated; for answers whose provider counted nothing. */
export function estimateUsage(request: ChatRequest, sizes: Sizes) {
  const inputTokens = estimateInputTokens(request);
  const reasoningTokens = Math.ceil(sizes.reasoningChars / charsPerToken);
  const outputTokens = Math.ceil(sizes.outputChars / charsPerToken) + reasoningTokens;
  return {
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    estimated: true,
    ...(reasoningTokens > 0 ? { reasoningTokens } : {}),
  };
}

/** The last count of a provider, and what its answer had said by then. */
export interface Counted {
  readonly usage: Usage;
  readonly sizes: Readonly<Sizes>;
}

/**
 * What an answer that broke off has used: as its provider had counted, and by rule of thumb what it said after that.
 * Some providers count when an answer begins, and again only when it ends.
 */
export function usageSoFar(request: ChatRequest, sizes: Readonly<Sizes>, counted: Counted | null): Usage {
  if (counted === null) return create(UsageSchema, estimateUsage(request, sizes));
  const { usage, sizes: then } = counted;
  const chars = sizes.outputChars - then.outputChars + sizes.reasoningChars - then.reasoningChars;
  if (chars <= 0) return usage;
  const tokens = Math.ceil(chars / charsPerToken);
  return {
    ...usage,
    outputTokens: (usage.outputTokens ?? 0) + tokens,
    ...(usage.totalTokens !== undefined && { totalTokens: usage.totalTokens + tokens }),
    estimated: true,
  };
}

/** Estimates of requests whose prompt is gone. */
const remembered = new WeakMap<ChatRequest, number>();

/** Keeps the estimate of a request that is about to lose its prompt. */
export function rememberInputTokens(request: ChatRequest): void {
  remembered.set(request, estimateInputTokens(request));
}

export function estimateInputTokens(request: ChatRequest): number {
  return remembered.get(request) ?? countInputTokens(request);
}

function countInputTokens(request: ChatRequest): number {
  let chars = 0;
  let tokens = 0;
  for (const message of request.messages) {
    tokens += tokensPerMessage;
    for (const part of message.parts) {
      if (part.kind.case === "image") tokens += tokensPerImage;
      else chars += charsOf(part);
    }
  }
  for (const { kind } of request.tools) {
    if (kind.case === "function")
      chars += kind.value.name.length + kind.value.description.length + kind.value.parametersSchema.length;
    else if (kind.case === "custom") chars += kind.value.name.length + kind.value.description.length;
  }
  return tokens + Math.ceil(chars / charsPerToken);
}

function charsOf(part: Part): number {
  const { kind } = part;
  switch (kind.case) {
    case "text":
      return kind.value.length;
    case "reasoning":
    case "refusal":
      return kind.value.text.length;
    case "toolCall":
      return kind.value.name.length + kind.value.arguments.length;
    case "toolResult":
      return kind.value.parts.reduce((sum, inner) => sum + charsOf(inner), 0);
    case "file":
      return kind.value.media?.source.case === "data" ? kind.value.media.source.value.length : 0;
    default:
      return 0;
  }
}
