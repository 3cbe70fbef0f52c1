import type { WebSearchOptions } from "../../../gen/trunkline/v1/tool_pb.ts";
import {
  type CustomTool,
  type FunctionTool,
  type HostedTool,
  type Tool,
  ToolChoiceMode,
  type WebSearchTool,
} from "../../../gen/trunkline/v1/tool_pb.ts";
import { invalidValue, membersOf, objectText } from "../../dialects/json-splice.ts";
import type { JsonMembers, JsonTree } from "../../dialects/json-text.ts";
import { type Draft, unsupported } from "./draft.ts";
import { toSchemaSubset } from "./schema-subset.ts";

/** The tools of a request, restricted to those that the caller allows. */
export function toTools(draft: Draft): JsonMembers[] {
  const { request, losses } = draft;
  const allowed = request.toolChoice?.kind.case === "allowed" ? new Set(request.toolChoice.kind.value.names) : null;
  if (allowed)
    losses.approximate("tool_choice.allowed", "this provider has no such choice; only the allowed tools are sent.");
  const tools: JsonMembers[] = [];
  request.tools.forEach((tool, index) => {
    const field = `tools[${index}]`;
    const block = toTool(tool, field, draft);
    if (allowed && !allowed.has(callerName(tool, block))) return;
    draft.cache.note(block, tool.cache, `${field}.cache`);
    tools.push(block);
  });
  const isSearching = request.tools.some((tool) => tool.kind.case === "webSearch");
  if (request.webSearch && !isSearching) tools.push(webSearch(request.webSearch, "", "web_search", draft));
  return tools;
}

/** Names of the caller's custom tools: their calls come back as functions with one string. */
export function customToolNames({ request }: Draft): ReadonlySet<string> {
  return new Set(request.tools.flatMap(({ kind }) => (kind.case === "custom" ? [kind.value.name] : [])));
}

/** @throws GatewayError `invalid_value` when a tool is forced that is not offered */
export function toToolChoice(draft: Draft, tools: readonly JsonMembers[]): JsonMembers | undefined {
  const { request } = draft;
  const choice = chosen(draft, tools);
  if (tools.length === 0) return undefined;
  if (request.parallelToolCalls !== false || choice?.type === "none") return choice;
  return { ...(choice ?? { type: "auto" }), disable_parallel_tool_use: true };
}

/** A forced call is refused while the model reasons; where it cannot stop reasoning, the call becomes its own choice. */
export function whileThinking(choice: JsonMembers | undefined, draft: Draft): JsonMembers | undefined {
  if (choice?.type !== "any" && choice?.type !== "tool") return choice;
  draft.losses.approximate("tool_choice", "this model always reasons, and calls cannot be forced then; sent as auto.");
  const { name: _, ...rest } = choice;
  return { ...rest, type: "auto" };
}

function chosen(draft: Draft, tools: readonly JsonMembers[]): JsonMembers | undefined {
  const kind = draft.request.toolChoice?.kind;
  switch (kind?.case) {
    case "mode":
      return byMode(kind.value, "tool_choice.mode", tools);
    case "allowed":
      return byMode(kind.value.mode, "tool_choice.allowed", tools);
    case "toolName": {
      const name = draft.names.toWire(kind.value);
      if (tools.some((tool) => tool.name === name)) return { type: "tool", name };
      throw invalidValue("tool_choice.tool_name", "must be the name of one of the tools.");
    }
    default:
      return undefined;
  }
}

function byMode(mode: ToolChoiceMode, field: string, tools: readonly JsonMembers[]): JsonMembers | undefined {
  if (mode === ToolChoiceMode.NONE) return { type: "none" };
  if (mode !== ToolChoiceMode.REQUIRED) return { type: "auto" };
  if (tools.length === 0) throw invalidValue(field, "demands a tool call, but no tool is offered.");
  return { type: "any" };
}

function callerName({ kind }: Tool, block: JsonMembers): string {
  return kind.case === "function" || kind.case === "custom" ? kind.value.name : String(block.name);
}

function toTool(tool: Tool, field: string, draft: Draft): JsonMembers {
  return {
    ...toolByKind(tool, field, draft),
    ...(tool.deferLoading !== undefined && { defer_loading: tool.deferLoading }),
    ...(tool.allowedCallers.length > 0 && { allowed_callers: tool.allowedCallers }),
  };
}

function toolByKind({ kind }: Tool, field: string, draft: Draft): JsonMembers {
  switch (kind.case) {
    case "function":
      return toFunction(kind.value, `${field}.function`, draft);
    case "custom":
      return toCustom(kind.value, `${field}.custom`, draft);
    case "webSearch":
      return toWebSearch(kind.value, `${field}.web_search`, draft);
    case "hosted":
      return toHosted(kind.value, `${field}.hosted`);
    default:
      throw invalidValue(field, "has no kind that this gateway knows.");
  }
}

function toFunction(tool: FunctionTool, field: string, draft: Draft): JsonMembers {
  if (tool.outputSchema !== undefined)
    draft.losses.drop(`${field}.output_schema`, "this provider reads no result schemas.");
  const strict = tool.strict === true && !draft.rules.jsonSchema ? undefined : tool.strict;
  if (strict !== tool.strict) draft.losses.drop(`${field}.strict`, "this model enforces no schemas.");
  return {
    name: draft.names.toWire(tool.name),
    ...(tool.description && { description: tool.description }),
    input_schema: inputSchema(tool.parametersSchema, strict === true, `${field}.parameters_schema`, draft),
    ...(strict !== undefined && { strict }),
    ...(tool.inputExamplesJson.length > 0 && {
      input_examples: tool.inputExamplesJson.map((text, index) =>
        objectText(text, `${field}.input_examples_json[${index}]`),
      ),
    }),
  };
}

/** The provider wants the type said; everything else stays as the caller wrote it, unless it is to be enforced. */
function inputSchema(text: string, strict: boolean, field: string, draft: Draft): JsonTree {
  if (text.trim() === "") return { type: "object", properties: {} };
  if (strict) return toSchemaSubset(text, field, draft.losses);
  const members = membersOf(text, field);
  return "type" in members ? objectText(text, field) : { type: "object", ...members };
}

/** Free text has no counterpart: the tool becomes a function with one string, and its calls are turned back. */
function toCustom(tool: CustomTool, field: string, draft: Draft): JsonMembers {
  draft.losses.approximate(field, "sent as a function with one string, 'input'; its calls come back as free text.");
  const grammar =
    tool.grammar && `The input must follow this ${tool.grammar.syntax} grammar:\n${tool.grammar.definition}`;
  const description = [tool.description, grammar].filter(Boolean).join("\n\n");
  const input = { type: "string", description: "The tool's input as free text." };
  return {
    name: draft.names.toWire(tool.name),
    ...(description && { description }),
    input_schema: { type: "object", properties: { input }, required: ["input"], additionalProperties: false },
  };
}

function toWebSearch(tool: WebSearchTool, field: string, draft: Draft): JsonMembers {
  return webSearch(tool.options, tool.version, `${field}.options`, draft);
}

/** The first version, which every model that searches knows; later ones are asked for by name. */
const defaultWebSearch = "web_search_20250305";

function webSearch(options: WebSearchOptions | undefined, version: string, field: string, draft: Draft): JsonMembers {
  if (options?.contextSize !== undefined)
    draft.losses.drop(`${field}.context_size`, "this provider chooses it itself.");
  const { city, region, country, timezone } = options?.userLocation ?? {};
  const place = {
    ...(city && { city }),
    ...(region && { region }),
    ...(country && { country }),
    ...(timezone && { timezone }),
  };
  return {
    type: version || defaultWebSearch,
    name: "web_search",
    ...(options?.maxUses !== undefined && { max_uses: options.maxUses }),
    ...(options?.allowedDomains.length && { allowed_domains: options.allowedDomains }),
    ...(options?.blockedDomains.length && { blocked_domains: options.blockedDomains }),
    ...(options?.userLocation && { user_location: { type: "approximate", ...place } }),
  };
}

function toHosted(tool: HostedTool, field: string): JsonMembers {
  const type = versioned.get(tool.type) ?? tool.type;
  const stem = /^([a-z0-9_]+)_\d{8}$/.exec(type)?.[1];
  if (stem === undefined) {
    const known = [...versioned.keys()].join(", ");
    throw unsupported(`${field}.type`, `is '${tool.type}'. Allowed are ${known}, and the provider's own dated types.`);
  }
  const options = membersOf(tool.optionsJson, `${field}.options_json`);
  if ("type" in options || "name" in options) {
    throw invalidValue(`${field}.options_json`, "must not hold type or name: the tool has fields for them.");
  }
  const name = tool.name || (names.get(stem) ?? stem);
  // Toolsets bring tools with names of their own and have none themselves.
  return { type, ...(!stem.endsWith("_toolset") && { name }), ...options };
}

/** The contract's words for kinds of tools → the provider's generally available versions. */
const versioned: ReadonlyMap<string, string> = new Map([
  ["code_execution", "code_execution_20250825"],
  ["web_fetch", "web_fetch_20250910"],
  ["memory", "memory_20250818"],
  ["bash", "bash_20250124"],
  ["text_editor", "text_editor_20250728"],
  ["computer_use", "computer_toolset_20260801"],
]);

/** Names that are not the type without its date. */
const names: ReadonlyMap<string, string> = new Map([["text_editor", "str_replace_based_edit_tool"]]);
