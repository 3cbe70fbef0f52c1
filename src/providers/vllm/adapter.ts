import { createChatProvider } from "../chat-completions/provider.ts";
import { vllmServer } from "./server.ts";

/** vLLM's OpenAI-compatible server. Every installation has its own base URL, with `/v1`. */
export const vllm = createChatProvider(vllmServer);
