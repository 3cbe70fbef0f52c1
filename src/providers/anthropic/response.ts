import { fieldsOrNone, isFields } from "../../dialects/anthropic-messages/fields.ts";
import { skipSpace } from "../../dialects/json-scan.ts";
import { JsonSlice } from "../../dialects/json-slice.ts";
import { type Frame, withWire } from "../../domain/chat.ts";
import type { DecodeMemory, HttpReply } from "../provider.ts";
import { createAnswer } from "./answer.ts";
import { failureOf } from "./errors.ts";
import { malformed, parseFields, readBlock, type WireEvent } from "./wire.ts";

/**
 * A whole message as the frames that its stream would have given: it is replayed as events, so that the unary answer
 * is the fold of the stream by construction.
 * @throws GatewayError `upstream_error` when the body is no message; the provider's error when it is one under HTTP 200
 */
export function fromResponse(reply: HttpReply, memory: DecodeMemory): readonly Frame[] {
  const message = parseFields(reply.body, "an answer");
  if (isFields(message.error)) throw failureOf(message.error, memory.target);
  if (!Array.isArray(message.content)) throw malformed("an answer without content");

  const answer = createAnswer(memory, reply.headers["request-id"]);
  const frames: Frame[] = [];
  let exact = true;
  const play = (event: WireEvent) => {
    frames.push(...answer.step(event));
    exact &&= answer.exact;
  };

  play({ type: "message_start", message });
  const inputs = inputTexts(reply.body);
  message.content.forEach((content: unknown, index) => {
    play({ type: "content_block_start", index, block: readBlock(content) });
    const input = inputs(index);
    if (input !== undefined)
      play({ type: "content_block_delta", index, delta: { type: "input_json_delta", partial_json: input } });
    play({ type: "content_block_stop", index });
  });
  play({ type: "message_delta", delta: message, usage: fieldsOrNone(message, "usage") });
  play({ type: "message_stop" });
  return exact ? withWire(frames, "anthropic-messages", reply.body, true) : frames;
}

/** The text of a block's input as the provider wrote it: parsing would lose integers above 2^53 and the keys' order. */
function inputTexts(body: string): (index: number) => string | undefined {
  const content = new JsonSlice(body, { start: skipSpace(body, 0), end: body.trimEnd().length }).member("content");
  return (index) => content?.element(index)?.member("input")?.text;
}
