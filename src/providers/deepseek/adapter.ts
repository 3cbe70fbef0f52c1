import { createChatProvider } from "../chat-completions/provider.ts";
import { deepseekServer } from "./server.ts";

/** DeepSeek's chat completions. Base URL: `https://api.deepseek.com`. */
export const deepseek = createChatProvider(deepseekServer);
