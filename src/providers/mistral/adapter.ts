import { createChatProvider } from "../chat-completions/provider.ts";
import { mistralServer } from "./server.ts";

/** Mistral's chat completions. Base URL: `https://api.mistral.ai/v1`. */
export const mistral = createChatProvider(mistralServer);
