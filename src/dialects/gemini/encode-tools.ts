import {
  type CustomTool,
  type FunctionTool,
  type HostedTool,
  type Tool,
  ToolChoiceMode,
  type WebSearchOptions,
} from "../../../gen/trunkline/v1/tool_pb.ts";
import { invalidValue, membersOf, objectText } from "../json-splice.ts";
import { type JsonMembers, type JsonTree, RawJson } from "../json-text.ts";
import { toSchema } from "./encode-schema.ts";
import { type Draft, unsupported } from "./gemini-draft.ts";

/** `tools` and `toolConfig`, as far as there are any. */
export function toTools(draft: Draft): JsonMembers {
  const { request, rules } = draft;
  const functions: JsonMembers[] = [];
  const hosted: JsonMembers[] = [];
  for (const [i, tool] of request.tools.entries()) addTool(tool, `tools[${i}]`, { functions, hosted }, draft);
  const isSearching = request.tools.some((tool) => tool.kind.case === "webSearch");
  if (request.webSearch && !isSearching) hosted.push(webSearch(request.webSearch, "web_search", draft));
  const both = functions.length > 0 && hosted.length > 0;
  if (both && !rules.combines) {
    throw unsupported("tools", "hold functions and tools of the provider. This model takes one or the other.");
  }
  const functionCallingConfig = toChoice(draft, functions);
  // On Vertex both go together without a word.
  const included = both && draft.platform === "developer" ? { includeServerSideToolInvocations: true } : {};
  const toolConfig = { ...(functionCallingConfig && { functionCallingConfig }), ...included };
  const tools = [...(functions.length > 0 ? [{ functionDeclarations: functions }] : []), ...hosted];
  return {
    ...(tools.length > 0 && { tools }),
    ...(Object.keys(toolConfig).length > 0 && { toolConfig }),
  };
}

/** Names of the caller's custom tools: their calls come back as functions with one string. */
export function customToolNames({ request }: Draft): ReadonlySet<string> {
  return new Set(request.tools.flatMap(({ kind }) => (kind.case === "custom" ? [kind.value.name] : [])));
}

interface Offered {
  readonly functions: JsonMembers[];
  readonly hosted: JsonMembers[];
}

function addTool(tool: Tool, field: string, { functions, hosted }: Offered, draft: Draft): void {
  const { losses } = draft;
  if (tool.cache) losses.drop(`${field}.cache`, "this provider caches prefixes by itself.");
  if (tool.deferLoading !== undefined) losses.drop(`${field}.defer_loading`, "this provider loads every tool.");
  if (tool.allowedCallers.length > 0) losses.drop(`${field}.allowed_callers`, "this provider has no such choice.");
  const { kind } = tool;
  switch (kind.case) {
    case "function":
      functions.push(toFunction(kind.value, `${field}.function`, draft));
      return;
    case "custom":
      functions.push(toCustom(kind.value, `${field}.custom`, draft));
      return;
    case "webSearch":
      if (kind.value.version) losses.drop(`${field}.web_search.version`, "this provider has one version.");
      hosted.push(webSearch(kind.value.options, `${field}.web_search.options`, draft));
      return;
    case "hosted":
      hosted.push(toHosted(kind.value, `${field}.hosted`, draft));
      return;
    default:
      throw invalidValue(field, "has no kind that this gateway knows.");
  }
}

function toFunction(tool: FunctionTool, field: string, draft: Draft): JsonMembers {
  const { losses, rules } = draft;
  if (tool.inputExamplesJson.length > 0)
    losses.drop(`${field}.input_examples_json`, "this provider reads no examples.");
  if (tool.strict && !rules.jsonSchema) losses.drop(`${field}.strict`, "this model enforces no schemas of arguments.");
  return {
    name: draft.names.toWire(tool.name),
    ...(tool.description && { description: tool.description }),
    ...schemaMembers(tool.parametersSchema, `${field}.parameters_schema`, "parameters", draft),
    ...(tool.outputSchema !== undefined &&
      schemaMembers(tool.outputSchema, `${field}.output_schema`, "response", draft)),
  };
}

/** A schema under the name that fits its form; a function without parameters has none at all. */
function schemaMembers(text: string, field: string, role: "parameters" | "response", draft: Draft): JsonMembers {
  const members = membersOf(text, field);
  const takesNothing = role === "parameters" && isEmptyObject(members);
  if (takesNothing) return {};
  if (!draft.rules.jsonSchema) return { [role]: toSchema(text, field, draft.losses) };
  return { [role === "parameters" ? "parametersJsonSchema" : "responseJsonSchema"]: objectText(text, field) };
}

/** Whether an object schema allows no members: the provider refuses objects without properties. */
function isEmptyObject({ $schema: _, title: __, ...members }: JsonMembers): boolean {
  const textOf = (tree: JsonTree | undefined) =>
    tree instanceof RawJson ? tree.text.replaceAll(/\s/g, "") : undefined;
  return Object.entries(members).every(([name, value]) => {
    const text = textOf(value);
    if (name === "type") return text === '"object"';
    if (name === "properties") return text === "{}";
    return (name === "required" && text === "[]") || (name === "additionalProperties" && text === "false");
  });
}

/** Free text has no counterpart: the tool becomes a function with one string, and its calls are turned back. */
function toCustom(tool: CustomTool, field: string, draft: Draft): JsonMembers {
  draft.losses.approximate(field, "sent as a function with one string, 'input'; its calls come back as free text.");
  const grammar =
    tool.grammar && `The input must follow this ${tool.grammar.syntax} grammar:\n${tool.grammar.definition}`;
  const description = [tool.description, grammar].filter(Boolean).join("\n\n");
  const input = { type: "string", description: "The tool's input as free text." };
  const schema = { type: "object", properties: { input }, required: ["input"] };
  return {
    name: draft.names.toWire(tool.name),
    ...(description && { description }),
    ...(draft.rules.jsonSchema ? { parametersJsonSchema: schema } : { parameters: schema }),
  };
}

function webSearch(options: WebSearchOptions | undefined, field: string, { losses, platform }: Draft): JsonMembers {
  const unsaid = [
    ["allowed_domains", (options?.allowedDomains.length ?? 0) > 0],
    ["blocked_domains", (options?.blockedDomains.length ?? 0) > 0 && platform === "developer"],
    ["user_location", options?.userLocation !== undefined],
    ["context_size", options?.contextSize !== undefined],
    ["max_uses", options?.maxUses !== undefined],
  ] as const;
  for (const [name, isSet] of unsaid) {
    if (isSet) losses.drop(`${field}.${name}`, "this provider's search has no such setting.");
  }
  const excluded = platform === "vertex" ? (options?.blockedDomains ?? []) : [];
  return { googleSearch: excluded.length > 0 ? { excludeDomains: excluded } : {} };
}

function toHosted(tool: HostedTool, field: string, { losses }: Draft): JsonMembers {
  const type = hostedTypes.get(tool.type);
  if (type === undefined) {
    throw unsupported(`${field}.type`, `is '${tool.type}'. Allowed are ${[...hostedTypes.keys()].join(", ")}.`);
  }
  const options = membersOf(tool.optionsJson, `${field}.options_json`);
  if (type === "mcpServers") return { mcpServers: [{ ...(tool.name && { name: tool.name }), ...options }] };
  if (tool.name !== "") losses.drop(`${field}.name`, "this provider's tools have no names of the caller's.");
  return { [type]: options };
}

/** The contract's words and the provider's own → members of a tool. */
const hostedTypes: ReadonlyMap<string, string> = new Map(
  ["googleSearch", "codeExecution", "urlContext", "fileSearch", "googleMaps", "computerUse", "enterpriseWebSearch"]
    .flatMap((member) => [
      [member.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), member] as const,
      [member, member] as const,
    ])
    .concat([
      ["web_fetch", "urlContext"],
      ["mcp", "mcpServers"],
    ]),
);

/** @throws GatewayError `invalid_value` when a tool is forced that is not offered */
function toChoice(draft: Draft, functions: readonly JsonMembers[]): JsonMembers | undefined {
  const { request, rules, names } = draft;
  const kind = request.toolChoice?.kind;
  const strict =
    rules.jsonSchema && request.tools.some((tool) => tool.kind.case === "function" && tool.kind.value.strict);
  switch (kind?.case) {
    case "mode":
      return byMode(kind.value, "tool_choice.mode", functions, strict);
    case "allowed": {
      const { mode } = kind.value;
      if (mode === ToolChoiceMode.NONE) return { mode: "NONE" };
      const allowed = { allowedFunctionNames: kind.value.names.map((name) => names.toWire(name)) };
      if (mode === ToolChoiceMode.REQUIRED)
        return { mode: "ANY", ...offered(functions, "tool_choice.allowed"), ...allowed };
      // AUTO takes no list of names; VALIDATED leaves the choice to the model as well.
      return { mode: "VALIDATED", ...allowed };
    }
    case "toolName": {
      const name = names.toWire(kind.value);
      if (functions.some((tool) => tool.name === name)) return { mode: "ANY", allowedFunctionNames: [name] };
      throw invalidValue("tool_choice.tool_name", "must be the name of one of the tools.");
    }
    default:
      return strict ? { mode: "VALIDATED" } : undefined;
  }
}

function byMode(
  mode: ToolChoiceMode,
  field: string,
  functions: readonly JsonMembers[],
  strict: boolean,
): JsonMembers | undefined {
  if (mode === ToolChoiceMode.REQUIRED) return { mode: "ANY", ...offered(functions, field) };
  if (functions.length === 0) return undefined;
  if (mode === ToolChoiceMode.NONE) return { mode: "NONE" };
  return { mode: strict ? "VALIDATED" : "AUTO" };
}

function offered(functions: readonly JsonMembers[], field: string): Record<string, never> {
  if (functions.length === 0) throw invalidValue(field, "demands a tool call, but no function is offered.");
  return {};
}
