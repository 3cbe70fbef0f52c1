import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type CountTokensResponse, CountTokensResponseSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import { type Notice, NoticeSchema, type ServedBy, UsageSchema } from "../../gen/trunkline/v1/usage_pb.ts";
import { blankServedBy } from "../domain/blank.ts";
import type { ChatCall, Frame } from "../domain/chat.ts";
import { estimateInputTokens, estimateUsage, type Sizes, sizesOf } from "../domain/estimate.ts";
import type { Loss } from "../domain/loss.ts";
import type { Target } from "../domain/target.ts";

/** Who answered; what a decoder cannot know. */
export interface Served {
  readonly target: Target;
  readonly simulated: boolean;
  readonly upstreamRequestId: string;
  readonly attempts: number;
}

export function toServedBy({ target, simulated, upstreamRequestId, attempts }: Served): ServedBy {
  const { provider, instance, model } = target;
  return { ...blankServedBy(), provider, instance, model, upstreamRequestId, attempts, simulated };
}

/** What callers are told of settings that the target did not get. */
export function lossNotices(losses: readonly Loss[]): Notice[] {
  return losses.map(({ field, action, message }) => create(NoticeSchema, { code: `${action}_field`, field, message }));
}

/** The same as frames, for the begin of an answer. */
export function lossFrames(losses: readonly Loss[]): readonly Frame[] {
  return lossNotices(losses).map((value) => ({ case: "notice", value, choice: 0, part: 0 }));
}

/**
 * Writes into decoded frames what only the sender knows: who served, and an estimate where the provider counted
 * nothing. The values are changed in place: no stage has seen them yet, and their wire text stays true.
 * @param sizes counts what the answer has said
 * @param wallMs when the answer began, for providers that do not say. Milliseconds since 1970.
 */
export function createFinisher(
  served: Served,
  call: ChatCall,
  wallMs: number,
  sizes: Sizes,
): (frames: readonly Frame[]) => readonly Frame[] {
  const servedBy = toServedBy(served);
  let counted = false;
  return (frames) => {
    for (const frame of frames) {
      switch (frame.case) {
        case "started":
          frame.value.servedBy = servedBy;
          frame.value.created ??= timestampFromMs(wallMs);
          break;
        case "usage":
          counted = true;
          break;
        case "completed":
          frame.value.servedBy = servedBy;
          if (!frame.value.usage && !counted)
            frame.value.usage = create(UsageSchema, estimateUsage(call.request, sizes));
          break;
        default:
          sizesOf(frame, sizes);
      }
    }
    return frames;
  };
}

/** A count for providers that have no way to count. */
export function estimated({ provider, instance, model }: Target, { request }: ChatCall): CountTokensResponse {
  const inputTokens = estimateInputTokens(request);
  return create(CountTokensResponseSchema, { inputTokens, exact: false, servedBy: { provider, instance, model } });
}
