import { createChatProvider } from "../chat-completions/provider.ts";
import { openrouterServer } from "./server.ts";

/** OpenRouter's chat completions. Base URL: `https://openrouter.ai/api/v1`. */
export const openrouter = createChatProvider(openrouterServer);
