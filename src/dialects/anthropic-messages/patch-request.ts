import type { SourceBody } from "../../domain/chat.ts";
import { JsonPatch } from "../json-patch.ts";
import { gatewayMembers } from "../openai-chat/gateway-members.ts";

/**
 * The caller's own body for another model: every member stays as it was written, byte for byte, but `model` and the
 * gateway's own members, which go.
 */
export function patchMessagesRequest({ bytes, members }: Pick<SourceBody, "bytes" | "members">, model: string): Buffer {
  const patch = new JsonPatch(bytes);
  for (const [name, span] of members) {
    if (gatewayMembers.has(name)) continue;
    if (name === "model") patch.set(name, JSON.stringify(model));
    else patch.keep(name, span);
  }
  return patch.toBytes();
}
