import type { SourceBody } from "../../domain/chat.ts";
import { JsonPatch } from "../json-patch.ts";
import { scanJson } from "../json-scan.ts";
import { type JsonMembers, toJsonText } from "../json-text.ts";
import { textAt } from "../utf8.ts";
import { gatewayMembers } from "./gateway-members.ts";

/**
 * The caller's own body for another model: every member stays as it was written, byte for byte, but `model`, the
 * gateway's own members, which go, and for streams `stream_options.include_usage`. Usage is always asked for; the edge
 * withholds it from who did not ask.
 * @param extra members of the provider's own, to be put behind the caller's
 */
export function patchChatRequest(
  { bytes, members }: Pick<SourceBody, "bytes" | "members">,
  { model, stream, extra }: { readonly model: string; readonly stream: boolean; readonly extra: JsonMembers },
): Buffer {
  const patch = new JsonPatch(bytes);
  for (const [name, span] of members) {
    if (gatewayMembers.has(name)) continue;
    if (name === "model") patch.set(name, JSON.stringify(model));
    else if (name === "stream_options" && stream) patch.set(name, withUsage(textAt(bytes, span)));
    else patch.keep(name, span);
  }
  if (stream && !members.has("stream_options")) patch.set("stream_options", '{"include_usage":true}');
  patch.add(toJsonText(extra).slice(1, -1));
  return patch.toBytes();
}

/** @param own the caller's `stream_options`: an object, or null */
function withUsage(own: string): string {
  if (own === "null") return '{"include_usage":true}';
  const { members } = scanJson(own);
  const asked = members.get("include_usage");
  if (asked) return `${own.slice(0, asked.start)}true${own.slice(asked.end)}`;
  return `{"include_usage":true${members.size === 0 ? "" : ","}${own.slice(1)}`;
}
