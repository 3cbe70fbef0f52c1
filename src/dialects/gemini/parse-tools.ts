import { create } from "@bufbuild/protobuf";
import {
  AllowedToolsSchema,
  FunctionToolSchema,
  HostedToolSchema,
  type Tool,
  type ToolChoice,
  ToolChoiceMode,
  ToolChoiceSchema,
  ToolSchema,
  WebSearchOptionsSchema,
  WebSearchToolSchema,
} from "../../../gen/trunkline/v1/tool_pb.ts";
import { invalid, Place, toObject, toWord } from "../json-read.ts";
import type { Parsing } from "./gemini-parsing.ts";
import { toJsonSchema } from "./parse-schema.ts";
import { type Element, enumWord, ProtoObject } from "./proto-object.ts";

const maxTools = 1_024;
const maxDescriptionBytes = 65_536;
const maxSchemaBytes = 1_048_576;
const toolName = /^[A-Za-z0-9_.:-]{1,128}$/;

/** Reads `tools`: each entry may hold functions of the caller and tools that the provider runs. */
export function parseTools(root: ProtoObject, parsing: Parsing): void {
  const tools: Tool[] = [];
  const names = new Set<string>();
  for (const { value, place, json } of root.list("tools", "tools", maxTools) ?? []) {
    const entry = new ProtoObject(value, place, json);
    for (const element of entry.list("functionDeclarations", "function", maxTools) ?? []) {
      tools.push(parseFunction(element, tools.length, names, parsing));
    }
    for (const name of entry.names)
      if (name !== "functionDeclarations") tools.push(...parseHosted(name, entry, parsing));
  }
  if (tools.length > maxTools) throw invalid(root.at("tools", "tools"), `must offer at most ${maxTools} tools.`);
  parsing.request.tools = tools;
}

function parseFunction({ value, place, json }: Element, at: number, names: Set<string>, parsing: Parsing): Tool {
  const here = Place.root.at(place.param, `tools[${at}].function`);
  const declared = new ProtoObject(value, here, json);
  const name = declared.text("name", "name");
  if (name === undefined || !toolName.test(name)) {
    throw invalid(declared.at("name", "name"), "must have 1 to 128 letters, digits, '_', '-', '.' or ':'.");
  }
  if (names.has(name)) throw invalid(declared.at("name", "name"), "must be unique among the functions.");
  names.add(name);
  const tool = create(FunctionToolSchema, { name });
  tool.description = bounded(
    declared.text("description", "description") ?? "",
    declared.at("description", "description"),
    maxDescriptionBytes,
  );
  tool.parametersSchema = schemaOf(declared, "parameters", "parameters_schema") ?? "";
  const output = schemaOf(declared, "response", "output_schema");
  if (output !== undefined) tool.outputSchema = output;
  declared.noteRest(parsing);
  return create(ToolSchema, { kind: { case: "function", value: tool } });
}

/** A schema in Google's subset of OpenAPI under the name, or as JSON Schema under the name with `JsonSchema`. */
function schemaOf(declared: ProtoObject, name: "parameters" | "response", field: string): string | undefined {
  const json = `${name}JsonSchema`;
  if (declared.has(name) && declared.has(json)) {
    throw invalid(declared.at(json, field), `cannot stand beside ${name}: set one of them.`);
  }
  const given = declared.has(json) ? json : name;
  const value = declared.get(given);
  if (value === undefined) return undefined;
  const at = declared.at(given, field);
  const schema = toObject(value, at);
  return bounded(
    given === json ? (declared.slice(json)?.text ?? "{}") : JSON.stringify(toJsonSchema(schema)),
    at,
    maxSchemaBytes,
  );
}

function bounded(text: string, place: Place, mostBytes: number): string {
  if (Buffer.byteLength(text) > mostBytes) throw invalid(place, `must have at most ${mostBytes} bytes.`);
  return text;
}

/** A tool that the provider runs, by the member that it is: its settings are kept as the caller wrote them. */
function parseHosted(name: string, entry: ProtoObject, parsing: Parsing): readonly Tool[] {
  if (name === "googleSearch" || name === "googleSearchRetrieval") return [webSearch(name, entry, parsing)];
  if (name === "mcpServers") {
    return (entry.list(name, "hosted", maxTools) ?? []).map(({ value, place, json }) => {
      const server = new ProtoObject(value, place, json);
      return hosted("mcp", server.word("name", "name", 256, 0) ?? "", json?.text ?? "{}", place);
    });
  }
  const at = entry.at(name, "hosted");
  toObject(entry.get(name), at);
  const type = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return [hosted(toWord(type, at, 128), "", entry.slice(name)?.text ?? "{}", at)];
}

function hosted(type: string, name: string, options: string, place: Place): Tool {
  const optionsJson = bounded(options, place.at("", "options_json"), maxDescriptionBytes);
  const value = create(HostedToolSchema, { type, name, optionsJson });
  return create(ToolSchema, { kind: { case: "hosted", value } });
}

function webSearch(name: string, entry: ProtoObject, parsing: Parsing): Tool {
  const search = entry.object(name, "web_search.options");
  const excluded = search?.list("excludeDomains", "blocked_domains", 100) ?? [];
  const blockedDomains = excluded.map(({ value, place }) => toWord(value, place, 253));
  search?.noteRest(parsing);
  const options = create(WebSearchOptionsSchema, { blockedDomains });
  const value = create(WebSearchToolSchema, blockedDomains.length > 0 ? { options } : {});
  return create(ToolSchema, { kind: { case: "webSearch", value } });
}

/** Reads `toolConfig`. */
export function parseToolConfig(root: ProtoObject, parsing: Parsing): void {
  const config = root.object("toolConfig", "tool_choice");
  if (config === undefined) return;
  // Said by offering both kinds of tools.
  config.flag("includeServerSideToolInvocations", "");
  const calling = config.object("functionCallingConfig", "");
  const choice = calling && parseChoice(calling, parsing);
  if (choice) parsing.request.toolChoice = choice;
  calling?.noteRest(parsing);
  config.noteRest(parsing, parsing.native.toolConfig);
}

const modes: ReadonlyMap<string, ToolChoiceMode> = new Map([
  ["auto", ToolChoiceMode.AUTO],
  ["validated", ToolChoiceMode.AUTO],
  ["any", ToolChoiceMode.REQUIRED],
  ["none", ToolChoiceMode.NONE],
]);

function parseChoice(calling: ProtoObject, parsing: Parsing): ToolChoice | undefined {
  const given = calling.get("mode");
  const at = calling.at("mode", "mode");
  const word = given === undefined ? "" : enumWord(given, at, "MODE_");
  const names = (calling.list("allowedFunctionNames", "allowed.names", maxTools) ?? []).map(({ value, place }) =>
    toWord(value, place, 256),
  );
  if (word === "" && names.length === 0) return undefined;
  const mode = modes.get(word || "auto");
  if (mode === undefined) throw invalid(at, "must be one of 'AUTO', 'ANY', 'NONE', 'VALIDATED'.");
  // Calls that keep to their schemas are asked for tool by tool in the contract, and in a narrower subset of schemas.
  if (word === "validated") parsing.unknown.push(at.param);
  const [only, ...others] = names;
  if (only === undefined || mode === ToolChoiceMode.NONE) {
    return create(ToolChoiceSchema, { kind: { case: "mode", value: mode } });
  }
  if (mode === ToolChoiceMode.REQUIRED && others.length === 0) {
    return create(ToolChoiceSchema, { kind: { case: "toolName", value: only } });
  }
  const value = create(AllowedToolsSchema, { mode, names });
  return create(ToolChoiceSchema, { kind: { case: "allowed", value } });
}
