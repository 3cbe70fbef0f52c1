import type { ChatResponse } from "../../../gen/trunkline/v1/chat_pb.ts";
import { unfold } from "../../domain/fold.ts";
import { createResponsesEncoder } from "./encode-stream.ts";
import type { ParsedResponses } from "./parse-request.ts";

/** A whole answer as the JSON of a response: what its stream would have ended with. */
export function encodeResponse(response: ChatResponse, parsed: Pick<ParsedResponses, "echo">): string {
  const encoder = createResponsesEncoder(parsed, response.requestId);
  encoder.push(unfold(response));
  // An answer that was folded has its end, and the encoder has seen it.
  return encoder.answer ?? "{}";
}
