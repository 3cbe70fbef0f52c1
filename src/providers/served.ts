import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { NoticeSchema, ServedBySchema, UsageSchema } from "../../gen/trunkline/v1/usage_pb.ts";
import type { ChatCall, Frame } from "../domain/chat.ts";
import { estimateUsage, type Sizes, sizesOf } from "../domain/estimate.ts";
import type { Loss } from "../domain/loss.ts";
import type { Target } from "../domain/target.ts";

/** Who answered; what a decoder cannot know. */
export interface Served {
  readonly target: Target;
  readonly simulated: boolean;
  readonly upstreamRequestId: string;
  readonly attempts: number;
  /** When the answer began, for providers that do not say. Milliseconds since 1970. */
  readonly wallMs: number;
}

/** Notices about settings that the target did not get. */
export function lossNotices(losses: readonly Loss[]): readonly Frame[] {
  return losses.map(({ field, action, message }) => ({
    case: "notice",
    value: create(NoticeSchema, { code: `${action}_field`, field, message }),
    choice: 0,
    part: 0,
  }));
}

/**
 * Writes into decoded frames what only the sender knows: who served, and an estimate where the provider counted
 * nothing. The values are changed in place: no stage has seen them yet, and their wire text stays true.
 */
export function createFinisher(served: Served, call: ChatCall): (frames: readonly Frame[]) => readonly Frame[] {
  const { target, simulated, upstreamRequestId, attempts, wallMs } = served;
  const servedBy = create(ServedBySchema, {
    provider: target.provider,
    instance: target.instance,
    model: target.model,
    upstreamRequestId,
    attempts,
    simulated,
  });
  const sizes: Sizes = { outputChars: 0, reasoningChars: 0 };
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
