import { create } from "@bufbuild/protobuf";
import {
  AllowedToolsSchema,
  CustomToolSchema,
  FunctionToolSchema,
  GrammarSchema,
  HostedToolSchema,
  type Tool,
  type ToolChoice,
  ToolChoiceMode,
  ToolChoiceSchema,
  ToolSchema,
} from "../../../gen/trunkline/v1/tool_pb.ts";
import type { JsonObject } from "../json-body.ts";
import {
  invalid,
  isSet,
  noteUnknown,
  type ParseNotes,
  type Place,
  toArray,
  toBoolean,
  toChoice,
  toObject,
  toText,
  toWord,
} from "../json-read.ts";
import type { JsonSlice } from "../json-slice.ts";
import type { ChatTable } from "./chat-draft.ts";
import { cacheMarkOf } from "./parse-cache.ts";
import { toResponseFormat } from "./parse-format.ts";
import { toWebSearchOptions } from "./parse-web-search.ts";

/** What the model may call, and the shape that its answer must have: everything with a schema in it. */
export const toolsTable: ChatTable = {
  tools: (draft, value, at) => {
    draft.request.tools = parseTools(value, at, draft.json.member("tools"), draft);
  },
  tool_choice: ({ request }, value, at) => {
    request.toolChoice = parseToolChoice(value, at);
  },
  parallel_tool_calls: ({ request }, value, at) => {
    request.parallelToolCalls = toBoolean(value, at);
  },
  // Deprecated in favour of tools and tool_choice, which win where both are given.
  functions: [
    "tools",
    (draft, value, at) => {
      const json = draft.json.member("functions");
      const tools = toArray(value, at, maxTools).map((tool, i) => {
        const definition = parseFunction(toObject(tool, at.at(i)), at.at(i), json?.element(i), draft);
        return create(ToolSchema, { kind: { case: "function", value: definition } });
      });
      if (isSet(draft.request.tools[0])) return;
      draft.request.tools = tools;
      draft.legacyFunctions = true;
    },
  ],
  function_call: [
    "tool_choice",
    ({ request }, value, at) => {
      request.toolChoice ??=
        typeof value === "string" ? modeChoice(value, at) : namedChoice(toObject(value, at).name, at.at("name"));
    },
  ],
  response_format: ({ request, json }, value, at) => {
    request.responseFormat = toResponseFormat(value, at, json.member("response_format"));
  },
  web_search_options: [
    "web_search",
    ({ request, unknown }, value, at) => {
      request.webSearch = toWebSearchOptions(toObject(value, at), at, { unknown });
    },
  ],
};

const maxTools = 1_024;

function parseTools(value: unknown, place: Place, json: JsonSlice | undefined, notes: ParseNotes): Tool[] {
  const names = new Set<string>();
  return toArray(value, place, maxTools).map((entry, i) => {
    const at = place.at(i);
    const tool = parseTool(toObject(entry, at), at, json?.element(i), notes);
    if (tool.kind.case === "function" || tool.kind.case === "custom") {
      const { name } = tool.kind.value;
      if (names.has(name)) throw invalid(at.at(tool.kind.case).at("name"), "must be unique among the tools.");
      names.add(name);
    }
    return tool;
  });
}

function parseTool(entry: JsonObject, place: Place, json: JsonSlice | undefined, notes: ParseNotes): Tool {
  const tool = create(ToolSchema, { kind: parseKind(entry, place, json, notes) });
  const cache = cacheMarkOf(entry, place);
  if (cache) tool.cache = cache;
  if (isSet(entry.defer_loading)) tool.deferLoading = toBoolean(entry.defer_loading, place.at("defer_loading"));
  return tool;
}

function parseKind(entry: JsonObject, place: Place, json: JsonSlice | undefined, notes: ParseNotes): Tool["kind"] {
  const type = toWord(entry.type, place.at("type", ""), 128);
  if (type === "function" || type === "custom") {
    noteUnknown(entry, knownMembers[type], place, notes);
    const at = place.at(type);
    const definition = toObject(entry[type], at);
    return type === "function"
      ? { case: "function", value: parseFunction(definition, at, json?.member(type), notes) }
      : { case: "custom", value: parseCustom(definition, at) };
  }
  // A misspelt 'function' would otherwise pass as a tool that some provider may know.
  if (isSet(entry.function) || isSet(entry.custom) || !/^[a-z][a-z0-9_.:-]*$/.test(type)) {
    throw invalid(place.at("type", ""), "must be 'function', 'custom' or the type of a provider's own tool.");
  }
  if (type.startsWith("web_search")) {
    const options = toWebSearchOptions(entry, place.at("", "web_search.options"), notes);
    // A dated type pins the provider's version of the tool.
    const version = /_\d{8}$/.test(type) ? type : "";
    return { case: "webSearch", value: { $typeName: "trunkline.v1.WebSearchTool", options, version } };
  }
  return { case: "hosted", value: parseHosted(type, entry, place, json) };
}

const marks = ["type", "cache_control", "prompt_cache_breakpoint", "defer_loading"];
const knownMembers = {
  function: new Set([...marks, "function"]),
  custom: new Set([...marks, "custom"]),
};
const knownOfFunction = new Set(["name", "description", "parameters", "strict"]);

const toolName = /^[A-Za-z0-9_.:-]{1,128}$/;
const maxDescriptionBytes = 65_536;
const maxSchemaBytes = 1_048_576;

function parseFunction(definition: JsonObject, place: Place, json: JsonSlice | undefined, notes: ParseNotes) {
  noteUnknown(definition, knownOfFunction, place, notes);
  const tool = create(FunctionToolSchema, { name: toToolName(definition.name, place) });
  if (isSet(definition.description)) tool.description = toDescription(definition.description, place);
  if (isSet(definition.strict)) tool.strict = toBoolean(definition.strict, place.at("strict"));
  if (isSet(definition.parameters)) {
    const at = place.at("parameters", "parameters_schema");
    toObject(definition.parameters, at);
    tool.parametersSchema = bounded(json?.member("parameters")?.text, at, maxSchemaBytes);
  }
  return tool;
}

function parseCustom(definition: JsonObject, place: Place) {
  const tool = create(CustomToolSchema, { name: toToolName(definition.name, place) });
  if (isSet(definition.description)) tool.description = toDescription(definition.description, place);
  if (!isSet(definition.format)) return tool;
  const at = place.at("format", "grammar");
  const format = toObject(definition.format, at);
  if (toChoice(format.type, at.at("type", ""), ["text", "grammar"]) === "text") return tool;
  const grammar = toObject(format.grammar, at.at("grammar", ""));
  tool.grammar = create(GrammarSchema, {
    syntax: toWord(grammar.syntax, at.at("grammar", "").at("syntax"), 64),
    definition: bounded(grammar.definition, at.at("grammar", "").at("definition"), maxGrammarBytes),
  });
  return tool;
}

const maxGrammarBytes = 262_144;

/** A tool that the provider runs: its settings are kept as the caller wrote them. */
export function parseHosted(type: string, entry: JsonObject, place: Place, json: JsonSlice | undefined) {
  const name = isSet(entry.name) ? toWord(entry.name, place.at("name", "hosted.name"), 256) : "";
  const settings = Object.keys(entry).filter((key) => key !== "name" && !marks.includes(key));
  const options = settings.map((key) => `${JSON.stringify(key)}:${json?.member(key)?.text ?? "null"}`);
  const optionsJson = bounded(`{${options.join(",")}}`, place.at("", "hosted.options_json"), maxDescriptionBytes);
  return create(HostedToolSchema, { type, name, optionsJson });
}

export function toToolName(value: unknown, place: Place): string {
  if (typeof value === "string" && toolName.test(value)) return value;
  throw invalid(place.at("name"), "must have 1 to 128 letters, digits, '_', '-', '.' or ':'.");
}

export function toDescription(value: unknown, place: Place): string {
  return bounded(value, place.at("description"), maxDescriptionBytes);
}

export function bounded(value: unknown, place: Place, mostBytes: number): string {
  const text = toText(value, place);
  if (Buffer.byteLength(text) > mostBytes) throw invalid(place, `must have at most ${mostBytes} bytes.`);
  return text;
}

const modes = { auto: ToolChoiceMode.AUTO, none: ToolChoiceMode.NONE, required: ToolChoiceMode.REQUIRED } as const;

function parseToolChoice(value: unknown, place: Place): ToolChoice {
  if (typeof value === "string") return modeChoice(value, place);
  const choice = toObject(value, place);
  const type = toChoice(choice.type, place.at("type", ""), ["function", "custom", "allowed_tools"]);
  const at = place.at(type, "");
  const detail = toObject(choice[type], at);
  if (type !== "allowed_tools") return namedChoice(detail.name, at.at("name", "tool_name"));
  const mode = modes[toChoice(detail.mode, at.at("mode", "allowed.mode"), ["auto", "required"])];
  const toolsAt = at.at("tools", "allowed.names");
  const tools = toArray(detail.tools, toolsAt, maxTools);
  if (tools.length === 0) throw invalid(toolsAt, "must not be empty.");
  const names = tools.map((entry, i) => allowedName(toObject(entry, toolsAt.at(i)), toolsAt.at(i)));
  const allowed = create(AllowedToolsSchema, { mode, names });
  return create(ToolChoiceSchema, { kind: { case: "allowed", value: allowed } });
}

/** A tool named in full (`{type, function: {name}}`) or, for a provider's own tool, by its type. */
function allowedName(entry: JsonObject, place: Place): string {
  const type = toWord(entry.type, place.at("type", ""), 256);
  if (type !== "function" && type !== "custom") return type;
  return toWord(toObject(entry[type], place.at(type, "")).name, place.at(type, "").at("name", ""), 256);
}

function modeChoice(value: string, place: Place): ToolChoice {
  const mode = modes[toChoice(value, place, ["none", "auto", "required"])];
  return create(ToolChoiceSchema, { kind: { case: "mode", value: mode } });
}

function namedChoice(name: unknown, place: Place): ToolChoice {
  return create(ToolChoiceSchema, { kind: { case: "toolName", value: toWord(name, place, 256) } });
}
