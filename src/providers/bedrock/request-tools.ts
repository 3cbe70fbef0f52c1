import { type FunctionTool, type Tool, ToolChoiceMode } from "../../../gen/trunkline/v1/tool_pb.ts";
import { customAsFunction } from "../../dialects/custom-tools.ts";
import { invalidValue, membersOf, objectText } from "../../dialects/json-splice.ts";
import type { JsonMembers, JsonTree } from "../../dialects/json-text.ts";
import { dropFunctionExtras } from "../../dialects/unsaid-parts.ts";
import { toSchemaSubset } from "../anthropic/schema-subset.ts";
import { type Draft, unsupported } from "./draft.ts";

/** `toolConfig`; undefined without tools. */
export function toToolConfig(draft: Draft): JsonMembers | undefined {
  const { request, losses } = draft;
  const choice = request.toolChoice?.kind;
  const allowed = choice?.case === "allowed" ? new Set(choice.value.names) : null;
  if (allowed)
    losses.approximate("tool_choice.allowed", "this provider has no such choice; only the allowed tools are sent.");
  if (request.webSearch) losses.drop("web_search", "this provider has no such setting.");
  const tools = request.tools.flatMap((tool, index) => toTool(tool, `tools[${index}]`, allowed, draft));
  const mode = choice?.case === "mode" ? choice.value : choice?.case === "allowed" ? choice.value.mode : undefined;
  const named = tools.filter((tool) => !("cachePoint" in tool));
  if (request.parallelToolCalls === false && named.length > 0)
    losses.drop("parallel_tool_calls", "this provider has no such setting.");
  const called = calledBefore(draft);
  if (mode === ToolChoiceMode.NONE) {
    // The provider refuses calls in a conversation without tools, and has no word for none.
    if (called.length === 0) return undefined;
    losses.approximate("tool_choice", "this provider has no such choice; the tools of earlier calls are still sent.");
    return { tools: named.length > 0 ? tools : called };
  }
  if (named.length === 0) {
    if (mode === ToolChoiceMode.REQUIRED || choice?.case === "toolName")
      throw invalidValue("tool_choice", "demands a tool call, but no tool is offered.");
    if (called.length === 0) return undefined;
    losses.approximate("tools", "this provider wants the tools of earlier calls; they are sent without parameters.");
    return { tools: called };
  }
  const toolChoice = toChoice(draft, named, mode);
  return { tools, ...(toolChoice && { toolChoice }) };
}

function toChoice(
  draft: Draft,
  tools: readonly JsonMembers[],
  mode: ToolChoiceMode | undefined,
): JsonMembers | undefined {
  const choice = draft.request.toolChoice?.kind;
  const forced = choice?.case === "toolName" || mode === ToolChoiceMode.REQUIRED;
  const { thinksByDefault, canStopThinking } = draft.rules.claude;
  if (forced && thinksByDefault && !canStopThinking) {
    draft.losses.approximate(
      "tool_choice",
      "this model always reasons, and calls cannot be forced then; sent as auto.",
    );
    return { auto: {} };
  }
  if (choice?.case === "toolName") {
    const name = draft.toolNames.toWire(choice.value);
    // Every entry is of this adapter's own making.
    if (!tools.some(({ toolSpec }) => (toolSpec as JsonMembers | undefined)?.name === name))
      throw invalidValue("tool_choice.tool_name", "must be the name of one of the tools.");
    return { tool: { name } };
  }
  if (mode === ToolChoiceMode.REQUIRED) return { any: {} };
  return mode === ToolChoiceMode.AUTO ? { auto: {} } : undefined;
}

function toTool(tool: Tool, field: string, allowed: ReadonlySet<string> | null, draft: Draft): JsonMembers[] {
  const { kind } = tool;
  const { losses } = draft;
  if (tool.deferLoading !== undefined) losses.drop(`${field}.defer_loading`, "this provider loads all tools.");
  if (tool.allowedCallers.length > 0) losses.drop(`${field}.allowed_callers`, "this provider's tools have one caller.");
  const isAllowed =
    allowed === null || ((kind.case === "function" || kind.case === "custom") && allowed.has(kind.value.name));
  const spec = isAllowed ? toSpec(kind, field, draft) : null;
  return [...(spec ? [spec] : []), ...draft.cache.behind(tool.cache, `${field}.cache`, spec !== null)];
}

function toSpec(kind: Tool["kind"], field: string, draft: Draft): JsonMembers | null {
  switch (kind.case) {
    case "function":
      return { toolSpec: toFunction(kind.value, `${field}.function`, draft) };
    case "custom": {
      const how = "sent as a function with one string, 'input'; its calls come back as free text.";
      draft.losses.approximate(`${field}.custom`, how);
      const { name: _, parameters, ...rest } = customAsFunction(kind.value);
      const name = draft.toolNames.toWire(kind.value.name);
      return { toolSpec: { name, ...rest, inputSchema: { json: parameters } } };
    }
    case "hosted":
      if (!/^nova_[a-z_]{1,58}$/.test(kind.value.type))
        throw unsupported(
          `${field}.hosted.type`,
          `is '${kind.value.type}'. Allowed are Amazon's own: nova_grounding and its kin.`,
        );
      if (kind.value.name !== "") draft.losses.drop(`${field}.hosted.name`, "this provider names its tools itself.");
      if (kind.value.optionsJson !== "")
        draft.losses.drop(`${field}.hosted.options_json`, "this provider's tools take none.");
      return { systemTool: { name: kind.value.type } };
    case "webSearch":
      draft.losses.drop(`${field}.web_search`, "this provider does not search the web.");
      return null;
    default:
      throw invalidValue(field, "has no kind that this gateway knows.");
  }
}

function toFunction(tool: FunctionTool, field: string, draft: Draft): JsonMembers {
  dropFunctionExtras(tool, field, draft.losses);
  const isStrict = tool.strict === true && draft.rules.claude.jsonSchema;
  if (tool.strict === true && !isStrict) draft.losses.drop(`${field}.strict`, "this model enforces no schemas.");
  return {
    name: draft.toolNames.toWire(tool.name),
    ...(tool.description.trim() !== "" && { description: tool.description }),
    inputSchema: { json: schemaOf(tool.parametersSchema, isStrict, `${field}.parameters_schema`, draft) },
    ...(tool.strict !== undefined && (isStrict || !tool.strict) && { strict: tool.strict }),
  };
}

/** The provider wants the type said; everything else stays as the caller wrote it, unless it is to be enforced. */
function schemaOf(text: string, isStrict: boolean, field: string, draft: Draft): JsonTree {
  if (text.trim() === "") return { type: "object", properties: {} };
  if (isStrict && draft.rules.vendor === "anthropic") return toSchemaSubset(text, field, draft.losses);
  const members = membersOf(text, field);
  return "type" in members ? objectText(text, field) : { type: "object", ...members };
}

/** A tool for each name that the conversation called. */
function calledBefore({ request, toolNames }: Draft): readonly JsonMembers[] {
  const names = request.messages.flatMap(({ parts }) =>
    parts.flatMap(({ kind }) => (kind.case === "toolCall" ? [kind.value.name] : [])),
  );
  return [...new Set(names)].map((name) => ({
    toolSpec: { name: toolNames.toWire(name), inputSchema: { json: { type: "object", properties: {} } } },
  }));
}
