import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import {
  type GeminiAsked,
  type ParsedGemini,
  parseGenerateRequest,
} from "../../../src/dialects/gemini/parse-request.ts";
import { readJsonBody } from "../../../src/dialects/json-body.ts";
import { GatewayError } from "../../../src/domain/errors.ts";

export const hi = { role: "user", parts: [{ text: "hi" }] };

/** Parses a body; objects get one content unless they have their own, texts are taken as they are. */
export function parse(body: string | Record<string, unknown>, asked: Partial<GeminiAsked> = {}): ParsedGemini {
  const text = typeof body === "string" ? body : JSON.stringify({ contents: [hi], ...body });
  return parseGenerateRequest(readJsonBody(new TextEncoder().encode(text)), {
    lossPolicy: LossPolicy.UNSPECIFIED,
    model: "m",
    stream: false,
    ...asked,
  });
}

export function requestOf(body: string | Record<string, unknown>) {
  return parse(body).call.request;
}

/** The parts of one content of this role. */
export function partsOf(parts: readonly unknown[], role = "user") {
  return requestOf({ contents: [{ role, parts }] }).messages[0]?.parts ?? [];
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
