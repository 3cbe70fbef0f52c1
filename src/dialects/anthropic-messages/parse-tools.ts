import { create } from "@bufbuild/protobuf";
import {
  FunctionToolSchema,
  HostedToolSchema,
  type Tool,
  ToolChoiceMode,
  ToolChoiceSchema,
  ToolSchema,
} from "../../../gen/trunkline/v1/tool_pb.ts";
import type { JsonObject } from "../json-body.ts";
import {
  invalid,
  isSet,
  noteUnknown,
  type Place,
  toArray,
  toBoolean,
  toChoice,
  toObject,
  toText,
  toWord,
} from "../json-read.ts";
import type { JsonSlice } from "../json-slice.ts";
import { cacheMarkOf } from "../openai-chat/parse-cache.ts";
import { toWebSearchOptions } from "../openai-chat/parse-web-search.ts";
import type { MessagesDraft, MessagesTable } from "./messages-draft.ts";

/** What the model may call. */
export const toolsTable: MessagesTable = {
  tools: (draft, value, at) => {
    draft.request.tools = parseTools(value, at, draft.json.member("tools"), draft);
  },
  tool_choice: ({ request, unknown }, value, at) => {
    const choice = toObject(value, at);
    const type = toChoice(choice.type, at.at("type", "mode"), ["auto", "any", "tool", "none"]);
    noteUnknown(choice, knownOfChoice, at, { unknown });
    request.toolChoice =
      type === "tool"
        ? create(ToolChoiceSchema, {
            kind: { case: "toolName", value: toWord(choice.name, at.at("name", "tool_name"), 256) },
          })
        : create(ToolChoiceSchema, { kind: { case: "mode", value: modes[type] } });
    if (!isSet(choice.disable_parallel_tool_use)) return;
    const serial = toBoolean(choice.disable_parallel_tool_use, at.at("disable_parallel_tool_use", ""));
    if (serial) request.parallelToolCalls = false;
  },
};

const modes = { auto: ToolChoiceMode.AUTO, any: ToolChoiceMode.REQUIRED, none: ToolChoiceMode.NONE } as const;
const knownOfChoice = new Set(["type", "name", "disable_parallel_tool_use"]);

const maxTools = 1_024;

function parseTools(value: unknown, place: Place, json: JsonSlice | undefined, draft: MessagesDraft): Tool[] {
  const names = new Set<string>();
  return toArray(value, place, maxTools).map((entry, i) => {
    const at = place.at(i);
    const tool = parseTool(toObject(entry, at), at, json?.element(i), draft);
    if (tool.kind.case === "function") {
      const { name } = tool.kind.value;
      if (names.has(name)) throw invalid(at.at("name", "function.name"), "must be unique among the tools.");
      names.add(name);
    }
    return tool;
  });
}

function parseTool(entry: JsonObject, place: Place, json: JsonSlice | undefined, draft: MessagesDraft): Tool {
  const tool = create(ToolSchema, { kind: parseKind(entry, place, json, draft) });
  const cache = cacheMarkOf(entry, place);
  if (cache) tool.cache = cache;
  if (isSet(entry.defer_loading)) tool.deferLoading = toBoolean(entry.defer_loading, place.at("defer_loading"));
  if (isSet(entry.allowed_callers)) {
    const at = place.at("allowed_callers");
    tool.allowedCallers = toArray(entry.allowed_callers, at, 16).map((name, i) => toWord(name, at.at(i), 128));
  }
  return tool;
}

/** Members of every tool, read into the tool itself. */
const shared = ["type", "name", "cache_control", "defer_loading", "allowed_callers"];
const knownOfFunction = new Set([...shared, "description", "input_schema", "strict", "input_examples"]);

function parseKind(entry: JsonObject, place: Place, json: JsonSlice | undefined, draft: MessagesDraft): Tool["kind"] {
  const type = isSet(entry.type) ? toWord(entry.type, place.at("type", ""), 128) : "custom";
  if (type === "custom") {
    noteUnknown(entry, knownOfFunction, place, draft);
    return { case: "function", value: parseFunction(entry, place.at("", "function"), json) };
  }
  if (/^web_search_\d{8}$/.test(type)) {
    const { allowed_callers: _, ...settings } = entry;
    const options = toWebSearchOptions(settings, place.at("", "web_search.options"), draft);
    return { case: "webSearch", value: { $typeName: "trunkline.v1.WebSearchTool", options, version: type } };
  }
  return { case: "hosted", value: parseHosted(type, entry, place.at("", "hosted"), json) };
}

const maxDescriptionBytes = 65_536;
const maxSchemaBytes = 1_048_576;
const toolName = /^[A-Za-z0-9_.:-]{1,128}$/;

function parseFunction(entry: JsonObject, place: Place, json: JsonSlice | undefined) {
  if (typeof entry.name !== "string" || !toolName.test(entry.name)) {
    throw invalid(place.at("name"), "must have 1 to 128 letters, digits, '_', '-', '.' or ':'.");
  }
  const tool = create(FunctionToolSchema, { name: entry.name });
  const schemaAt = place.at("input_schema", "parameters_schema");
  toObject(entry.input_schema, schemaAt);
  tool.parametersSchema = bounded(json?.member("input_schema")?.text, schemaAt, maxSchemaBytes);
  if (isSet(entry.description)) {
    tool.description = bounded(entry.description, place.at("description"), maxDescriptionBytes);
  }
  if (isSet(entry.strict)) tool.strict = toBoolean(entry.strict, place.at("strict"));
  if (isSet(entry.input_examples)) {
    const at = place.at("input_examples", "input_examples_json");
    const texts = json?.member("input_examples");
    tool.inputExamplesJson = toArray(entry.input_examples, at, 64).map((example, i) => {
      toObject(example, at.at(i));
      return bounded(texts?.element(i)?.text, at.at(i), maxDescriptionBytes);
    });
  }
  return tool;
}

/** A tool that the provider defines or runs: its settings are kept as the caller wrote them. */
function parseHosted(type: string, entry: JsonObject, place: Place, json: JsonSlice | undefined) {
  const name = isSet(entry.name) ? toWord(entry.name, place.at("name"), 256) : "";
  const settings = Object.keys(entry).filter((key) => !shared.includes(key) && isSet(entry[key]));
  const options = settings.map((key) => `${JSON.stringify(key)}:${json?.member(key)?.text ?? "null"}`);
  const optionsJson = bounded(`{${options.join(",")}}`, place.at("", "options_json"), maxDescriptionBytes);
  return create(HostedToolSchema, { type, name, optionsJson });
}

function bounded(value: unknown, place: Place, mostBytes: number): string {
  const text = toText(value, place);
  if (Buffer.byteLength(text) > mostBytes) throw invalid(place, `must have at most ${mostBytes} bytes.`);
  return text;
}
