import type { Prompt, PromptTool } from "../compose.ts";
import { type Fields, isFields, isStrings } from "../json.ts";
import { countTokens } from "../tokens.ts";
import { invalid } from "./errors.ts";
import { type Conversation, readMessages } from "./messages.ts";
import { contextLength, modelOf } from "./models.ts";

/** An `/api/chat` request, understood. */
export interface ChatAsk {
  readonly model: string;
  readonly stream: boolean;
  /** Null when there are no messages: then the model is only loaded, or unloaded. */
  readonly prompt: Prompt | null;
  readonly unloads: boolean;
  readonly promptTokens: number;
  /** All that the prompt is made from. */
  readonly promptText: string;
  /** Alternatives for each token; null gives no log probabilities. */
  readonly topLogprobs: number | null;
}

const members = new Set([
  ...["model", "messages", "stream", "format", "keep_alive", "tools", "options", "think"],
  ...["truncate", "shift", "logprobs", "top_logprobs"],
]);
const numbers = new Set([
  ...["num_keep", "seed", "num_predict", "top_k", "top_p", "min_p", "typical_p", "repeat_last_n", "temperature"],
  ...["repeat_penalty", "presence_penalty", "frequency_penalty", "num_ctx", "num_batch", "num_gpu", "main_gpu"],
  "num_thread",
]);

/** @throws WireError 400 for what the server would refuse, and for members that it would pass over without a word */
export function readChat(body: Fields, model: string): ChatAsk {
  const unknown = Object.keys(body).find((name) => !members.has(name));
  if (unknown !== undefined) throw invalid(`json: unknown field "${unknown}"`);
  const { capabilities } = modelOf(model);
  const options = readOptions(body.options);
  const conversation = readMessages(body.messages);
  const tools = readTools(body.tools);
  if (!capabilities.includes("completion")) throw invalid(`"${model}" does not support chat`);
  if (tools.length > 0 && !capabilities.includes("tools")) throw invalid(`${model} does not support tools`);
  if (conversation.attachments > 0 && !capabilities.includes("vision"))
    throw invalid("this model is missing data required for image input");
  const thinks = readThink(body.think) ?? capabilities.includes("thinking");
  if (thinks && !capabilities.includes("thinking")) throw invalid(`"${model}" does not support thinking`);
  if (body.stream !== undefined && typeof body.stream !== "boolean") throw wrongType("stream", "bool");

  const promptText = [...conversation.texts, ...(tools.length === 0 ? [] : [JSON.stringify(body.tools)])].join("\n");
  const promptTokens = countTokens(promptText);
  if (promptTokens > numberOf(options, "num_ctx", contextLength) && body.truncate === false) {
    throw invalid("the input length exceeds the context length");
  }
  return {
    model,
    stream: body.stream !== false,
    prompt: conversation.isEmpty ? null : promptOf(conversation, tools, body, options, thinks),
    unloads: body.keep_alive === 0 || body.keep_alive === "0",
    promptTokens,
    promptText,
    topLogprobs: body.logprobs === true ? Number(body.top_logprobs ?? 0) : null,
  };
}

function promptOf(
  { text, attachments, toolResults }: Conversation,
  tools: readonly PromptTool[],
  body: Fields,
  options: Fields,
  reasons: boolean,
): Prompt {
  const bound = numberOf(options, "num_predict", -1);
  return {
    ...{ text, attachments, toolResults, tools, reasons },
    toolChoice: "auto",
    parallelCalls: true,
    schema: readFormat(body.format),
    stop: isStrings(options.stop) ? options.stop : [],
    // Nothing and less is no bound.
    maxTokens: bound > 0 ? bound : null,
  };
}

function readOptions(options: unknown): Fields {
  if (options == null) return {};
  if (!isFields(options)) throw wrongType("options", "map[string]interface {}");
  for (const [name, value] of Object.entries(options)) {
    if (name === "stop" ? !isStrings(value) : numbers.has(name) && typeof value !== "number") {
      throw invalid(`option "${name}" must be of type ${name === "stop" ? "array" : "float32"}`);
    }
    if (name !== "stop" && !numbers.has(name)) throw invalid(`invalid option provided: "${name}"`);
  }
  return options;
}

function numberOf(options: Fields, name: string, usual: number): number {
  const value = options[name];
  return typeof value === "number" ? value : usual;
}

function readThink(think: unknown): boolean | null {
  if (think == null) return null;
  if (typeof think === "boolean") return think;
  if (think === "low" || think === "medium" || think === "high") return true;
  throw invalid(`invalid think value: ${JSON.stringify(think)} (must be "high", "medium", "low", true, or false)`);
}

function readFormat(format: unknown): unknown {
  if (format == null || format === "") return null;
  if (format === "json") return { type: "object", properties: { simulated: { type: "boolean" } } };
  if (isFields(format)) return format;
  throw invalid(`invalid format: ${JSON.stringify(format)}; expected "json" or a valid JSON Schema object`);
}

function readTools(tools: unknown): readonly PromptTool[] {
  if (tools == null) return [];
  if (!Array.isArray(tools)) throw wrongType("tools", "api.Tools");
  return tools.map((tool: unknown) => {
    const named = isFields(tool) && tool.type === "function" ? tool.function : undefined;
    if (!isFields(named) || typeof named.name !== "string") throw wrongType("tools.function", "api.ToolFunction");
    if (named.parameters !== undefined && !isFields(named.parameters))
      throw wrongType("tools.function.parameters", "object");
    return { name: named.name, schema: named.parameters ?? { type: "object" } };
  });
}

function wrongType(member: string, type: string): Error {
  return invalid(`json: cannot unmarshal value into Go struct field ChatRequest.${member} of type ${type}`);
}
