import type { SourceBody } from "../../domain/chat.ts";
import { scanJson } from "../json-scan.ts";
import { type JsonMembers, toJsonText } from "../json-text.ts";
import { gatewayMembers } from "./gateway-members.ts";

/**
 * The caller's own body for another model: every member stays as it was written, byte for byte, but `model`, the
 * gateway's own members, which go, and for streams `stream_options.include_usage`. Usage is always asked for; the edge
 * withholds it from who did not ask.
 * @param extra members of the provider's own, to be put behind the caller's
 */
export function patchChatRequest(
  { text, members }: SourceBody,
  { model, stream, extra }: { readonly model: string; readonly stream: boolean; readonly extra: JsonMembers },
): string {
  const patched: string[] = [];
  for (const [name, { start, end }] of members) {
    if (gatewayMembers.has(name)) continue;
    const own = text.slice(start, end);
    if (name === "model") patched.push(`"model":${JSON.stringify(model)}`);
    else if (name === "stream_options" && stream) patched.push(`"stream_options":${withUsage(own)}`);
    else patched.push(`${JSON.stringify(name)}:${own}`);
  }
  if (stream && !members.has("stream_options")) patched.push('"stream_options":{"include_usage":true}');
  if (Object.keys(extra).length > 0) patched.push(toJsonText(extra).slice(1, -1));
  return `{${patched.join(",")}}`;
}

/** @param own the caller's `stream_options`: an object, or null */
function withUsage(own: string): string {
  if (own === "null") return '{"include_usage":true}';
  const { members } = scanJson(own);
  const asked = members.get("include_usage");
  if (asked) return `${own.slice(0, asked.start)}true${own.slice(asked.end)}`;
  return `{"include_usage":true${members.size === 0 ? "" : ","}${own.slice(1)}`;
}
