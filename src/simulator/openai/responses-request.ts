import type { Prompt } from "../compose.ts";
import { type Fields, isFields, isStrings } from "../json.ts";
import { WireError } from "../wire-error.ts";
import { flag, isChatModel, number } from "./chat-request.ts";
import { invalid, unknownModel } from "./errors.ts";
import { readInput } from "./responses-input.ts";
import { readFlatChoice, readFlatTools } from "./responses-tools.ts";

/** A request of the Responses API, understood. */
export interface ResponseAsk {
  readonly model: string;
  readonly prompt: Prompt;
  /** All texts of the request in order: what the prompt's tokens are counted from. */
  readonly texts: readonly string[];
  readonly choices: 1;
  readonly stream: boolean;
  /** Whether the answer searches the web before it speaks. */
  readonly searches: boolean;
  /** Whether reasoning is shown as a summary, and whether it is given encrypted. */
  readonly summary: boolean;
  readonly sealed: boolean;
  /** How many alternatives to give for each token; null gives no log probabilities. */
  readonly topLogprobs: number | null;
  /** What the answer repeats of the request. */
  readonly echo: Fields;
}

/** Members of a request by OpenAI's reference; it refuses all others. */
const members = new Set(
  (
    "access_programs background context_management conversation image include input instructions max_output_tokens " +
    "max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt prompt_cache_key " +
    "prompt_cache_options prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options " +
    "temperature text tool_choice tools top_logprobs top_p truncation user"
  ).split(" "),
);
const includable = [
  ..."file_search_call.results web_search_call.results web_search_call.action.sources".split(" "),
  ..."message.input_image.image_url computer_call_output.output.image_url code_interpreter_call.outputs".split(" "),
  ..."reasoning.encrypted_content message.output_text.logprobs".split(" "),
];
/** Names of chat completions, and where this API has them. */
const moved: Readonly<Record<string, string>> = {
  messages: "input",
  max_tokens: "max_output_tokens",
  max_completion_tokens: "max_output_tokens",
  response_format: "text.format",
  reasoning_effort: "reasoning.effort",
  verbosity: "text.verbosity",
};
const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
const summaries = ["auto", "concise", "detailed"];
const minOutputTokens = 16;

/** @param model the model's name without a fault. @throws WireError naming the member that is wrong */
export function readResponse(body: unknown, model: string): ResponseAsk {
  if (!isFields(body)) throw invalid(null, "The request body must be a JSON object.");
  for (const name of Object.keys(body)) if (!members.has(name)) throw unknownMember(name);
  if (!isChatModel(model)) throw unknownModel(model);
  refuseStored(body);
  const include = readInclude(body.include);
  const reasoning = readReasoning(body.reasoning, model);
  if (include.includes("reasoning.encrypted_content") && !reasoning.model) {
    throw invalid("include", "Encrypted content is not supported with this model.", "unsupported_parameter");
  }
  readSampling(body, reasoning.on && reasoning.model);

  const store = flag(body, "store") ?? true;
  const conversation = readInput(body.input, store);
  const tools = readFlatTools(body.tools);
  const toolChoice = readFlatChoice(body.tool_choice, tools);
  const format = readFormat(body.text, conversation.texts);
  const instructions = typeof body.instructions === "string" ? [body.instructions] : [];
  const top = number(body, "top_logprobs", 0, 20);
  return {
    model,
    prompt: {
      ...conversation,
      tools: tools.tools,
      toolChoice,
      parallelCalls: flag(body, "parallel_tool_calls") ?? true,
      schema: format.schema,
      stop: [],
      maxTokens: readMaxTokens(body),
      reasons: reasoning.on,
    },
    texts: [...instructions, ...conversation.texts, ...(body.tools == null ? [] : [JSON.stringify(body.tools)])],
    choices: 1,
    stream: flag(body, "stream") ?? false,
    searches: tools.searches && toolChoice !== "none" && /\bsearch\b/i.test(conversation.text),
    summary: reasoning.summary !== null,
    sealed: include.includes("reasoning.encrypted_content"),
    topLogprobs: include.includes("message.output_text.logprobs") ? (top ?? 0) : null,
    echo: echoOf(body, { store, format: format.format, effort: reasoning.effort, summary: reasoning.summary }),
  };
}

function unknownMember(name: string): WireError {
  const place = moved[name];
  const message =
    place === undefined
      ? `Unknown parameter: '${name}'.`
      : `Unsupported parameter: '${name}'. In the Responses API, this parameter has moved to '${place}'.`;
  return invalid(name, message, place === undefined ? "unknown_parameter" : "unsupported_parameter");
}

/** Nothing is stored here, so nothing can be referred to. */
function refuseStored(body: Fields): void {
  if (body.previous_response_id != null) {
    const message = `Previous response with id '${String(body.previous_response_id)}' not found.`;
    throw invalid("previous_response_id", message, "previous_response_not_found");
  }
  for (const name of ["conversation", "prompt"]) {
    if (body[name] != null)
      throw new WireError(404, "invalid_request_error", `There is no such ${name}.`, { param: name });
  }
  if (flag(body, "background")) throw invalid("background", "Background mode is not simulated.");
  if (body.stream_options != null && body.stream !== true) {
    throw invalid("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
  }
}

function readInclude(include: unknown): readonly string[] {
  if (include == null) return [];
  if (!isStrings(include)) throw invalid("include", "Must be an array of strings.", "invalid_type");
  const unknown = include.find((name) => !includable.includes(name));
  if (unknown === undefined) return include;
  const supported = includable.map((name) => `'${name}'`).join(", ");
  throw invalid("include", `Invalid value: '${unknown}'. Supported values are: ${supported}.`);
}

function readReasoning(reasoning: unknown, name: string) {
  const fields = isFields(reasoning) ? reasoning : {};
  const model = name === "reasoner" || /^(o\d|gpt-[5-9]|codex-|computer-use-)/.test(name);
  const effort = fields.effort ?? null;
  if (effort !== null && !efforts.includes(String(effort))) {
    throw invalid("reasoning.effort", `Must be one of ${efforts.join(", ")}.`);
  }
  if (fields.summary != null && !summaries.includes(String(fields.summary))) {
    throw invalid("reasoning.summary", `Must be one of ${summaries.join(", ")}.`);
  }
  if (!model && name !== "echo" && effort !== null) {
    throw invalid("reasoning.effort", "Unsupported parameter: 'reasoning.effort' is not supported with this model.");
  }
  const on = effort === null ? model : effort !== "none";
  return { model: model || name === "echo", on, effort, summary: fields.summary ?? null };
}

function readSampling(body: Fields, reasons: boolean): void {
  for (const [name, max] of [
    ["temperature", 2],
    ["top_p", 1],
  ] as const) {
    if (number(body, name, 0, max) === null || !reasons) continue;
    const message = `Unsupported parameter: '${name}' is not supported with this model.`;
    throw invalid(name, message, "unsupported_parameter");
  }
}

function readMaxTokens(body: Fields): number | null {
  const max = number(body, "max_output_tokens", 0);
  if (max === null || max >= minOutputTokens) return max;
  const rule = `Expected a value >= ${minOutputTokens}, but got ${max} instead.`;
  const message = `Invalid 'max_output_tokens': integer below minimum value. ${rule}`;
  throw invalid("max_output_tokens", message, "integer_below_min_value");
}

function readFormat(text: unknown, texts: readonly string[]): { schema: unknown; format: unknown } {
  const format = isFields(text) && isFields(text.format) ? text.format : { type: "text" };
  switch (format.type) {
    case "text":
      return { schema: null, format };
    case "json_object": {
      if (!texts.some((one) => /json/i.test(one))) {
        throw invalid("input", "Response input messages must contain the word 'json' in some form to use json_object.");
      }
      return { schema: { type: "object", properties: { simulated: { type: "boolean" } } }, format };
    }
    case "json_schema":
      if (typeof format.name !== "string" || !/^[\w-]{1,64}$/.test(format.name)) {
        throw invalid(
          "text.format.name",
          "Missing required parameter: 'text.format.name'.",
          "missing_required_parameter",
        );
      }
      if (!isFields(format.schema)) {
        throw invalid(
          "text.format.schema",
          "Missing required parameter: 'text.format.schema'.",
          "missing_required_parameter",
        );
      }
      return { schema: format.schema, format };
    default:
      throw invalid("text.format.type", "Supported values are: 'text', 'json_object' and 'json_schema'.");
  }
}

/** An answer repeats the settings that it was made with, with what stands for those that were not given. */
function echoOf(
  body: Fields,
  known: { readonly store: boolean; readonly format: unknown; readonly effort: unknown; readonly summary: unknown },
): Fields {
  const text = isFields(body.text) ? body.text : {};
  const tier = body.service_tier;
  return {
    background: false,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: body.max_tool_calls ?? null,
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: null,
    prompt_cache_key: body.prompt_cache_key ?? null,
    reasoning: { effort: known.effort, summary: known.summary },
    safety_identifier: body.safety_identifier ?? null,
    service_tier: typeof tier === "string" && tier !== "auto" ? tier : "default",
    store: known.store,
    temperature: body.temperature ?? 1,
    text: { format: known.format, verbosity: text.verbosity ?? "medium" },
    tool_choice: body.tool_choice ?? "auto",
    tools: body.tools ?? [],
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: body.truncation ?? "disabled",
    user: body.user ?? null,
    metadata: body.metadata ?? {},
  };
}
