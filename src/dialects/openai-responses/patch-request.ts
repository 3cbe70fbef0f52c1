import type { SourceBody } from "../../domain/chat.ts";
import { JsonPatch } from "../json-patch.ts";
import { gatewayMembers } from "../openai-chat/gateway-members.ts";

/** Members that no provider sees: the gateway's own, and the name of a response that the gateway keeps. */
const withheld: ReadonlySet<string> = new Set([...gatewayMembers, "previous_response_id"]);

/**
 * The caller's own body for another model: every member stays as it was written, byte for byte, but `model` and those
 * that are the gateway's, which go.
 */
export function patchResponsesRequest(
  { bytes, members }: Pick<SourceBody, "bytes" | "members">,
  model: string,
): Buffer {
  const patch = new JsonPatch(bytes);
  for (const [name, span] of members) {
    if (withheld.has(name)) continue;
    if (name === "model") patch.set(name, JSON.stringify(model));
    else patch.keep(name, span);
  }
  return patch.toBytes();
}
