import { GatewayError } from "../../domain/errors.ts";
import type { ParsedMessages } from "./parse-request.ts";

/** An error with its field also in the words of Messages. */
export function withMessagesParam(error: GatewayError, { before }: ParsedMessages): GatewayError {
  const { field, param } = error.detail;
  if (field === undefined || param !== undefined) return error;
  return new GatewayError(
    error.code,
    error.message,
    { ...error.detail, param: paramOf(field, before) },
    { cause: error.cause },
  );
}

function paramOf(field: string, before: number): string {
  const renamed = settings.find(
    ([name]) => field === name || field.startsWith(`${name}.`) || field.startsWith(`${name}[`),
  );
  if (renamed) return renamed[1] + field.slice(renamed[0].length);
  const [whole, number] = /^messages\[(\d+)\]/.exec(field) ?? [];
  if (whole !== undefined) {
    const at = Number(number) - before;
    const inner = field.slice(whole.length);
    return at < 0 ? `system${inner.replace(/^\.parts/, "")}` : `messages[${at}]${inContent(inner)}`;
  }
  return field
    .replace(/^(tools\[\d+\])\.(?:function|web_search|hosted)(?:\.options)?\b/, "$1")
    .replace(/\.parameters_schema\b/, ".input_schema");
}

/** Settings whose name in the contract is not the one here; longer names first. */
const settings: readonly (readonly [string, string])[] = [
  ["max_output_tokens", "max_tokens"],
  ["stop", "stop_sequences"],
  ["end_user_id", "metadata.user_id"],
  ["reasoning.effort", "output_config.effort"],
  ["reasoning.include_text", "thinking.display"],
  ["reasoning", "thinking"],
  ["response_format.json_schema", "output_config.format"],
  ["response_format", "output_config.format"],
  ["tool_choice.mode", "tool_choice.type"],
  ["tool_choice.tool_name", "tool_choice.name"],
  ["parallel_tool_calls", "tool_choice.disable_parallel_tool_use"],
  ["cache", "cache_control"],
];

/** A block is what a part holds, without a member between them. */
function inContent(inner: string): string {
  return inner
    .replace(/\.parts\b/g, ".content")
    .replace(/\.tool_result\.call_id\b/, ".tool_use_id")
    .replace(/\.tool_call\.arguments\b/, ".input")
    .replace(/\.reasoning\.text\b/, ".thinking")
    .replace(/\.(?:image|file)\.media\b/, ".source")
    .replace(/\.cache\b/, ".cache_control")
    .replaceAll(
      /\]\.(?:tool_result|tool_call|image|file|search_result|reasoning|hosted_call|hosted_result|opaque)\b/g,
      "]",
    );
}
