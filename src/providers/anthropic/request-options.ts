import { invalidValue, membersOf } from "../../dialects/json-splice.ts";
import { type JsonMembers, type JsonTree, RawJson } from "../../dialects/json-text.ts";
import type { Draft } from "./draft.ts";

/** Members that the contract has fields for: they go through those, where limits and guardrails see them. */
const typedMembers = new Set([
  ...[
    "model",
    "messages",
    "system",
    "prompt",
    "stream",
    "max_tokens",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
  ],
  ...["tools", "tool_choice", "metadata"],
]);

/** Objects whose members may come from both sides, as long as no single one does. */
const shared = new Set(["output_config", "thinking"]);

const field = "provider_options.anthropic";

/**
 * What only this provider knows, merged into the body last.
 * @returns the merged body and the beta features that it needs, for the `anthropic-beta` header
 * @throws GatewayError `invalid_value` for members that a typed field sets or should set
 */
export function mergeOptions(
  body: JsonMembers,
  draft: Draft,
): { readonly body: JsonMembers; readonly betas: readonly string[] } {
  const text = draft.request.providerOptions.anthropic;
  if (text === undefined) return { body, betas: [] };
  const { betas, ...options } = membersOf(text, field);
  const merged = { ...body };
  for (const [name, value] of Object.entries(options)) {
    if (typedMembers.has(name))
      throw invalidValue(`${field}.${name}`, "cannot be set here: the request has a field for it.");
    merged[name] = mergeMember(name, merged[name], value);
  }
  return { body: merged, betas: betas === undefined ? [] : toBetas(betas) };
}

function mergeMember(name: string, ours: JsonTree | undefined, theirs: JsonTree | undefined): JsonTree | undefined {
  if (ours === undefined) return theirs;
  const refused = (path: string) => invalidValue(path, "is also set by a typed field of the request. Set it once.");
  if (!shared.has(name) || !(theirs instanceof RawJson)) throw refused(`${field}.${name}`);
  // What toRequest put into a shared member is an object of its own making.
  const own = ours as JsonMembers;
  const added = membersOf(theirs.text, `${field}.${name}`);
  for (const member of Object.keys(added)) if (member in own) throw refused(`${field}.${name}.${member}`);
  return { ...own, ...added };
}

function toBetas(value: JsonTree): readonly string[] {
  const list: unknown = value instanceof RawJson ? JSON.parse(value.text) : null;
  const isName = (name: unknown): name is string => typeof name === "string" && /^[a-z0-9._-]{1,128}$/i.test(name);
  if (Array.isArray(list) && list.length <= maxBetas && list.every(isName)) return list;
  throw invalidValue(`${field}.betas`, `must be a list of at most ${maxBetas} names of beta features.`);
}

const maxBetas = 32;
