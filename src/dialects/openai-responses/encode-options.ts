import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import { invalidValue, membersOf } from "../json-splice.ts";
import { type JsonMembers, RawJson } from "../json-text.ts";

/**
 * Members that a caller may not set beside the contract: what limits, guardrails and routing go by, and references to
 * what is stored at the provider, where all callers of the gateway are one.
 */
const reserved = new Set([
  ...["model", "input", "stream", "stream_options", "tools", "instructions", "background"],
  ...["previous_response_id", "conversation", "prompt", "messages"],
]);

/** Members that are lists, or objects of settings: what is given here joins what is there. */
const joined: ReadonlySet<string> = new Set(["include", "text", "reasoning", "prompt_cache_options"]);

/**
 * Merges `provider_options` of this provider last.
 * @throws GatewayError `invalid_value` for a member set twice, or one that the contract has a field for
 */
export function mergeOptions(body: JsonMembers, request: ChatRequest, kind: string): JsonMembers {
  const text = request.providerOptions[kind];
  if (text === undefined) return body;
  const field = `provider_options.${kind}`;
  const merged = { ...body };
  for (const [name, value] of Object.entries(membersOf(text, field))) {
    const at = `${field}.${name}`;
    if (reserved.has(name)) throw invalidValue(at, "cannot be set here.");
    const present = merged[name];
    if (present === undefined) merged[name] = value;
    else if (!joined.has(name) || !(value instanceof RawJson)) throw setTwice(at);
    else merged[name] = Array.isArray(present) ? joinLists(present, value, at) : joinMembers(present, value, at);
  }
  return merged;
}

function joinLists(present: readonly unknown[], { text }: RawJson, at: string): string[] {
  const more: unknown = JSON.parse(text);
  if (!Array.isArray(more) || !more.every((one) => typeof one === "string"))
    throw invalidValue(at, "must list strings.");
  return [...new Set([...present.map(String), ...more])];
}

function joinMembers(present: JsonMembers[string], { text }: RawJson, at: string): JsonMembers {
  const members = { ...(present as JsonMembers) }; // An object, as encode-request.ts makes it.
  for (const [name, value] of Object.entries(membersOf(text, at))) {
    if (members[name] !== undefined) throw setTwice(`${at}.${name}`);
    members[name] = value;
  }
  return members;
}

function setTwice(at: string): Error {
  return invalidValue(at, "is also set by a typed field of the request. Set it once.");
}
