import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { readJsonBody } from "../../../src/dialects/json-body.ts";
import { type ParsedChat, parseChatRequest } from "../../../src/dialects/openai-chat/parse-request.ts";
import { GatewayError } from "../../../src/domain/errors.ts";

export const hi = { role: "user", content: "hi" };

/** Parses a body; objects get a model and one message unless they have their own, texts are taken as they are. */
export function parse(
  body: string | Record<string, unknown>,
  lossPolicy: LossPolicy = LossPolicy.UNSPECIFIED,
): ParsedChat {
  const text = typeof body === "string" ? body : JSON.stringify({ model: "m", messages: [hi], ...body });
  return parseChatRequest(readJsonBody(new TextEncoder().encode(text)), lossPolicy);
}

export function requestOf(body: string | Record<string, unknown>) {
  return parse(body).call.request;
}

/** The refusal of a body. @throws when it is accepted, or fails in any other way */
export function refusalOf(body: string | Record<string, unknown>): GatewayError {
  try {
    parse(body);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("the body was accepted");
}
