import { type DescField, type DescMessage, fromJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { type ChatRequest, ChatRequestSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import { providerKinds } from "../../src/config/provider-kinds.ts";

/** One field of the contract in a request of its own, beside the same request without it. */
export interface FieldCase {
  /** Contract path without indices, such as `tools.function.strict`. */
  readonly path: string;
  readonly without: ChatRequest;
  readonly with: ChatRequest;
}

type Wrap = (message: JsonObject) => JsonObject;

const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/VscvDQAAAABJRU5ErkJggg==";
const pdf = Buffer.from("%PDF-1.4\n%%EOF\n").toString("base64");

/** What a message must hold so that a field in it can mean something. Proto JSON. */
const fixtures: Readonly<Record<string, JsonObject>> = {
  ChatRequest: { model: "m", messages: [{ role: "ROLE_USER", parts: [{ text: "Hi" }] }] },
  LogitBias: { tokenId: 5, bias: 1 },
  JsonSchemaFormat: { schema: '{"type":"object","properties":{},"additionalProperties":false}' },
  ResponseFormat: { text: {} },
  Prediction: { parts: [{ text: "maybe" }] },
  SafetySetting: { category: "hate", threshold: "high" },
  ModerationOptions: { input: "score" },
  OutputOptions: { modalities: ["text"] },
  Reasoning: { effort: "high" },
  CacheMark: { ttl: "300s" },
  Proof: { issuer: "somebody", format: "signature", data: "AAAA" },
  Grammar: { syntax: "lark", definition: 'start: "a"' },
  Tool: { function: { name: "f" } },
  FunctionTool: { name: "f" },
  CustomTool: { name: "f" },
  HostedTool: { type: "web_fetch" },
  AllowedTools: { mode: "TOOL_CHOICE_MODE_AUTO", names: ["f"] },
  ToolChoice: { mode: "TOOL_CHOICE_MODE_AUTO" },
  ToolCall: { id: "c1", name: "f", arguments: "{}" },
  ToolResult: { callId: "c1", parts: [{ text: "done" }] },
  HostedCall: { id: "h1", type: "web_search", name: "web_search", inputJson: "{}" },
  HostedResult: { callId: "h1", type: "web_search_tool_result", outputJson: "[]" },
  SearchResultPart: { uri: "https://a.example", title: "A", source: "s", parts: [{ text: "found" }] },
  OpaquePart: { provider: "openai", type: "thing", json: "{}" },
  ReasoningPart: { text: "hm" },
  RefusalPart: { text: "no" },
  ImagePart: { media: { data: png, mediaType: "image/png" } },
  AudioPart: { media: { data: "AAAA", mediaType: "audio/wav" } },
  VideoPart: { media: { data: "AAAA", mediaType: "video/mp4" } },
  FilePart: { media: { data: pdf, mediaType: "application/pdf", name: "a.pdf" } },
};

/** Values for fields where any other would be refused before it says anything. */
const values: Readonly<Record<string, JsonValue>> = {
  "ChatRequest.temperature": 0.5,
  "ChatRequest.verbosity": "low",
  "ChatRequest.service_tier": "flex",
  "ChatRequest.speed": "slow",
  "ChatRequest.media_resolution": "high",
  "ChatRequest.provider_options": Object.fromEntries([...providerKinds.keys()].map((kind) => [kind, '{"odd":1}'])),
  "ChatRequest.metadata": { a: "b" },
  "ChatRequest.parallel_tool_calls": false,
  "Reasoning.effort": "low",
  "Reasoning.budget_tokens": 2048,
  "CacheOptions.mode": "implicit",
  "CacheOptions.gateway_cache": "bypass",
  "OutputOptions.modalities": ["text", "audio"],
  "ModerationOptions.output": "score",
  "Media.uri": "https://a.example/a.png",
  "Media.media_type": "image/gif",
  "FunctionTool.name": "g",
  "FunctionTool.parameters_schema": '{"type":"object","properties":{"a":{"type":"string"}}}',
  "FunctionTool.output_schema": '{"type":"object"}',
  "FunctionTool.input_examples_json": ["{}"],
  "Tool.allowed_callers": ["direct"],
  "HostedTool.options_json": '{"a":1}',
  "ToolCall.arguments": '{"a":1}',
  "ToolCall.caller_json": '{"type":"direct"}',
  "HostedCall.input_json": '{"a":1}',
  "HostedResult.output_json": "[1]",
  "OpaquePart.json": '{"a":1}',
  "ToolChoice.mode": "TOOL_CHOICE_MODE_REQUIRED",
  "ToolChoice.tool_name": "f",
  "Grammar.syntax": "regex",
};

/** Every field of a ChatRequest, each set alone; parts in a conversation where they may stand. */
export function everyField(): readonly FieldCase[] {
  return [...fieldsOf(ChatRequestSchema, "", (request) => request, [])];
}

function* fieldsOf(message: DescMessage, path: string, wrap: Wrap, above: readonly string[]): Generator<FieldCase> {
  for (const field of message.fields) {
    const at = path === "" ? field.name : `${path}.${field.name}`;
    const base = fixtureWithout(message, field);
    const put = (value: JsonValue) => wrap({ ...base, ...companions(message, field), [field.jsonName]: value });
    const child = field.message;
    if (child?.name === "Part" && message.name !== "Part") {
      if (message.name === "ChatMessage") yield* partsOf(child, at);
      continue;
    }
    if (child?.typeName.startsWith("trunkline.")) {
      if (above.includes(child.typeName)) continue;
      const list = field.fieldKind === "list";
      const wrapChild: Wrap = (one) => put(list ? [one] : one);
      // That it is there says something only where it has nothing else to say.
      if (child.fields.length === 0) yield caseOf(at, wrap(fixtureWithout(message, field)), wrapChild({}));
      yield* fieldsOf(child, at, wrapChild, [...above, child.typeName]);
    } else {
      yield caseOf(at, wrap({ ...fixtureOf(message), ...companions(message, field) }), put(valueFor(message, field)));
    }
  }
}

/** The kinds of parts, each in the conversation that it needs. */
function* partsOf(part: DescMessage, path: string): Generator<FieldCase> {
  for (const field of part.fields) {
    const at = `${path}.${field.name}`;
    if (field.oneof && field.message) {
      const wrap: Wrap = (kind) => conversation(field.name, { [field.jsonName]: kind });
      yield* fieldsOf(field.message, at, wrap, [part.typeName, field.message.typeName]);
    } else if (field.oneof) {
      yield caseOf(at, conversation("text", { text: "a" }), conversation("text", { text: "b" }));
    } else if (field.message && field.fieldKind !== "list" && field.message.typeName.startsWith("trunkline.")) {
      const wrap: Wrap = (one) => conversation("text", { text: "a", [field.jsonName]: one });
      yield caseOf(at, conversation("text", { text: "a" }), wrap(fixtureOf(field.message)));
    }
  }
}

const ofTheModel: ReadonlySet<string> = new Set([
  "reasoning",
  "refusal",
  "tool_call",
  "hosted_call",
  "hosted_result",
  "opaque",
]);

function conversation(kind: string, part: JsonObject): JsonObject {
  const user = (...parts: JsonObject[]) => ({ role: "ROLE_USER", parts });
  const model = (...parts: JsonObject[]) => ({ role: "ROLE_ASSISTANT", parts });
  const call = { toolCall: { id: "c1", name: "f", arguments: "{}" } };
  const result = {
    toolResult: { callId: (part.toolCall as JsonObject | undefined)?.id ?? "c1", parts: [{ text: "done" }] },
  };
  const tools = [{ function: { name: "f" } }];
  const hi = user({ text: "Hi" });
  if (kind === "tool_result")
    return { model: "m", tools, messages: [hi, model(call), { role: "ROLE_TOOL", parts: [part] }] };
  if (kind === "tool_call")
    return { model: "m", tools, messages: [hi, model(part), { role: "ROLE_TOOL", parts: [result] }] };
  if (ofTheModel.has(kind)) return { model: "m", messages: [hi, model(part, { text: "so" }), user({ text: "And?" })] };
  return { model: "m", messages: [user({ text: "Look:" }, part)] };
}

function caseOf(path: string, without: JsonObject, withIt: JsonObject): FieldCase {
  return { path, without: fromJson(ChatRequestSchema, without), with: fromJson(ChatRequestSchema, withIt) };
}

function fixtureOf({ name }: DescMessage): JsonObject {
  return fixtures[name] ?? {};
}

/** What a field says nothing without: a choice needs tools, a number of likely tokens their likelihoods. */
function companions(message: DescMessage, field: DescField): JsonObject {
  const needsTools = ["tool_choice", "parallel_tool_calls", "max_tool_calls"].includes(field.name);
  return message.name === "ChatRequest" && needsTools ? { tools: [{ function: { name: "f" } }] } : {};
}

/** What cannot stand beside a field. */
const conflicts: Readonly<Record<string, string>> = { "Reasoning.budget_tokens": "effort" };

function fixtureWithout(message: DescMessage, field: DescField): JsonObject {
  const others = new Set(field.oneof?.fields.map(({ jsonName }) => jsonName));
  others.add(conflicts[`${message.name}.${field.name}`] ?? "");
  return Object.fromEntries(Object.entries(fixtureOf(message)).filter(([name]) => !others.has(name)));
}

function valueFor(message: DescMessage, field: DescField): JsonValue {
  const own = values[`${message.name}.${field.name}`];
  if (own !== undefined) return own;
  const one = scalarOf(field);
  if (field.fieldKind === "map") return { key: "value" };
  return field.fieldKind === "list" ? [one] : one;
}

function scalarOf(field: DescField): JsonValue {
  if (field.message?.typeName === "google.protobuf.Duration") return "600s";
  if (field.message?.typeName === "google.protobuf.Timestamp") return "2026-11-01T00:00:00Z";
  if (field.enum) return field.enum.values[2]?.name ?? "";
  // protoc's numbers of types: 1 double, 2 float, 8 bool, 9 string, 12 bytes; the others are integers.
  switch (field.scalar) {
    case 9:
      return "some";
    case 12:
      return "AQID";
    case 8:
      return true;
    case 1:
    case 2:
      return 0.75;
    default:
      return 2;
  }
}
