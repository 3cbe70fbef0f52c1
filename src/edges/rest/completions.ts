import { keepAliveComment } from "../../dialects/openai-chat/encode-stream.ts";
import { createCompletionEncoder, encodeCompletion } from "../../dialects/openai-completions/encode.ts";
import { withCompletionsParam } from "../../dialects/openai-completions/param.ts";
import { type ParsedCompletions, parseCompletionsRequest } from "../../dialects/openai-completions/parse-request.ts";
import { type ChatDialect, createChatHandler } from "./chat-flow.ts";
import { askEach } from "./many-prompts.ts";

const completions: ChatDialect<ParsedCompletions> = {
  name: "openai-completions",
  parse: parseCompletionsRequest,
  encodeWhole: encodeCompletion,
  createStreamEncoder: createCompletionEncoder,
  keepAlive: keepAliveComment,
  withParam: withCompletionsParam,
};

/** `POST /v1/completions`, the legacy API. */
export const handleCompletions = createChatHandler(completions, {
  ask({ calls, losses }, { gateway, context }, caller) {
    context.trail.note({ kind: "loss", losses });
    return askEach(calls, (call, own) => gateway.chat(call, caller, own), context);
  },
});
