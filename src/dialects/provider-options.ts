import type { ChatRequest } from "../../gen/trunkline/v1/chat_pb.ts";
import { invalidValue, membersOf } from "./json-splice.ts";
import { type JsonMembers, type JsonTree, RawJson } from "./json-text.ts";

/** Which members of a provider's body may be set by `provider_options`. */
export interface OptionRules {
  /** Provider kind, the key in `provider_options`. */
  readonly kind: string;
  /** Members that the contract has fields for: limits, guardrails and routing go by those. */
  readonly typed: ReadonlySet<string>;
  /** Objects whose members may come from both sides, as long as no single one does. */
  readonly shared: ReadonlySet<string>;
}

/**
 * What only this provider knows, merged into its body last.
 * @throws GatewayError `invalid_value` for a member that a typed field sets or should set
 */
export function mergeProviderOptions(
  body: JsonMembers,
  { providerOptions }: Pick<ChatRequest, "providerOptions">,
  { kind, typed, shared }: OptionRules,
): JsonMembers {
  const text = providerOptions[kind];
  if (text === undefined) return body;
  const field = `provider_options.${kind}`;
  const merged = { ...body };
  for (const [name, value] of Object.entries(membersOf(text, field))) {
    if (typed.has(name)) throw invalidValue(`${field}.${name}`, "cannot be set here: the request has a field for it.");
    const ours = merged[name];
    merged[name] = ours === undefined || !shared.has(name) ? once(ours, value, `${field}.${name}`) : both(ours, value);

    function both(own: JsonTree, theirs: JsonTree | undefined): JsonTree {
      // A shared member that the adapter wrote is an object of its own making.
      const members = { ...(own as JsonMembers) };
      const added = theirs instanceof RawJson ? membersOf(theirs.text, `${field}.${name}`) : {};
      for (const [key, one] of Object.entries(added)) members[key] = once(members[key], one, `${field}.${name}.${key}`);
      return members;
    }
  }
  return merged;
}

function once(ours: JsonTree | undefined, theirs: JsonTree | undefined, field: string): JsonTree | undefined {
  if (ours !== undefined) throw invalidValue(field, "is also set by a typed field of the request. Set it once.");
  return theirs;
}
