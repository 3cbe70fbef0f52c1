import { create } from "@bufbuild/protobuf";
import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type Usage, UsageSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import type { Frame } from "../../domain/chat.ts";
import type { Clock } from "../../domain/clock.ts";
import { estimateUsage, sizesOf } from "../../domain/estimate.ts";

type Answer = AsyncIterable<readonly Frame[]>;

/**
 * The answer, with its usage so far at most an interval after the last one while text comes. Providers count at the end
 * of an answer, if not at its beginning, so that these counts are estimated and say so. Milliseconds.
 */
export async function* withUsage(answer: Answer, intervalMs: number, clock: Clock, request: ChatRequest): Answer {
  const sizes = { outputChars: 0, reasoningChars: 0 };
  let counted: Usage | undefined;
  let toldMs = clock.nowMs();
  for await (const frames of answer) {
    for (const frame of frames) {
      sizesOf(frame, sizes);
      if (frame.case === "usage") counted = frame.value;
    }
    const isOver = frames.some((frame) => frame.case === "usage" || frame.case === "completed");
    if (isOver) toldMs = clock.nowMs();
    if (isOver || clock.nowMs() - toldMs < intervalMs) {
      yield frames;
      continue;
    }
    toldMs = clock.nowMs();
    yield [...frames, { case: "usage", value: usageSoFar(request, sizes, counted), choice: 0, part: 0 }];
  }
}

/** What the provider has counted stands; what was said since then is estimated. */
function usageSoFar(
  request: ChatRequest,
  sizes: { readonly outputChars: number; readonly reasoningChars: number },
  counted: Usage | undefined,
): Usage {
  const estimated = estimateUsage(request, sizes);
  const inputTokens = counted?.inputTokens ?? estimated.inputTokens;
  const outputTokens = Math.max(counted?.outputTokens ?? 0, estimated.outputTokens);
  const totalTokens = inputTokens + outputTokens;
  const soFar = { inputTokens, outputTokens, totalTokens, estimated: true };
  return counted ? { ...counted, ...soFar } : create(UsageSchema, soFar);
}
