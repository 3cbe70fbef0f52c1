import { encodeGeminiError, geminiErrorFace } from "../../dialects/gemini/error-body.ts";
import type { ErrorDialect } from "./exchange.ts";
import {
  handleBatchEmbed,
  handleEmbedContent,
  handleGeminiCount,
  handleGeminiModel,
  handleGeminiModels,
  handleGenerate,
  handleStreamGenerate,
  handleTunedModels,
} from "./gemini.ts";
import type { Hints, Route, RouteGroup } from "./routes.ts";

const geminiErrors: ErrorDialect = { face: geminiErrorFace, body: encodeGeminiError };

/** Google's clients may put the key into the address. */
const queryKey = "key";

/** What is done with a model stands behind its name. */
const verbs = [
  ["generateContent", "chat", handleGenerate],
  ["streamGenerateContent", "chat", handleStreamGenerate],
  ["countTokens", "count_tokens", handleGeminiCount],
  ["embedContent", "embeddings", handleEmbedContent],
  ["batchEmbedContents", "embeddings", handleBatchEmbed],
] as const;

/** Tuned models keep their collection as a part of their name, as Google's own do. */
const collections = [
  ["models", ""],
  ["tunedModels", "tunedModels/"],
] as const;

function verbRoutes(version: "v1" | "v1beta"): readonly Route[] {
  return verbs.flatMap(([verb, operation, handle]) =>
    collections.map(([collection, restPrefix]) => ({
      ...({ method: "POST", policy: "admitted", operation, handle, queryKey, restPrefix } as const),
      path: `/${version}/${collection}/*` as const,
      ending: `:${verb}`,
    })),
  );
}

/** Paths below /v1 that are OpenAI's too belong to whose key is shown Google's way. */
function isGemini({ header, query }: Hints): boolean {
  return header("x-goog-api-key") !== undefined || query.has(queryKey);
}

const list = { method: "GET", policy: "admitted", operation: "models", queryKey } as const;

/** Google's Gemini API, as far as the gateway speaks it. */
export const geminiRoutes: RouteGroup = {
  errors: geminiErrors,
  owns: "/v1beta",
  routes: [
    ...verbRoutes("v1beta"),
    ...verbRoutes("v1"),
    { ...list, path: "/v1beta/models", handle: handleGeminiModels },
    { ...list, path: "/v1beta/models/*", handle: handleGeminiModel },
    { ...list, path: "/v1beta/tunedModels", handle: handleTunedModels },
    { ...list, path: "/v1/models", handle: handleGeminiModels, when: isGemini },
    { ...list, path: "/v1/models/*", handle: handleGeminiModel, when: isGemini },
    { ...list, path: "/v1/tunedModels", handle: handleTunedModels },
  ],
};
