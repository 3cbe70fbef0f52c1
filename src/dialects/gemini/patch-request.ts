import type { SourceBody } from "../../domain/chat.ts";
import { toJsonText } from "../json-text.ts";
import { gatewayMembers } from "../openai-chat/gateway-members.ts";
import { mergeOptions } from "./merge-options.ts";

/**
 * The caller's own body, every member as it was written, byte for byte: neither the model nor whether to stream stands
 * in it. The gateway's own members go.
 * @param options what only this provider knows, JSON text of an object: members that the caller's own body lacks
 */
export function patchRequest({ text, members }: SourceBody, options: string | undefined): string {
  const extra = Object.entries(mergeOptions({}, options, "provider_options.gemini")).filter(
    ([name]) => !members.has(name),
  );
  if (extra.length === 0 && ![...members.keys()].some((name) => gatewayMembers.has(name))) return text;
  const own = [...members]
    .filter(([name]) => !gatewayMembers.has(name))
    .map(([name, { start, end }]) => `${JSON.stringify(name)}:${text.slice(start, end)}`);
  const added = extra.length === 0 ? [] : [toJsonText(Object.fromEntries(extra)).slice(1, -1)];
  return `{${[...own, ...added].join(",")}}`;
}
