import { encodeChatResponse } from "../../dialects/openai-chat/encode-response.ts";
import { createStreamEncoder, keepAliveComment } from "../../dialects/openai-chat/encode-stream.ts";
import { withParam } from "../../dialects/openai-chat/param.ts";
import { type ParsedChat, parseChatRequest } from "../../dialects/openai-chat/parse-request.ts";
import { type ChatDialect, createChatHandler } from "./chat-flow.ts";

const openAiChat: ChatDialect<ParsedChat> = {
  name: "openai-chat",
  parse: (body, { lossPolicy }) => parseChatRequest(body, lossPolicy),
  encodeWhole: encodeChatResponse,
  createStreamEncoder: ({ includeUsage, legacyFunctions }, requestId) =>
    createStreamEncoder({ includeUsage, legacyFunctions, requestId }),
  keepAlive: keepAliveComment,
  withParam: (error, { call }) => withParam(error, call.request),
};

/** `POST /v1/chat/completions`. */
export const handleChat = createChatHandler(openAiChat);
