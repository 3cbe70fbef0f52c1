import { encodeResponse } from "../../dialects/openai-responses/encode-response.ts";
import { createResponsesEncoder, keepAliveComment } from "../../dialects/openai-responses/encode-stream.ts";
import { withResponsesParam } from "../../dialects/openai-responses/param.ts";
import { type ParsedResponses, parseResponsesRequest } from "../../dialects/openai-responses/parse-request.ts";
import { withPrevious } from "../../dialects/openai-responses/wire-event.ts";
import type { Caller } from "../../domain/context.ts";
import { GatewayError, toGatewayError } from "../../domain/errors.ts";
import { type ChatDialect, createChatHandler, readChat } from "./chat-flow.ts";
import type { Exchange } from "./exchange.ts";
import { createResponseMemory, listItems } from "./response-memory.ts";
import { unknownRoute } from "./routes.ts";

const responses: ChatDialect<ParsedResponses> = {
  name: "openai-responses",
  parse: parseResponsesRequest,
  finish: (answer, { echo }) => withPrevious(answer, echo),
  encodeWhole: encodeResponse,
  createStreamEncoder: createResponsesEncoder,
  keepAlive: keepAliveComment,
  withParam: withResponsesParam,
};

/** `POST /v1/responses`. */
export const handleResponses = createChatHandler(responses, { memory: createResponseMemory });

/** `POST /v1/responses/input_tokens`. A provider that cannot count has its count estimated. */
export async function handleInputTokens(exchange: Exchange, caller: Caller): Promise<void> {
  const memory = createResponseMemory(exchange);
  const parsed = await readChat(exchange, responses, (body) => memory.recall(body, caller));
  try {
    const { inputTokens } = await exchange.gateway.countTokens(parsed.call, caller, exchange.context);
    exchange.answer(JSON.stringify({ object: "response.input_tokens", input_tokens: inputTokens }));
  } catch (thrown) {
    throw withResponsesParam(toGatewayError(thrown), parsed);
  }
}

/** `GET /v1/responses/{id}` and `GET /v1/responses/{id}/input_items`. */
export async function handleStored(exchange: Exchange, caller: Caller): Promise<void> {
  const { gateway, context } = exchange;
  const [id = "", inner, ...more] = exchange.rest.split("/");
  if ((inner !== undefined && inner !== "input_items") || more.length > 0) throw unknownRoute();
  if (exchange.query("stream") === "true") {
    throw new GatewayError("unsupported_parameter", "stream must be false: an answer that is kept is whole.", {
      param: "stream",
      retryable: false,
    });
  }
  const stored = await gateway.getResponse(id, caller, context);
  exchange.answer(inner === undefined ? stored.response : listItems(stored, (name) => exchange.query(name)));
}

/** `DELETE /v1/responses/{id}`. */
export async function handleDelete(exchange: Exchange, caller: Caller): Promise<void> {
  const id = exchange.rest;
  await exchange.gateway.deleteResponse(id, caller, exchange.context);
  exchange.answer(JSON.stringify({ id, object: "response", deleted: true }));
}

/** `POST /v1/responses/{id}/cancel`: only answers that are made in the background could be cancelled. */
export async function handleCancel(exchange: Exchange, caller: Caller): Promise<void> {
  const [id = "", inner, ...more] = exchange.rest.split("/");
  if (inner !== "cancel" || more.length > 0) throw unknownRoute();
  await exchange.gateway.getResponse(id, caller, exchange.context);
  const message = `Response '${id}' is complete: only answers that are made in the background can be cancelled.`;
  throw new GatewayError("invalid_value", message, { param: "response_id", retryable: false });
}
