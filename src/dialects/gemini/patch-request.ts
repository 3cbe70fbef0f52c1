import type { SourceBody } from "../../domain/chat.ts";
import { JsonPatch } from "../json-patch.ts";
import { toJsonText } from "../json-text.ts";
import { gatewayMembers } from "../openai-chat/gateway-members.ts";
import { mergeOptions } from "./merge-options.ts";

/**
 * The caller's own body, every member as it was written, byte for byte: neither the model nor whether to stream stands
 * in it. The gateway's own members go.
 * @param options what only this provider knows, JSON text of an object: members that the caller's own body lacks
 */
export function patchRequest(
  { bytes, members }: Pick<SourceBody, "bytes" | "members">,
  options: string | undefined,
): Buffer {
  const extra = Object.entries(mergeOptions({}, options, "provider_options.gemini")).filter(
    ([name]) => !members.has(name),
  );
  const patch = new JsonPatch(bytes);
  for (const [name, span] of members) if (!gatewayMembers.has(name)) patch.keep(name, span);
  patch.add(toJsonText(Object.fromEntries(extra)).slice(1, -1));
  return patch.toBytes();
}
