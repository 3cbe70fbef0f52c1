import { type Finished, FinishReason, type Started } from "../../../gen/trunkline/v1/stream_pb.ts";
import type { GatewayError } from "../../domain/errors.ts";
import type { JsonMembers } from "../json-text.ts";
import type { ItemStatus } from "./item-writer.ts";

/** Ids of responses begin alike; the rest says which answer of the provider's it is. */
export function responseId(id: string, requestId: string): string {
  if (id.startsWith("resp_")) return id;
  return `resp_${(id || requestId).replaceAll(/[^A-Za-z0-9_-]/g, "")}`;
}

/** What every response begins with. */
export function headOf({ id, created, model }: Started, requestId: string): JsonMembers {
  return {
    id: responseId(id, requestId),
    object: "response",
    created_at: Number(created?.seconds ?? 0n),
    model,
  };
}

/** How a response ends, in the words of Responses (wire.md §3.2). */
export function endOf({ reason, native }: Finished): {
  readonly status: ItemStatus;
  readonly incomplete_details: JsonMembers | null;
} {
  switch (reason) {
    case FinishReason.LENGTH:
      return { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } };
    case FinishReason.CONTENT_FILTER:
      return { status: "incomplete", incomplete_details: { reason: "content_filter" } };
    // Send the answer back to go on with it: no reason of this API's says so, but that it is not whole.
    case FinishReason.PAUSE:
      return { status: "incomplete", incomplete_details: { reason: native || "pause" } };
    default:
      return { status: "completed", incomplete_details: null };
  }
}

/** `error` of a response that failed after it had begun. */
export function failureOf({ code, message }: GatewayError): { readonly code: string; readonly message: string } {
  return { code: code === "internal" ? "server_error" : code, message };
}
