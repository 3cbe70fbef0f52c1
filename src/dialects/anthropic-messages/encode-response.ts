import type { ChatResponse } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type JsonMembers, toJsonText } from "../json-text.ts";
import { encodeBlocks } from "./encode-blocks.ts";
import { encodeStop } from "./encode-stop.ts";
import { encodeMessagesUsage } from "./encode-usage.ts";

/** A whole answer as Messages JSON. There is one choice: nobody can ask for more of them here. */
export function encodeMessagesResponse(response: ChatResponse): string {
  const { id, requestId, model, serviceTier } = response;
  const [choice] = response.choices;
  const parts = choice?.message?.parts ?? [];
  const end = {
    reason: choice?.finishReason ?? 0,
    native: choice?.nativeFinishReason ?? "",
    message: choice?.finishMessage ?? "",
    safetyRatings: choice?.safetyRatings ?? [],
    ...(choice?.stopSequence !== undefined && { stopSequence: choice.stopSequence }),
  };
  const refused = parts.some(({ kind }) => kind.case === "refusal");
  return toJsonText({
    ...messageHead(id, requestId, model),
    content: parts.flatMap(encodeBlocks),
    ...encodeStop(end, refused),
    usage: encodeMessagesUsage(response.usage, serviceTier),
  });
}

/** What every message begins with. */
export function messageHead(id: string, requestId: string, model: string): JsonMembers {
  return {
    id: messageId(id || requestId),
    type: "message",
    role: "assistant",
    model,
    container: null,
    diagnostics: null,
  };
}

/** Ids of messages begin alike; the rest says which answer of the provider's it is. */
function messageId(id: string): string {
  return id.startsWith("msg_") ? id : `msg_${id.replaceAll(/[^A-Za-z0-9]/g, "")}`;
}
