import { type Fields, isFields } from "../json.ts";
import { refused } from "./errors.ts";

const members = new Set(
  (
    "messages system inferenceConfig toolConfig guardrailConfig projectIdentifier additionalModelRequestFields " +
    "promptVariables additionalModelResponseFieldPaths requestMetadata performanceConfig serviceTier outputConfig"
  ).split(" "),
);

/** A Converse request as a Messages request: the same models stand behind both. @throws WireError */
export function asMessages(body: Fields, model: string, stream: boolean): Fields {
  const unknown = Object.keys(body).find((name) => !members.has(name));
  if (unknown !== undefined) throw refused(`The model returned the following errors: ${unknown}: not a member`);
  const { inferenceConfig, additionalModelRequestFields: own, toolConfig, outputConfig } = body;
  const inference = isFields(inferenceConfig) ? inferenceConfig : {};
  const config = isFields(toolConfig) ? toolConfig : {};
  const messages = listOf(body.messages).map(message);
  if (toolConfig === undefined && JSON.stringify(messages).includes('"type":"tool_use"'))
    throw refused("The toolConfig field must be defined when using toolUse and toolResult content blocks.");
  const { reasoningConfig, reasoning_effort, inferenceConfig: _, ...fields } = isFields(own) ? own : {};
  const thinks = (isFields(reasoningConfig) && reasoningConfig.type === "enabled") || reasoning_effort !== undefined;
  return {
    model,
    stream,
    max_tokens: inference.maxTokens ?? 4_096,
    ...defined({ temperature: inference.temperature, top_p: inference.topP, stop_sequences: inference.stopSequences }),
    ...(body.system !== undefined && { system: withMarks(listOf(body.system)) }),
    messages,
    ...(toolConfig !== undefined && { tools: listOf(config.tools).flatMap(tool) }),
    ...(isFields(config.toolChoice) && { tool_choice: choice(config.toolChoice) }),
    ...defined(fields),
    ...(thinks && fields.thinking === undefined && { thinking: { type: "adaptive" } }),
    ...format(outputConfig),
  };
}

function defined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function format(config: unknown): Fields {
  const told = isFields(config) && isFields(config.textFormat) ? config.textFormat : null;
  if (told === null) return {};
  const structure = isFields(told.structure) && isFields(told.structure.jsonSchema) ? told.structure.jsonSchema : {};
  if (typeof structure.schema !== "string")
    throw refused("outputConfig.textFormat.structure.jsonSchema.schema: a string");
  return { output_config: { format: { type: "json_schema", schema: JSON.parse(structure.schema) } } };
}

function tool({ toolSpec }: Fields): readonly Fields[] {
  if (!isFields(toolSpec)) return [];
  if (toolSpec.description === "") throw refused("toolConfig.tools.toolSpec.description: Member must have length 1");
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(String(toolSpec.name)))
    throw refused("toolConfig.tools.toolSpec.name: Member must satisfy [a-zA-Z0-9_-]+ and have 64 characters at most");
  const schema = isFields(toolSpec.inputSchema) ? toolSpec.inputSchema.json : undefined;
  return [{ name: toolSpec.name, input_schema: schema }];
}

function choice({ any, tool: named }: Fields): Fields {
  if (isFields(named)) return { type: "tool", name: named.name };
  return { type: any === undefined ? "auto" : "any" };
}

function message({ role, content }: Fields): Fields {
  const blocks = listOf(content);
  if (blocks.some(({ document }) => document !== undefined) && !blocks.some(({ text }) => text !== undefined))
    throw refused("A text content block is required with a document.");
  return { role, content: withMarks(blocks) };
}

/** A cache point is a mark on what stands before it. */
function withMarks(blocks: readonly Fields[]): readonly Fields[] {
  const made: Fields[] = [];
  for (const one of blocks) {
    const last = made.at(-1);
    if (one.cachePoint === undefined) made.push(block(one));
    else if (last) made[made.length - 1] = { ...last, cache_control: { type: "ephemeral" } };
  }
  return made;
}

function block(one: Fields): Fields {
  const { text, toolUse, toolResult, reasoningContent, image, document } = one;
  if (typeof text === "string") {
    if (text.trim() === "")
      throw refused("The text field in the ContentBlock object is blank. Add text, and try again.");
    return { type: "text", text };
  }
  if (isFields(toolUse)) return { type: "tool_use", id: callId(toolUse), name: toolUse.name, input: toolUse.input };
  if (isFields(toolResult)) {
    const told = listOf(toolResult.content);
    if (told.length === 0) throw refused("The content field in the toolResult object is empty.");
    const content = told.map((part) =>
      "json" in part ? { type: "text", text: JSON.stringify(part.json) } : block(part),
    );
    return { type: "tool_result", tool_use_id: callId(toolResult), content };
  }
  if (isFields(reasoningContent)) {
    const thought = isFields(reasoningContent.reasoningText) ? reasoningContent.reasoningText : null;
    if (thought === null) return { type: "redacted_thinking", data: reasoningContent.redactedContent };
    return { type: "thinking", thinking: thought.text, signature: thought.signature };
  }
  if (isFields(document) && !/^(?!.* {2})[a-zA-Z0-9 ()[\]-]{1,200}$/.test(String(document.name)))
    throw refused(
      "document.name: can only contain alphanumeric characters, whitespace, hyphens, parentheses, brackets",
    );
  const media = image ?? document ?? one.video ?? one.audio ?? one.searchResult;
  if (!isFields(media)) throw refused("messages.content: no known content block");
  return { type: "image", source: { type: "base64" } };
}

function callId({ toolUseId }: Fields): unknown {
  if (/^[a-zA-Z0-9_-]{1,64}$/.test(String(toolUseId))) return toolUseId;
  throw refused("toolUseId: Member must satisfy [a-zA-Z0-9_-]+ and have 64 characters at most");
}
