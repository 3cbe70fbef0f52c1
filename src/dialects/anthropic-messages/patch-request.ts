import type { SourceBody } from "../../domain/chat.ts";
import { gatewayMembers } from "../openai-chat/gateway-members.ts";

/**
 * The caller's own body for another model: every member stays as it was written, byte for byte, but `model` and the
 * gateway's own members, which go.
 */
export function patchMessagesRequest({ text, members }: SourceBody, model: string): string {
  const patched: string[] = [];
  for (const [name, { start, end }] of members) {
    if (gatewayMembers.has(name)) continue;
    const own = name === "model" ? JSON.stringify(model) : text.slice(start, end);
    patched.push(`${JSON.stringify(name)}:${own}`);
  }
  return `{${patched.join(",")}}`;
}
