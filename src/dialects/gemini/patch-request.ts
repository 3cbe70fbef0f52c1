import type { SourceBody } from "../../domain/chat.ts";
import { JsonPatch } from "../json-patch.ts";
import { gatewayMembers } from "../openai-chat/gateway-members.ts";
import { camelOf } from "./proto-object.ts";

/**
 * The caller's own body, every member as it was written, byte for byte: neither the model nor whether to stream stands in
 * it. The gateway's own members go, in either spelling.
 */
export function patchRequest({ bytes, members }: Pick<SourceBody, "bytes" | "members">): Buffer {
  const patch = new JsonPatch(bytes);
  for (const [name, span] of members) if (!ownMembers.has(camelOf(name))) patch.keep(name, span);
  return patch.toBytes();
}

/** The model's name among them: here it would be one of the gateway's. */
const ownMembers: ReadonlySet<string> = new Set([...[...gatewayMembers].map(camelOf), "model"]);
