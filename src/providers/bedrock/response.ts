import { type Fields, fieldsOf, isFields, listOf, parseObject, textOf } from "../../dialects/openai-chat/wire.ts";
import type { Frame } from "../../domain/chat.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { DecodeMemory, HttpReply, SseEvent, StreamDecoder } from "../provider.ts";
import { Answer } from "./answer.ts";

/** Reads a stream of Converse. */
export function createDecoder(memory: DecodeMemory): StreamDecoder {
  const answer = new Answer(memory);
  return {
    push: ({ event, data }: SseEvent) => answer.step(event, parseObject(data || "{}", "a stream event")),
    end: () => answer.end(),
    get done() {
      return answer.done;
    },
  };
}

/** A whole answer, as the events that would have streamed it. @throws GatewayError `upstream_error` */
export function fromResponse({ body }: HttpReply, memory: DecodeMemory): readonly Frame[] {
  const whole = parseObject(body, "an answer");
  const message = fieldsOf(fieldsOf(whole, "output"), "message");
  if (!Array.isArray(message.content))
    throw new GatewayError("upstream_error", "The provider sent an answer without a message.");
  const answer = new Answer(memory);
  return [...eventsOf(whole, message)].flatMap(([name, event]) => [...answer.step(name, event)]);
}

function* eventsOf(whole: Fields, message: Fields): Generator<readonly [string, Fields]> {
  const { output: _, stopReason, additionalModelResponseFields, ...metadata } = whole;
  yield ["messageStart", {}];
  for (const [contentBlockIndex, block] of listOf(message, "content").entries()) {
    for (const [name, event] of blockEvents(block)) yield [name, { contentBlockIndex, ...event }];
    yield ["contentBlockStop", { contentBlockIndex }];
  }
  const more = isFields(additionalModelResponseFields) ? { additionalModelResponseFields } : {};
  yield ["messageStop", { stopReason, ...more }];
  yield ["metadata", metadata];
}

function* blockEvents(block: Fields): Generator<readonly [string, Fields]> {
  const delta = (one: Fields) => ["contentBlockDelta", { delta: one }] as const;
  const { toolUse, toolResult, reasoningContent, citationsContent, image } = block;
  if (isFields(toolUse)) {
    yield ["contentBlockStart", { start: { toolUse } }];
    yield delta({ toolUse: { input: JSON.stringify(toolUse.input ?? {}) } });
  } else if (isFields(toolResult)) {
    yield ["contentBlockStart", { start: { toolResult } }];
    yield delta({ toolResult: listOf(toolResult, "content") });
  } else if (isFields(reasoningContent)) {
    const { text, signature } = fieldsOf(reasoningContent, "reasoningText");
    yield delta({ reasoningContent: { text, signature, redactedContent: reasoningContent.redactedContent } });
  } else if (isFields(citationsContent)) {
    const text = listOf(citationsContent, "content").map((one) => textOf(one, "text"));
    yield delta({ text: text.join("") });
    for (const citation of listOf(citationsContent, "citations")) yield delta({ citation });
  } else if (isFields(image)) {
    yield ["contentBlockStart", { start: { image } }];
    yield delta({ image });
  } else yield delta({ text: block.text });
}
