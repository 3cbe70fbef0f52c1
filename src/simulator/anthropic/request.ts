import type { Prompt, PromptTool } from "../compose.ts";
import { type Fields, isFields, isStrings } from "../json.ts";
import { WireError } from "../wire-error.ts";
import { invalid } from "./errors.ts";
import { readMessages, readTexts } from "./messages.ts";

/** A Messages request, understood. */
export interface MessagesAsk {
  readonly model: string;
  readonly prompt: Prompt;
  /** All texts of the request in order: what the input tokens are counted from. */
  readonly texts: readonly string[];
  /** What stands before the last cache mark; null when nothing is marked. */
  readonly cached: string | null;
  readonly stream: boolean;
}

/** Members of a request by Anthropic's reference; it refuses all others. */
const members = new Set(
  (
    "cache_control container diagnostics inference_geo max_tokens messages metadata model output_config service_tier " +
    "speed stop_sequences stream system temperature thinking tool_choice tools top_k top_p"
  ).split(" "),
);

/** @param model the model's name without a fault. @throws WireError naming the member that is wrong */
export function readAsk(body: Fields, model: string, needsMaxTokens: boolean): MessagesAsk {
  const unknown = Object.keys(body).find((name) => !members.has(name));
  if (unknown !== undefined) throw invalid(`${unknown}: Extra inputs are not permitted`);
  if (!/^claude-/.test(model)) throw new WireError(404, "not_found_error", `model: ${model}`);

  const maxTokens = body.max_tokens;
  if (maxTokens === undefined && needsMaxTokens) throw invalid("max_tokens: Field required");
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && Number(maxTokens) >= 0)) {
    throw invalid("max_tokens: Input should be a whole number of 0 or more");
  }
  readRange(body, "temperature", 0, 1);
  readRange(body, "top_p", 0, 1);
  const thinks = readThinking(body.thinking, Number(maxTokens ?? Number.POSITIVE_INFINITY), model);
  const conversation = readMessages(body.messages);
  const tools = readTools(body.tools);
  const { toolChoice, parallelCalls } = readToolChoice(body.tool_choice, tools);
  if (thinks && (typeof toolChoice === "object" || toolChoice === "required")) {
    throw invalid("tool_choice: Thinking may not be enabled when tool_choice forces tool use.");
  }
  return {
    model,
    prompt: {
      ...conversation,
      tools,
      toolChoice,
      parallelCalls,
      schema: readFormat(body.output_config),
      stop: readStop(body.stop_sequences),
      maxTokens: maxTokens === undefined ? null : Number(maxTokens),
      reasons: thinks,
    },
    texts: [
      ...readTexts(body.system, "system"),
      ...(tools.length > 0 ? [JSON.stringify(body.tools)] : []),
      ...conversation.texts,
    ],
    cached: cachedPart(body),
    stream: body.stream === true,
  };
}

function readRange(body: Fields, name: string, min: number, max: number): void {
  const value = body[name];
  if (value === undefined) return;
  if (typeof value !== "number" || value < min || value > max) {
    throw invalid(`${name}: Input should be a number from ${min} to ${max}`);
  }
}

const minThinkingTokens = 1_024;

function readThinking(thinking: unknown, maxTokens: number, model: string): boolean {
  if (thinking === undefined) return model === "claude-reasoner";
  const type = isFields(thinking) ? thinking.type : undefined;
  if (!isFields(thinking) || (type !== "enabled" && type !== "adaptive" && type !== "disabled")) {
    throw invalid("thinking.type: Input should be 'enabled', 'adaptive' or 'disabled'");
  }
  if (type !== "enabled") return type === "adaptive";
  const budget = Number(thinking.budget_tokens);
  if (!(budget >= minThinkingTokens)) {
    throw invalid(`thinking.enabled.budget_tokens: Input should be ${minThinkingTokens} or more`);
  }
  if (budget >= maxTokens) throw invalid("max_tokens: must be greater than thinking.budget_tokens");
  return true;
}

function readTools(tools: unknown): readonly PromptTool[] {
  if (tools === undefined) return [];
  if (!Array.isArray(tools)) throw invalid("tools: Input should be a list");
  const seen = new Set<string>();
  return tools.flatMap((tool: unknown, index) => {
    const name = isFields(tool) ? String(tool.name) : "";
    if (!isFields(tool) || !/^[\w-]{1,128}$/.test(name)) {
      throw invalid(`tools.${index}.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`);
    }
    if (seen.has(name)) throw invalid("tools: Tool names must be unique.");
    seen.add(name);
    // Tools that the provider runs itself are taken, and not simulated.
    if (tool.type !== undefined && tool.type !== "custom") return [];
    if (!isFields(tool.input_schema) || tool.input_schema.type !== "object") {
      throw invalid(`tools.${index}.custom.input_schema.type: Input should be 'object'`);
    }
    return [{ name, schema: tool.input_schema }];
  });
}

function readToolChoice(choice: unknown, tools: readonly PromptTool[]): Pick<Prompt, "toolChoice" | "parallelCalls"> {
  if (choice === undefined) return { toolChoice: "auto", parallelCalls: true };
  if (!isFields(choice)) throw invalid("tool_choice: Input should be an object");
  const parallelCalls = choice.disable_parallel_tool_use !== true;
  switch (choice.type) {
    case "auto":
    case "none":
      return { toolChoice: choice.type, parallelCalls };
    case "any":
      return { toolChoice: "required", parallelCalls };
    case "tool": {
      const name = String(choice.name);
      if (tools.some((tool) => tool.name === name)) return { toolChoice: { name }, parallelCalls };
      throw invalid(`tool_choice: Tool '${name}' not found in provided tools`);
    }
    default:
      throw invalid("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'");
  }
}

function readFormat(config: unknown): unknown {
  const format = isFields(config) ? config.format : undefined;
  if (format === undefined || format === null) return null;
  if (!isFields(format) || format.type !== "json_schema" || !isFields(format.schema)) {
    throw invalid("output_config.format: Input should be a json_schema with its schema");
  }
  return format.schema;
}

function readStop(stop: unknown): readonly string[] {
  if (stop === undefined) return [];
  if (!isStrings(stop)) throw invalid("stop_sequences: Input should be a list of strings");
  if (stop.some((sequence) => sequence.trim() === "")) {
    throw invalid("stop_sequences: each stop sequence must contain non-whitespace");
  }
  return stop;
}

/** The prompt as text up to the last part with a cache mark, in the order in which Anthropic reads it. */
function cachedPart({ model, tools, system, messages }: Fields): string | null {
  const text = JSON.stringify([model, tools ?? [], system ?? [], messages]);
  const at = text.lastIndexOf('"cache_control":{');
  return at < 0 ? null : text.slice(0, at);
}
