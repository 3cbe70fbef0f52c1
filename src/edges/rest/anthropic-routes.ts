import { encodeMessagesError, messagesErrorFace } from "../../dialects/anthropic-messages/error-body.ts";
import type { ErrorDialect } from "./exchange.ts";
import { handleCountTokens, handleMessages } from "./messages.ts";
import { handleModelInfo, handleModelInfos } from "./models.ts";
import type { Hints, RouteGroup } from "./routes.ts";

const anthropicErrors: ErrorDialect = {
  face: messagesErrorFace,
  body: encodeMessagesError,
  requestIdHeader: "request-id",
};

/** Paths that are OpenAI's too belong to whose requests name a version of Anthropic's API. */
function isAnthropic({ header }: Hints): boolean {
  return header("anthropic-version") !== undefined;
}

const list = { method: "GET", policy: "admitted", operation: "models", when: isAnthropic } as const;

/** Anthropic's API, as far as the gateway speaks it. */
export const anthropicRoutes: RouteGroup = {
  errors: anthropicErrors,
  owns: "/v1/messages",
  routes: [
    { method: "POST", path: "/v1/messages", policy: "admitted", operation: "chat", handle: handleMessages },
    {
      method: "POST",
      path: "/v1/messages/count_tokens",
      policy: "admitted",
      operation: "count_tokens",
      handle: handleCountTokens,
    },
    { ...list, path: "/v1/models", handle: handleModelInfos },
    { ...list, path: "/v1/models/*", handle: handleModelInfo },
  ],
};
