import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { LossReport } from "../../domain/loss.ts";
import { type JsonMembers, type JsonTree, RawJson } from "../json-text.ts";

/** What becomes of one member of OpenAI's request body at another server. */
export type MemberRule =
  /** Not taken: left out and reported, but for a value that says nothing. */
  | { readonly drop: string; readonly but?: JsonTree }
  /** Left out without a word: what it asks for is so anyway. */
  | { readonly needless: true }
  /** Known by another name. */
  | { readonly as: string }
  /** Known with other words; those that are not here are not taken. */
  | { readonly words: Readonly<Record<string, string>> }
  /** Taken up to a value. */
  | { readonly atMost: number }
  /** Refused with any other value: nothing near to it can be done. A caller of the same dialect hears it from the server. */
  | { readonly only: JsonTree; readonly why: string };

export type MemberRules = Readonly<Record<string, MemberRule>>;

/**
 * A body as the server takes it. Members without a rule stay.
 * @param own whether the body is the caller's own, so that the server's refusals are left to it
 * @throws GatewayError `unsupported_value` for what is refused, `unsupported_parameter` under the REFUSE policy
 */
export function applyMemberRules(
  body: JsonMembers,
  rules: MemberRules,
  { request, losses, own }: { readonly request: ChatRequest; readonly losses: LossReport; readonly own: boolean },
): JsonMembers {
  const ruled: JsonMembers = {};
  const renamed: JsonMembers = {};
  for (const [name, value] of Object.entries(body)) {
    if (value === undefined) continue;
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) ruled[name] = value;
    else if ("as" in rule) renamed[rule.as] = value;
    else if ("drop" in rule) {
      const plain = plainOf(value);
      // null and a default ask for nothing.
      if (plain === null || (rule.but !== undefined && plain === rule.but)) continue;
      for (const field of fieldsOf(name, request)) losses.drop(field, rule.drop);
    } else if ("words" in rule) ruled[name] = reworded(name, value, rule.words, request, losses);
    else if ("atMost" in rule) ruled[name] = clamped(name, value, rule.atMost, request, losses);
    else if ("only" in rule) {
      if (own) ruled[name] = value;
      else if (plainOf(value) !== rule.only) throw refused(fieldsOf(name, request)[0] ?? name, rule.why);
    }
  }
  return { ...ruled, ...renamed };
}

function reworded(
  name: string,
  value: JsonTree,
  words: Readonly<Record<string, string>>,
  request: ChatRequest,
  losses: LossReport,
): JsonTree | undefined {
  const plain = plainOf(value);
  if (plain === null) return value;
  const word = typeof plain === "string" && Object.hasOwn(words, plain) ? words[plain] : undefined;
  for (const field of fieldsOf(name, request)) {
    if (word === undefined) losses.drop(field, `must be one of ${Object.keys(words).join(", ")} at this provider.`);
    else if (word !== plain) losses.approximate(field, `is sent as '${word}', which this provider calls it.`);
  }
  return word === plain ? value : word;
}

function clamped(name: string, value: JsonTree, most: number, request: ChatRequest, losses: LossReport): JsonTree {
  const plain = plainOf(value);
  if (typeof plain !== "number" || plain <= most) return value;
  for (const field of fieldsOf(name, request)) losses.approximate(field, `is sent as ${most}, the most it takes.`);
  return most;
}

function refused(field: string, why: string): GatewayError {
  return new GatewayError("unsupported_value", `${field} ${why}`, { field, retryable: false });
}

/** A caller's own value is text until somebody asks. It has been parsed once, so it is valid. */
function plainOf(value: JsonTree): unknown {
  return value instanceof RawJson ? JSON.parse(value.text) : value;
}

/** Members whose name in the contract is another. */
const fields: Readonly<Record<string, string>> = {
  max_tokens: "max_output_tokens",
  max_completion_tokens: "max_output_tokens",
  n: "choice_count",
  user: "end_user_id",
  safety_identifier: "end_user_id",
  reasoning_effort: "reasoning.effort",
  thinking: "reasoning",
  include_reasoning: "reasoning.include_text",
  modalities: "output.modalities",
  audio: "output.audio",
  web_search_options: "web_search",
  prompt_cache_key: "cache.key",
  prompt_cache_retention: "cache.ttl",
  functions: "tools",
  function_call: "tool_choice",
};

/** The contract's paths of what the caller set and what became this member; none for what only follows from another. */
function fieldsOf(name: string, request: ChatRequest): readonly string[] {
  switch (name) {
    case "logprobs":
      return request.logprobs === undefined ? [] : ["logprobs"];
    case "service_tier":
      return [request.serviceTier === undefined ? "speed" : "service_tier"];
    case "prompt_cache_options":
      return (["mode", "ttl"] as const)
        .filter((one) => request.cache?.[one] !== undefined)
        .map((one) => `cache.${one}`);
    default:
      return [fields[name] ?? name];
  }
}
