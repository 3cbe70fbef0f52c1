import { GatewayError } from "../../domain/errors.ts";
import type { ParsedResponses } from "./parse-request.ts";

/** An error with its field also in the words of Responses. */
export function withResponsesParam(error: GatewayError, parsed: ParsedResponses): GatewayError {
  const { field, param } = error.detail;
  if (field === undefined || param !== undefined) return error;
  const detail = { ...error.detail, param: paramOf(field, parsed) };
  return new GatewayError(error.code, error.message, detail, { cause: error.cause });
}

type Origins = Pick<ParsedResponses, "origins" | "before">;

function paramOf(field: string, { origins, before }: Origins): string {
  const renamed = settings.find(
    ([name]) => field === name || field.startsWith(`${name}.`) || field.startsWith(`${name}[`),
  );
  if (renamed) return renamed[1] + field.slice(renamed[0].length);
  const [whole, message, part, rest = ""] = /^messages\[(\d+)\](?:\.parts\[(\d+)\])?(.*)/.exec(field) ?? [];
  if (whole !== undefined) {
    if (Number(message) < before) return "instructions";
    const from = origins[Number(message)] ?? [];
    const item = from[Number(part ?? 0)];
    if (item === undefined) return "input";
    return item < 0 ? "previous_response_id" : `input[${item}]${insideOf(from, Number(part ?? 0), rest)}`;
  }
  return field
    .replace(/^(tools\[\d+\])\.(?:function|custom|web_search|hosted)(?:\.options)?\b/, "$1")
    .replace(/\.parameters_schema\b/, ".parameters");
}

/** Where in its item a part stands: the content of a message, or the output of a call. */
function insideOf(origins: readonly number[], part: number, rest: string): string {
  const [, within] = /^\.tool_result\.parts\[(\d+)\]/.exec(rest) ?? [];
  if (within !== undefined) return `.output[${within}]`;
  if (!/^\.(text|image|audio|video|document|file)\b/.test(rest)) return "";
  const before = origins.slice(0, part).filter((item) => item === origins[part]);
  return `.content[${before.length}]`;
}

/** Settings whose name in the contract is not the one here; longer names first. */
const settings: readonly (readonly [string, string])[] = [
  ["end_user_id", "safety_identifier"],
  ["response_format.json_schema", "text.format"],
  ["response_format", "text.format"],
  ["verbosity", "text.verbosity"],
  ["tool_choice.tool_name", "tool_choice.name"],
  ["tool_choice.mode", "tool_choice"],
  ["cache.key", "prompt_cache_key"],
  ["cache", "prompt_cache_options"],
];
