import { create } from "@bufbuild/protobuf";
import { RoutingOptionsSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { readJsonBody } from "../../dialects/json-body.ts";
import { encodeChatResponse } from "../../dialects/openai-chat/encode-response.ts";
import { createStreamEncoder, keepAliveComment } from "../../dialects/openai-chat/encode-stream.ts";
import { withParam } from "../../dialects/openai-chat/param.ts";
import { type ParsedChat, parseChatRequest } from "../../dialects/openai-chat/parse-request.ts";
import type { Frame } from "../../domain/chat.ts";
import { isContent } from "../../domain/chat.ts";
import type { Caller } from "../../domain/context.ts";
import { toGatewayError } from "../../domain/errors.ts";
import { createFold } from "../../domain/fold.ts";
import { logBug } from "../log-bug.ts";
import type { Exchange } from "./exchange.ts";

/** `POST /v1/chat/completions`. */
export async function handleChat(exchange: Exchange, caller: Caller): Promise<void> {
  const [lossPolicy, sessionId] = [exchange.lossPolicy(), exchange.sessionId()];
  const chat = parseChatRequest(readJsonBody(await exchange.readJson()), lossPolicy);
  if (sessionId !== undefined) chat.call.request.routing = create(RoutingOptionsSchema, { sessionId });
  try {
    await (chat.call.stream ? streamAnswer(exchange, chat, caller) : wholeAnswer(exchange, chat, caller));
  } catch (thrown) {
    throw withParam(toGatewayError(thrown), chat.call.request);
  }
}

async function wholeAnswer(exchange: Exchange, chat: ParsedChat, caller: Caller): Promise<void> {
  const { gateway, context } = exchange;
  const fold = createFold();
  for await (const frames of gateway.chat(chat.call, caller, context)) fold.push(frames);
  exchange.answer(fold.whole("openai-chat") ?? encodeChatResponse(fold.response(context.requestId), chat));
}

/**
 * Until the first content the answer is held back: a failure is then still an ordinary error response, and the head can
 * name who answers. A caller that is gone aborts `context.signal`, which ends the loop.
 */
async function streamAnswer(exchange: Exchange, chat: ParsedChat, caller: Caller): Promise<void> {
  const { gateway, context } = exchange;
  const { includeUsage, legacyFunctions } = chat;
  const encoder = createStreamEncoder({ includeUsage, legacyFunctions, requestId: context.requestId });
  const events = exchange.events(keepAliveComment);
  let held = "";
  let answering = false;
  try {
    for await (const frames of gateway.chat(chat.call, caller, context)) {
      context.signal.throwIfAborted();
      held += encoder.push(frames);
      answering ||= frames.some(isAnswer);
      if (held === "" || !answering) continue;
      const drained = events.write(held);
      held = "";
      if (drained) await drained;
    }
    events.end(held);
  } catch (thrown) {
    if (!events.opened) throw thrown;
    const error = toGatewayError(thrown);
    logBug(context.log, error);
    events.end(held + encoder.error(error));
  } finally {
    events.stop();
  }
}

/** Content, or an end without any. */
function isAnswer(frame: Frame): boolean {
  return frame.case === "finished" || isContent(frame);
}
