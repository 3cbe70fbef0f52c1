import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import {
  type MessagesAsked,
  type ParsedMessages,
  parseMessagesRequest,
} from "../../../src/dialects/anthropic-messages/parse-request.ts";
import { readJsonBody } from "../../../src/dialects/json-body.ts";
import { GatewayError } from "../../../src/domain/errors.ts";

export const hi = { role: "user", content: "hi" };

/** Parses a body; objects get a model, a bound and one message unless they have their own, texts are taken as they are. */
export function parse(
  body: string | Record<string, unknown>,
  headers: Readonly<Record<string, string>> = {},
  asked: Partial<MessagesAsked> = {},
): ParsedMessages {
  const text = typeof body === "string" ? body : JSON.stringify({ model: "m", max_tokens: 9, messages: [hi], ...body });
  const bytes = new TextEncoder().encode(text);
  return parseMessagesRequest(readJsonBody(bytes), {
    lossPolicy: LossPolicy.UNSPECIFIED,
    header: (name) => headers[name],
    ...asked,
  });
}

export function requestOf(body: string | Record<string, unknown>) {
  return parse(body).call.request;
}

/** The parts of one message of this role with this content. */
export function partsOf(content: unknown, role = "user") {
  return requestOf({ messages: [{ role, content }] }).messages[0]?.parts ?? [];
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
