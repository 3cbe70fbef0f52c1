import { invalidValue, membersOf } from "../json-splice.ts";
import { type JsonMembers, type JsonTree, RawJson } from "../json-text.ts";

/** Members that the contract has fields for: they go through those, where limits and guardrails see them. */
const typedMembers: ReadonlySet<string> = new Set([
  ...["contents", "systemInstruction", "tools", "safetySettings", "cachedContent", "labels", "serviceTier", "store"],
  ...["model", "continuationToken"],
  ...["temperature", "topP", "topK", "maxOutputTokens", "candidateCount", "stopSequences", "seed", "logprobs"].map(
    (name) => `generationConfig.${name}`,
  ),
  ...["presencePenalty", "frequencyPenalty", "responseLogprobs", "responseSchema", "responseJsonSchema"].map(
    (name) => `generationConfig.${name}`,
  ),
]);

/** Objects whose members may come from both sides, as long as no single one does. */
const shared: ReadonlySet<string> = new Set([
  ...["generationConfig", "toolConfig", "generationConfig.thinkingConfig", "generationConfig.imageConfig"],
  "generationConfig.speechConfig",
]);

/**
 * What only this provider knows, merged into the body last.
 * @param text JSON text of an object
 * @param field its path, such as `provider_options.gemini`
 * @throws GatewayError `invalid_value` for members that a typed field sets or should set
 */
export function mergeOptions(body: JsonMembers, text: string | undefined, field: string): JsonMembers {
  return text === undefined ? body : merged(body, text, field, "");
}

function merged(ours: JsonMembers, text: string, field: string, path: string): JsonMembers {
  const result = { ...ours };
  for (const [name, value] of Object.entries(membersOf(text, `${field}${path && `.${path}`}`))) {
    const at = path === "" ? name : `${path}.${name}`;
    if (typedMembers.has(at)) {
      throw invalidValue(`${field}.${at}`, "cannot be set here: the request has a field for it.");
    }
    result[name] = shared.has(at) ? mergedObject(result[name], value, field, at) : once(result[name], value, field, at);
  }
  return result;
}

function mergedObject(
  ours: JsonTree | undefined,
  theirs: JsonTree | undefined,
  field: string,
  at: string,
): JsonTree | undefined {
  // What the encoder puts into a shared member is an object of its own making, and what is merged is spliced text.
  return theirs instanceof RawJson ? merged((ours ?? {}) as JsonMembers, theirs.text, field, at) : theirs;
}

function once(
  ours: JsonTree | undefined,
  theirs: JsonTree | undefined,
  field: string,
  at: string,
): JsonTree | undefined {
  if (ours === undefined) return theirs;
  throw invalidValue(`${field}.${at}`, "is also set by a typed field of the request. Set it once.");
}
