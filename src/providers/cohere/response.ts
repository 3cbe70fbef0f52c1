import { type Fields, fieldsOf, isFields, listOf, parseObject, textOf } from "../../dialects/openai-chat/wire.ts";
import type { Frame } from "../../domain/chat.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { DecodeMemory, HttpReply } from "../provider.ts";
import { Answer } from "./answer.ts";
import { failureOf } from "./errors.ts";

/**
 * A whole answer as the frames that its stream would have given: it is replayed as events, so that the unary answer is
 * the fold of the stream by construction.
 * @throws GatewayError `upstream_error` when the body is no answer; the provider's error when it is one under HTTP 200
 */
export function fromResponse({ body }: HttpReply, memory: DecodeMemory): readonly Frame[] {
  const whole = parseObject(body, "an answer");
  if (typeof whole.message === "string") throw failureOf(whole.message, memory.target);
  if (!isFields(whole.message))
    throw new GatewayError("upstream_error", "The provider sent an answer without a message.");
  const answer = new Answer(memory);
  const frames = [...eventsOf(whole, whole.message)].flatMap((event) => [...answer.step(event)]);
  return [...frames, ...answer.end()];
}

function* eventsOf(whole: Fields, message: Fields): Generator<Fields> {
  const says = (more: Fields) => ({ delta: { message: more } });
  const blocks = listOf(message, "content");
  const isThought = (block: Fields) => textOf(block, "type") === "thinking";
  yield { type: "message-start", id: whole.id };
  for (const [index, content] of blocks.entries()) {
    if (isThought(content)) yield* block(index, content);
  }
  yield { type: "tool-plan-delta", ...says({ tool_plan: message.tool_plan }) };
  for (const [index, call] of listOf(message, "tool_calls").entries()) {
    yield { type: "tool-call-start", index, ...says({ tool_calls: call }) };
    yield { type: "tool-call-end", index };
  }
  // All probabilities belong to the text, and come as one list beside it.
  const logprobs = listOf(whole, "logprobs");
  for (const [index, content] of blocks.entries()) {
    if (!isThought(content)) yield* block(index, content, logprobs);
  }
  for (const citation of listOf(message, "citations"))
    yield { type: "citation-start", ...says({ citations: citation }) };
  yield { type: "message-end", delta: { finish_reason: whole.finish_reason, usage: fieldsOf(whole, "usage") } };

  function* block(index: number, content: Fields, told: readonly Fields[] = []): Generator<Fields> {
    yield { type: "content-start", index, ...says({ content: { type: content.type } }) };
    yield { type: "content-delta", index, ...says({ content }), ...(told.length > 0 && { logprobs: told }) };
    yield { type: "content-end", index };
  }
}
