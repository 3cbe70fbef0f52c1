import type { JsonMembers } from "../json-text.ts";
import { toGenerationConfig, toSettings } from "./encode-config.ts";
import { toConversation } from "./encode-contents.ts";
import { toTools } from "./encode-tools.ts";
import type { Draft } from "./gemini-draft.ts";
import { mergeOptions } from "./merge-options.ts";

/**
 * The body of `generateContent` and its stream, for every platform: the model stands in the path.
 * @throws GatewayError for settings that this provider cannot serve, before anything is sent
 * @see design 6, wire.md 5.1
 */
export function encodeRequest(draft: Draft): JsonMembers {
  const { request, kind } = draft;
  const { config, format } = toGenerationConfig(draft);
  const told = format.instruction === undefined ? [] : [{ text: format.instruction }];
  const { system, contents, continuationToken } = toConversation(draft, told);
  const generationConfig = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
  const body: JsonMembers = {
    ...(system.length > 0 && { systemInstruction: { parts: system } }),
    contents,
    ...toTools(draft),
    ...(Object.keys(generationConfig).length > 0 && { generationConfig }),
    ...toSettings(draft),
    ...(continuationToken !== undefined && { continuationToken }),
  };
  return mergeOptions(body, request.providerOptions[kind], `provider_options.${kind}`);
}
