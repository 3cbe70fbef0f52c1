import { encodeErrorBody, errorFace } from "../../dialects/openai-chat/error-body.ts";
import { handleChat } from "./chat.ts";
import { handleCompletions } from "./completions.ts";
import { handleEmbeddings } from "./embeddings.ts";
import type { ErrorDialect } from "./exchange.ts";
import { handleModel, handleModels } from "./models.ts";
import { handleCancel, handleDelete, handleInputTokens, handleResponses, handleStored } from "./responses.ts";
import type { Route } from "./routes.ts";

export const openAiErrors: ErrorDialect = { face: errorFace, body: encodeErrorBody };

/** OpenAI's API, as far as the gateway speaks it. */
export const openAiRoutes: readonly Route[] = [
  { method: "POST", path: "/v1/chat/completions", policy: "admitted", operation: "chat", handle: handleChat },
  { method: "POST", path: "/v1/completions", policy: "admitted", operation: "chat", handle: handleCompletions },
  { method: "POST", path: "/v1/responses", policy: "admitted", operation: "chat", handle: handleResponses },
  {
    method: "POST",
    path: "/v1/responses/input_tokens",
    policy: "admitted",
    operation: "count_tokens",
    handle: handleInputTokens,
  },
  { method: "GET", path: "/v1/responses/*", policy: "admitted", operation: "responses", handle: handleStored },
  { method: "DELETE", path: "/v1/responses/*", policy: "admitted", operation: "responses", handle: handleDelete },
  { method: "POST", path: "/v1/responses/*", policy: "admitted", operation: "responses", handle: handleCancel },
  { method: "POST", path: "/v1/embeddings", policy: "admitted", operation: "embeddings", handle: handleEmbeddings },
  { method: "GET", path: "/v1/models", policy: "admitted", operation: "models", handle: handleModels },
  { method: "GET", path: "/v1/models/*", policy: "admitted", operation: "models", handle: handleModel },
];
