import { createChatProvider } from "../chat-completions/provider.ts";
import { groqServer } from "./server.ts";

/** Groq's chat completions. Base URL as its SDK's users know it: `https://api.groq.com/openai/v1`. */
export const groq = createChatProvider(groqServer);
