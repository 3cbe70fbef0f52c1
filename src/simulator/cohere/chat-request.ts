import type { Prompt, PromptTool } from "../compose.ts";
import { type Fields, isFields, isStrings } from "../json.ts";
import { invalid } from "./errors.ts";
import { readMessages } from "./messages.ts";
import { modelOf } from "./models.ts";

/** A `/v2/chat` request, understood. */
export interface ChatAsk {
  readonly prompt: Prompt;
  readonly stream: boolean;
  /** All texts of the request: what its tokens are counted from. */
  readonly texts: readonly string[];
  /** What can be cited, with its id; empty where citations are off. */
  readonly documents: readonly Fields[];
  readonly logprobs: boolean;
}

const members = new Set([
  ...["model", "messages", "stream", "tools", "strict_tools", "documents", "citation_options", "response_format"],
  ...["safety_mode", "max_tokens", "stop_sequences", "temperature", "seed", "frequency_penalty", "presence_penalty"],
  ...["k", "p", "logprobs", "tool_choice", "thinking", "priority"],
]);
const maxStops = 5;

/** @throws WireError naming the member that is wrong */
export function readChat(body: Fields, model: string): ChatAsk {
  const unknown = Object.keys(body).find((name) => !members.has(name));
  if (unknown !== undefined) throw invalid(`invalid request: unknown field '${unknown}'`);
  const { endpoints, features } = modelOf(model);
  if (!endpoints.includes("chat")) throw invalid(`model '${model}' is not supported by the chat API`);
  const conversation = readMessages(body.messages);
  const tools = readTools(body.tools);
  checkNumbers(body);
  const documents = readDocuments(body.documents);
  const reasons = features?.includes("reasoning") === true;
  if (isFields(body.thinking) && !reasons) throw invalid(`model '${model}' does not support thinking`);
  const stops = body.stop_sequences ?? [];
  if (!isStrings(stops) || stops.length > maxStops)
    throw invalid(`invalid request: at most ${maxStops} stop_sequences`);
  const citing = !(isFields(body.citation_options) && body.citation_options.mode === "OFF");
  return {
    prompt: {
      ...conversation,
      tools,
      toolChoice: readChoice(body.tool_choice, tools),
      parallelCalls: true,
      schema: readFormat(body.response_format),
      stop: stops,
      maxTokens: typeof body.max_tokens === "number" ? body.max_tokens : null,
      reasons: reasons && !(isFields(body.thinking) && body.thinking.type === "disabled"),
    },
    stream: body.stream === true,
    texts: [...conversation.texts, ...[...documents, ...tools].map((one) => JSON.stringify(one))],
    documents: citing ? documents : [],
    logprobs: body.logprobs === true,
  };
}

const bounds: Readonly<Record<string, readonly [least: number, most: number]>> = {
  temperature: [0, 1],
  p: [0.01, 0.99],
  k: [0, 500],
  frequency_penalty: [0, 1],
  presence_penalty: [0, 1],
  max_tokens: [1, Number.MAX_SAFE_INTEGER],
};

function checkNumbers(body: Fields): void {
  for (const [name, [least, most]] of Object.entries(bounds)) {
    const value = body[name];
    if (value == null) continue;
    if (typeof value !== "number" || value < least || value > most) {
      throw invalid(`invalid request: ${name} must be a number from ${least} to ${most}`);
    }
  }
}

function readTools(tools: unknown): readonly PromptTool[] {
  if (tools == null) return [];
  if (!Array.isArray(tools) || tools.length === 0)
    throw invalid("invalid request: tools must be a list that is not empty");
  return tools.map((tool: unknown, index) => {
    const named = isFields(tool) && tool.type === "function" ? tool.function : undefined;
    if (!isFields(named) || typeof named.name !== "string" || !isFields(named.parameters)) {
      throw invalid(`invalid request: tools[${index}] must be a function with a name and parameters`);
    }
    return { name: named.name, schema: named.parameters };
  });
}

function readChoice(choice: unknown, tools: readonly PromptTool[]): Prompt["toolChoice"] {
  if (choice == null) return "auto";
  if (tools.length === 0) throw invalid("invalid request: tool_choice needs tools");
  if (choice === "NONE") return "none";
  if (choice === "REQUIRED") return "required";
  throw invalid("invalid request: tool_choice must be REQUIRED or NONE");
}

function readFormat(format: unknown): unknown {
  if (format == null) return null;
  if (isFields(format) && format.type === "text") return null;
  if (!isFields(format) || format.type !== "json_object")
    throw invalid("invalid request: response_format.type must be text or json_object");
  return format.json_schema ?? { type: "object", properties: { simulated: { type: "boolean" } } };
}

function readDocuments(documents: unknown): readonly Fields[] {
  if (documents == null) return [];
  if (!Array.isArray(documents)) throw invalid("invalid request: documents must be a list");
  return documents.map((document: unknown, index) => {
    if (typeof document === "string") return { id: `doc:${index}`, data: { text: document } };
    if (isFields(document) && isFields(document.data)) return { id: `doc:${index}`, ...document };
    throw invalid(`invalid request: documents[${index}] must be a text or have data`);
  });
}
