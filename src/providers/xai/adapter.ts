import { createChatProvider } from "../chat-completions/provider.ts";
import { xaiServer } from "./server.ts";

/** xAI's chat completions. Base URL: `https://api.x.ai/v1`. */
export const xai = createChatProvider(xaiServer);
