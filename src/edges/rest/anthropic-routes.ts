import { encodeMessagesError, messagesErrorFace } from "../../dialects/anthropic-messages/error-body.ts";
import type { ErrorDialect } from "./exchange.ts";
import { handleCountTokens, handleMessages } from "./messages.ts";
import type { RouteGroup } from "./routes.ts";

const anthropicErrors: ErrorDialect = {
  face: messagesErrorFace,
  body: encodeMessagesError,
  requestIdHeader: "request-id",
};

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
  ],
};
