import type { JsonBody } from "../json-body.ts";
import { type JsonMembers, RawJson } from "../json-text.ts";

/** What a response says of its request's settings where the request does not say. */
const defaults: JsonMembers = {
  background: false,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt_cache_key: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  service_tier: "auto",
  store: true,
  temperature: 1,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: "disabled",
  user: null,
};

/** Members of a response that repeat what was asked, as the caller wrote it. */
export function echoOf({ value, json }: Pick<JsonBody, "value" | "json">): JsonMembers {
  const echo: JsonMembers = { ...defaults };
  for (const name of Object.keys(defaults)) {
    const given = value[name];
    const text = given === null || given === undefined ? undefined : json.member(name)?.text;
    if (text !== undefined) echo[name] = new RawJson(text);
  }
  return echo;
}
