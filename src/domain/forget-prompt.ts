import type { ChatCall } from "./chat.ts";
import { rememberInputTokens } from "./estimate.ts";

/**
 * Lets go of what was asked: messages, tools and the caller's own text. For a stream that nobody will be asked for again;
 * from then on it may take minutes, and its prompt is most of what it would hold. What it measures stays known.
 *
 * Changes the call, which otherwise nobody may: all stages hold the same one, and a copy would free nothing.
 */
export function forgetPrompt(call: ChatCall): void {
  rememberInputTokens(call.request);
  call.request.messages = [];
  call.request.tools = [];
  call.source = undefined;
}
