import { encodeMessagesResponse } from "../../dialects/anthropic-messages/encode-response.ts";
import { createMessagesEncoder, pingEvent } from "../../dialects/anthropic-messages/encode-stream.ts";
import { withMessagesParam } from "../../dialects/anthropic-messages/param.ts";
import { type ParsedMessages, parseMessagesRequest } from "../../dialects/anthropic-messages/parse-request.ts";
import type { Caller } from "../../domain/context.ts";
import { toGatewayError } from "../../domain/errors.ts";
import { type ChatDialect, createChatHandler, readChat } from "./chat-flow.ts";
import type { Exchange } from "./exchange.ts";

const messages: ChatDialect<ParsedMessages> = {
  name: "anthropic-messages",
  parse: parseMessagesRequest,
  encodeWhole: encodeMessagesResponse,
  createStreamEncoder: (_, requestId) => createMessagesEncoder(requestId),
  keepAlive: pingEvent,
  withParam: withMessagesParam,
};

/** `POST /v1/messages`. */
export const handleMessages = createChatHandler(messages);

/** `POST /v1/messages/count_tokens`. A provider that cannot count has its count estimated. */
export async function handleCountTokens(exchange: Exchange, caller: Caller): Promise<void> {
  const parsed = await readChat<ParsedMessages>(exchange, {
    parse: (body, asked) => parseMessagesRequest(body, { ...asked, counting: true }),
  });
  try {
    const { inputTokens } = await exchange.gateway.countTokens(parsed.call, caller, exchange.context);
    exchange.answer(JSON.stringify({ input_tokens: inputTokens }));
  } catch (thrown) {
    throw withMessagesParam(toGatewayError(thrown), parsed);
  }
}
