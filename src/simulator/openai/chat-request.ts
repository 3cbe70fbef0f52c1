import type { Prompt } from "../compose.ts";
import { type Fields, isFields, isStrings, nameOf } from "../json.ts";
import { WireError } from "../wire-error.ts";
import { invalid, unknownModel } from "./errors.ts";
import { readMessages } from "./messages.ts";
import { readToolChoice, readTools } from "./tools.ts";

/** A chat completions request, understood. */
export interface ChatAsk {
  readonly model: string;
  readonly prompt: Prompt;
  /** All texts of the request in order: what the prompt's tokens are counted from. */
  readonly texts: readonly string[];
  readonly choices: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** Whether reasoning is shown: not by OpenAI's own models. */
  readonly showsReasoning: boolean;
  /** How many alternatives to give for each token; null gives no log probabilities. */
  readonly topLogprobs: number | null;
  readonly serviceTier: string;
}

/** Members of a request by OpenAI's reference; it refuses all others. */
const members = new Set(
  (
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages " +
    "metadata modalities model moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key " +
    "prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier " +
    "stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options"
  ).split(" "),
);

const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
const maxChoices = 128;

/** @param model the model's name without a fault. @throws WireError naming the member that is wrong */
export function readChat(body: unknown, model: string): ChatAsk {
  if (!isFields(body)) throw invalid(null, "The request body must be a JSON object.");
  const unknown = Object.keys(body).find((name) => !members.has(name));
  if (unknown !== undefined) throw invalid(unknown, `Unrecognized request argument: ${unknown}`, "unknown_parameter");
  if (!isChatModel(model)) throw unknownModel(model);
  if (isResponsesOnly(model)) {
    const message = "This model is only supported in v1/responses and not in v1/chat/completions.";
    throw new WireError(404, "invalid_request_error", message, { param: "model" });
  }

  const stream = flag(body, "stream") ?? false;
  if (isFields(body.stream_options) && !stream) {
    throw invalid("stream_options", "stream_options is only allowed when stream is true.");
  }
  number(body, "temperature", 0, 2);
  number(body, "top_p", 0, 1);
  number(body, "frequency_penalty", -2, 2);
  number(body, "presence_penalty", -2, 2);
  if (body.max_tokens != null && body.max_completion_tokens != null) {
    throw invalid("max_tokens", "max_tokens and max_completion_tokens cannot be given together.");
  }
  const conversation = readMessages(body.messages, !isOfOthers(model));
  const tools = readTools(body.tools);
  if (tools.length === 0 && body.parallel_tool_calls != null) {
    throw invalid("parallel_tool_calls", "parallel_tool_calls is only allowed when tools are given.");
  }
  return {
    model,
    prompt: {
      ...conversation,
      tools,
      toolChoice: readToolChoice(body.tool_choice, tools),
      parallelCalls: flag(body, "parallel_tool_calls") ?? true,
      schema: readSchema(body.response_format, conversation.texts),
      stop: readStop(body.stop),
      maxTokens: number(body, "max_completion_tokens", 1) ?? number(body, "max_tokens", 1),
      reasons: reasons(body, model),
    },
    texts: [...conversation.texts, ...(body.tools == null ? [] : [JSON.stringify(body.tools)])],
    choices: number(body, "n", 1, maxChoices) ?? 1,
    stream,
    includeUsage: isFields(body.stream_options) && body.stream_options.include_usage === true,
    showsReasoning: isOfOthers(model),
    topLogprobs: readLogprobs(body),
    serviceTier: typeof body.service_tier === "string" && body.service_tier !== "auto" ? body.service_tier : "default",
  };
}

/** Models that OpenAI serves by its Responses API alone. */
function isResponsesOnly(model: string): boolean {
  return /-pro\b|codex|-deep-research|^computer-use-preview/.test(model);
}

/** Whether there is such a model. */
export function isChatModel(model: string): boolean {
  return model === "echo" || model === "reasoner" || /^(gpt-|o\d|chatgpt-|codex-|computer-use-)/.test(model);
}

/** Models of the simulator's own, which stand for those of servers like OpenAI's. */
function isOfOthers(model: string): boolean {
  return model === "echo" || model === "reasoner";
}

function reasons(body: Fields, model: string): boolean {
  const effort = body.reasoning_effort;
  if (effort == null) return model === "reasoner";
  if (!efforts.includes(String(effort))) throw invalid("reasoning_effort", `Must be one of ${efforts.join(", ")}.`);
  return effort !== "none";
}

function readStop(stop: unknown): readonly string[] {
  if (stop == null) return [];
  const sequences = typeof stop === "string" ? [stop] : stop;
  if (!isStrings(sequences) || sequences.length > 4) throw invalid("stop", "Must be a string or up to 4 strings.");
  return sequences.filter((sequence) => sequence !== "");
}

function readSchema(format: unknown, texts: readonly string[]): unknown {
  if (format == null) return null;
  const type = isFields(format) ? format.type : undefined;
  if (type === "text") return null;
  if (type === "json_object") {
    if (texts.some((text) => /json/i.test(text)))
      return { type: "object", properties: { simulated: { type: "boolean" } } };
    throw invalid("messages", "The messages must contain the word 'json' to use response_format json_object.");
  }
  const wanted = isFields(format) && type === "json_schema" ? format.json_schema : undefined;
  if (!isFields(wanted))
    throw invalid("response_format", "type must be text, json_object or json_schema with its schema.");
  if (typeof wanted.name !== "string" || !/^[\w-]{1,64}$/.test(wanted.name)) {
    throw invalid("response_format.json_schema.name", "Must be 1 to 64 letters, digits, _ or -.");
  }
  return wanted.schema ?? { type: "object" };
}

function readLogprobs(body: Fields): number | null {
  const top = number(body, "top_logprobs", 0, 20);
  const wanted = flag(body, "logprobs") ?? false;
  if (top !== null && !wanted) throw invalid("top_logprobs", "top_logprobs is only allowed when logprobs is true.");
  return wanted ? (top ?? 0) : null;
}

/** A member that is true or false; null when it is not given. */
export function flag(body: Fields, name: string): boolean | null {
  const value = body[name];
  if (value == null || typeof value === "boolean") return value ?? null;
  throw invalid(name, `Invalid type for '${name}': expected a boolean, got ${nameOf(value)}.`, "invalid_type");
}

/** A member that is a number within bounds; null when it is not given. */
export function number(body: Fields, name: string, min: number, max = Number.POSITIVE_INFINITY): number | null {
  const value = body[name];
  if (value == null) return null;
  if (typeof value !== "number") {
    throw invalid(name, `Invalid type for '${name}': expected a number, got ${nameOf(value)}.`, "invalid_type");
  }
  if (value < min || value > max) throw invalid(name, `Invalid '${name}': ${value} is not from ${min} to ${max}.`);
  return value;
}
