import type { ModelFacts } from "../../domain/model-facts.ts";

/** Facts from the flags that Mistral's list gives a model. */
export function capabilitiesOf(flags: readonly string[]): ModelFacts {
  if (flags.length === 0) return {};
  const has = (flag: string, ...given: readonly string[]) => (flags.includes(flag) ? given : []);
  return {
    capabilities: [
      ...has("completion_chat", "streaming", "json_schema"),
      ...has("function_calling", "tools"),
      ...has("reasoning", "reasoning"),
    ],
    inputModalities: ["text", ...has("vision", "image"), ...has("audio", "audio"), ...has("ocr", "document")],
  };
}
