import { chatCompletions } from "./chat-completions.ts";
import { contract } from "./contract.ts";
import { gemini } from "./gemini.ts";
import type { Inbound } from "./inbound.ts";
import { messages } from "./messages.ts";
import { responses } from "./responses.ts";

/** Every protocol of the matrix, in the order of its tables. */
export const inbounds: readonly Inbound[] = [chatCompletions, responses, messages, gemini, contract];
