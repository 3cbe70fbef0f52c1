import type { Prompt, PromptTool } from "../compose.ts";
import { type Fields, isFields, isStrings } from "../json.ts";
import { invalid, unknownMember } from "./errors.ts";

/** The tools of a request, and what may be called. */
export interface Offer {
  readonly tools: readonly PromptTool[];
  readonly toolChoice: Prompt["toolChoice"];
  /** Whether tools that Google runs are offered. They are taken, and not simulated. */
  readonly hosted: boolean;
}

const hostedMembers =
  "googleSearch googleSearchRetrieval codeExecution urlContext fileSearch googleMaps computerUse mcpServers".split(" ");

export function readTools(tools: unknown, toolConfig: unknown): Offer {
  if (tools !== undefined && !Array.isArray(tools)) throw invalid("Invalid value at 'tools'", "tools");
  const list: readonly unknown[] = tools ?? [];
  const offered: PromptTool[] = [];
  let hosted = false;
  for (const [i, tool] of list.entries()) {
    if (!isFields(tool)) throw invalid(`Invalid value at 'tools[${i}]' (Tool)`, `tools[${i}]`);
    for (const [name, value] of Object.entries(tool)) {
      if (name === "functionDeclarations" && Array.isArray(value)) {
        for (const [j, one] of value.entries())
          offered.push(readFunction(one, `tools[${i}].function_declarations[${j}]`));
      } else if (hostedMembers.includes(name)) hosted = true;
      else throw unknownMember(name, `tools[${i}]`);
    }
  }
  const names = offered.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw invalid(`Duplicate function declaration found: ${twice}`);
  return { ...chosen(offered, toolConfig), hosted };
}

const functionMembers = "name description parameters parametersJsonSchema response responseJsonSchema behavior".split(
  " ",
);
const schemaMembers = new Set(
  (
    "type format title description nullable enum items maxItems minItems properties required minProperties " +
    "maxProperties minLength maxLength pattern example anyOf propertyOrdering default minimum maximum"
  ).split(" "),
);

function readFunction(tool: unknown, at: string): PromptTool {
  if (!isFields(tool)) throw invalid(`Invalid value at '${at}' (FunctionDeclaration)`, at);
  const unknown = Object.keys(tool).find((name) => !functionMembers.includes(name));
  if (unknown !== undefined) throw unknownMember(unknown, at);
  const { name, parameters, parametersJsonSchema } = tool;
  if (typeof name !== "string" || !/^[A-Za-z_][\w.:-]{0,127}$/.test(name)) {
    throw invalid(
      `* GenerateContentRequest.${at}.name: Invalid function name. Must start with a letter or an underscore. Must be ` +
        "alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.\n",
      `${at}.name`,
    );
  }
  if (parameters !== undefined && parametersJsonSchema !== undefined) {
    throw invalid(`${at}: parameters and parameters_json_schema are mutually exclusive.`, at);
  }
  if (parameters !== undefined) checkSchema(parameters, `${at}.parameters`);
  const schema = parameters === undefined ? parametersJsonSchema : toJsonSchema(parameters);
  return { name, schema: schema ?? { type: "object", properties: {} } };
}

/** Whether a schema is within the subset of OpenAPI: what is not is an unknown name. */
export function checkSchema(schema: unknown, at: string): void {
  if (!isFields(schema)) throw invalid(`Invalid value at '${at}' (Schema)`, at);
  const unknown = Object.keys(schema).find((name) => !schemaMembers.has(name));
  if (unknown !== undefined) throw unknownMember(unknown, at);
  if (schema.type !== undefined && typeof schema.type !== "string") {
    throw invalid(`Proto field is not repeating, cannot start list: '${at}.type'`, at);
  }
  if (schema.enum !== undefined && !isStrings(schema.enum)) {
    throw invalid(`Invalid value at '${at}.enum[0]' (TYPE_STRING)`, at);
  }
  if (String(schema.type).toLowerCase() === "object" && isFields(schema.properties)) {
    if (Object.keys(schema.properties).length === 0) {
      throw invalid(`* ${at}.properties: should be non-empty for OBJECT type\n`, at);
    }
  }
  for (const [name, one] of Object.entries(isFields(schema.properties) ? schema.properties : {})) {
    checkSchema(one, `${at}.properties[${name}]`);
  }
  if (schema.items !== undefined) checkSchema(schema.items, `${at}.items`);
  if (Array.isArray(schema.anyOf)) for (const one of schema.anyOf) checkSchema(one, `${at}.any_of`);
}

/** The same schema with types in lower case: either is taken here. */
export function toJsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(toJsonSchema);
  if (!isFields(schema)) return schema;
  const members = Object.entries(schema).map(([name, value]) => {
    return [name, name === "type" && typeof value === "string" ? value.toLowerCase() : toJsonSchema(value)];
  });
  return Object.fromEntries(members);
}

const configMembers = ["functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"];

function chosen(tools: readonly PromptTool[], toolConfig: unknown): Pick<Offer, "tools" | "toolChoice"> {
  if (toolConfig === undefined) return { tools, toolChoice: "auto" };
  if (!isFields(toolConfig)) throw invalid("Invalid value at 'tool_config' (ToolConfig)", "tool_config");
  const unknown = Object.keys(toolConfig).find((name) => !configMembers.includes(name));
  if (unknown !== undefined) throw unknownMember(unknown, "tool_config");
  const config: Fields = isFields(toolConfig.functionCallingConfig) ? toolConfig.functionCallingConfig : {};
  const { mode = "AUTO", allowedFunctionNames: names } = config;
  if (names !== undefined && !isStrings(names)) throw invalid("Invalid value at 'allowed_function_names'");
  if (names !== undefined && mode !== "ANY" && mode !== "VALIDATED") {
    throw invalid("Function calling mode must be ANY or VALIDATED when allowed function names are specified.");
  }
  const missing = names?.find((name) => !tools.some((tool) => tool.name === name));
  if (missing !== undefined) throw invalid(`allowed_function_names: ${missing} is not a declared function.`);
  const allowed = names === undefined ? tools : tools.filter(({ name }) => names.includes(name));
  switch (mode) {
    case "AUTO":
    case "VALIDATED":
      return { tools: allowed, toolChoice: "auto" };
    case "NONE":
      return { tools: allowed, toolChoice: "none" };
    case "ANY":
      return { tools: allowed, toolChoice: "required" };
    default:
      throw invalid(`Invalid value at 'tool_config.function_calling_config.mode': "${String(mode)}"`);
  }
}
