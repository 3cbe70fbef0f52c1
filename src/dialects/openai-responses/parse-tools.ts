import { create } from "@bufbuild/protobuf";
import {
  AllowedToolsSchema,
  CustomToolSchema,
  FunctionToolSchema,
  GrammarSchema,
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
  toWord,
} from "../json-read.ts";
import type { JsonSlice } from "../json-slice.ts";
import { bounded, parseHosted, toDescription, toToolName } from "../openai-chat/parse-tools.ts";
import { toWebSearchOptions } from "../openai-chat/parse-web-search.ts";
import type { ResponsesTable } from "./responses-draft.ts";

/** What the model may call. Tools are flat here: their members stand beside their type. */
export const toolsTable: ResponsesTable = {
  tools: (draft, value, at) => {
    draft.request.tools = parseTools(value, at, draft.json.member("tools"), draft);
  },
  tool_choice: ({ request }, value, at) => {
    request.toolChoice = parseToolChoice(value, at);
  },
  parallel_tool_calls: ({ request }, value, at) => {
    request.parallelToolCalls = toBoolean(value, at);
  },
};

const maxTools = 1_024;

function parseTools(value: unknown, place: Place, json: JsonSlice | undefined, notes: ParseNotes): Tool[] {
  const names = new Set<string>();
  return toArray(value, place, maxTools).map((entry, i) => {
    const at = place.at(i);
    const tool = parseTool(toObject(entry, at), at, json?.element(i), notes);
    if (tool.kind.case === "function" || tool.kind.case === "custom") {
      const { name } = tool.kind.value;
      if (names.has(name)) throw invalid(at.at("name", `${tool.kind.case}.name`), "must be unique among the tools.");
      names.add(name);
    }
    return tool;
  });
}

function parseTool(entry: JsonObject, place: Place, json: JsonSlice | undefined, notes: ParseNotes): Tool {
  const tool = create(ToolSchema, { kind: parseKind(entry, place, json, notes) });
  if (tool.kind.case !== "function" && tool.kind.case !== "custom") return tool;
  if (isSet(entry.defer_loading)) tool.deferLoading = toBoolean(entry.defer_loading, place.at("defer_loading"));
  if (isSet(entry.allowed_callers)) {
    const at = place.at("allowed_callers");
    tool.allowedCallers = toArray(entry.allowed_callers, at, 16).map((name, i) => toWord(name, at.at(i), 128));
  }
  return tool;
}

const shared = ["type", "name", "description", "defer_loading", "allowed_callers"];
const knownOfFunction = new Set([...shared, "parameters", "strict", "output_schema"]);
const knownOfCustom = new Set([...shared, "format"]);

function parseKind(entry: JsonObject, place: Place, json: JsonSlice | undefined, notes: ParseNotes): Tool["kind"] {
  const type = toWord(entry.type, place.at("type", ""), 128);
  if (type === "function") {
    noteUnknown(entry, knownOfFunction, place, notes);
    return { case: "function", value: parseFunction(entry, place.at("", "function"), json) };
  }
  if (type === "custom") {
    noteUnknown(entry, knownOfCustom, place, notes);
    return { case: "custom", value: parseCustom(entry, place.at("", "custom")) };
  }
  if (!/^[a-z][a-z0-9_.:-]*$/.test(type)) {
    throw invalid(place.at("type", ""), "must be 'function', 'custom' or the type of a provider's own tool.");
  }
  if (type.startsWith("web_search")) {
    const options = toWebSearchOptions(entry, place.at("", "web_search.options"), notes);
    const version = type === "web_search" ? "" : type;
    return { case: "webSearch", value: { $typeName: "trunkline.v1.WebSearchTool", options, version } };
  }
  return { case: "hosted", value: parseHosted(type, entry, place, json) };
}

const maxSchemaBytes = 1_048_576;

function parseFunction(entry: JsonObject, place: Place, json: JsonSlice | undefined) {
  const tool = create(FunctionToolSchema, { name: toToolName(entry.name, place) });
  if (isSet(entry.description)) tool.description = toDescription(entry.description, place);
  if (isSet(entry.strict)) tool.strict = toBoolean(entry.strict, place.at("strict"));
  const schemaOf = (name: string, field: string) => {
    const at = place.at(name, field);
    toObject(entry[name], at);
    return bounded(json?.member(name)?.text, at, maxSchemaBytes);
  };
  if (isSet(entry.parameters)) tool.parametersSchema = schemaOf("parameters", "parameters_schema");
  if (isSet(entry.output_schema)) tool.outputSchema = schemaOf("output_schema", "output_schema");
  return tool;
}

const maxGrammarBytes = 262_144;

function parseCustom(entry: JsonObject, place: Place) {
  const tool = create(CustomToolSchema, { name: toToolName(entry.name, place) });
  if (isSet(entry.description)) tool.description = toDescription(entry.description, place);
  if (!isSet(entry.format)) return tool;
  const at = place.at("format", "grammar");
  const format = toObject(entry.format, at);
  if (toChoice(format.type, at.at("type", ""), ["text", "grammar"]) === "text") return tool;
  tool.grammar = create(GrammarSchema, {
    syntax: toWord(format.syntax, at.at("syntax"), 64),
    definition: bounded(format.definition, at.at("definition"), maxGrammarBytes),
  });
  return tool;
}

const modes = { auto: ToolChoiceMode.AUTO, none: ToolChoiceMode.NONE, required: ToolChoiceMode.REQUIRED } as const;

function parseToolChoice(value: unknown, place: Place): ToolChoice {
  if (typeof value === "string") {
    const mode = modes[toChoice(value, place, ["none", "auto", "required"])];
    return create(ToolChoiceSchema, { kind: { case: "mode", value: mode } });
  }
  const choice = toObject(value, place);
  if (choice.type !== "allowed_tools") {
    return create(ToolChoiceSchema, { kind: { case: "toolName", value: toReference(choice, place, "tool_name") } });
  }
  const mode = modes[toChoice(choice.mode, place.at("mode", "allowed.mode"), ["auto", "required"])];
  const at = place.at("tools", "allowed.names");
  const tools = toArray(choice.tools, at, maxTools);
  if (tools.length === 0) throw invalid(at, "must not be empty.");
  const names = tools.map((entry, i) => toReference(toObject(entry, at.at(i)), at.at(i), ""));
  return create(ToolChoiceSchema, { kind: { case: "allowed", value: create(AllowedToolsSchema, { mode, names }) } });
}

/** A tool of the caller's by its name; a provider's own tool by its type. */
function toReference(entry: JsonObject, place: Place, field: string): string {
  const type = toWord(entry.type, place.at("type", field), 256);
  return type === "function" || type === "custom" ? toWord(entry.name, place.at("name", field), 256) : type;
}
