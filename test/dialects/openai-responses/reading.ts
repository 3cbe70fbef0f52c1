import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { readJsonBody } from "../../../src/dialects/json-body.ts";
import { createResponsesEncoder } from "../../../src/dialects/openai-responses/encode-stream.ts";
import { parseResponsesRequest } from "../../../src/dialects/openai-responses/parse-request.ts";
import type { Frame } from "../../../src/domain/chat.ts";
import { GatewayError } from "../../../src/domain/errors.ts";

// biome-ignore lint/suspicious/noExplicitAny: JSON under test
export type Json = any;

/** Parses a body; it gets a model and an input unless it has its own. */
export function parse(body: Record<string, unknown>, lossPolicy = LossPolicy.UNSPECIFIED) {
  const bytes = new TextEncoder().encode(JSON.stringify({ model: "m", input: "hi", ...body }));
  return parseResponsesRequest(readJsonBody(bytes), { lossPolicy });
}

/** The refusal of a body. @throws when it is accepted, or fails in any other way */
export function refusalOf(body: Record<string, unknown>): GatewayError {
  try {
    parse(body);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("the body was accepted");
}

/** The data of a stream's events, each checked for being named by its type. */
export function eventsOf(text: string): Json[] {
  return text
    .split("\n\n")
    .filter((event) => event.startsWith("event: "))
    .map((event) => {
      const [name = "", data = ""] = event.split("\n");
      const value = JSON.parse(data.slice("data: ".length));
      if (name !== `event: ${value.type}`) throw new Error(`${name} is of type ${value.type}`);
      return value;
    });
}

/** What the encoder writes for these batches. */
export function encode(
  batches: readonly (readonly Frame[])[],
  echo = {},
): { events: Json[]; answer: Json; text: string } {
  const encoder = createResponsesEncoder({ echo }, "req_1");
  const text = batches.map((frames) => encoder.push(frames)).join("");
  return { events: eventsOf(text), answer: encoder.answer === null ? null : JSON.parse(encoder.answer), text };
}
