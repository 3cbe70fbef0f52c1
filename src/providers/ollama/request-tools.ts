import { type FunctionTool, type Tool, ToolChoiceMode } from "../../../gen/trunkline/v1/tool_pb.ts";
import { customAsFunction } from "../../dialects/custom-tools.ts";
import { invalidValue, objectText } from "../../dialects/json-splice.ts";
import type { JsonMembers, JsonTree } from "../../dialects/json-text.ts";
import { dropFunctionExtras, dropToolExtras } from "../../dialects/unsaid-parts.ts";
import type { Draft } from "./draft.ts";

/**
 * The tools that the model is shown; the provider has no choice of tools beyond that.
 * @throws GatewayError `invalid_value` for a demanded tool that is not there
 */
export function toTools(draft: Draft): JsonTree[] {
  const { request } = draft;
  const { names: offered, demanded } = choose(draft);
  const tools = request.tools.flatMap((tool, index) => {
    const { kind } = tool;
    const field = `tools[${index}]`;
    if (kind.case !== "function" && kind.case !== "custom") {
      draft.losses.drop(field, "this provider runs no tools of its own in a chat.");
      return [];
    }
    if (offered !== null && !offered.has(kind.value.name)) return [];
    dropToolExtras(tool, field, draft.losses);
    return [toTool(tool, field, draft)];
  });
  if (demanded && tools.length === 0) {
    throw invalidValue("tool_choice", "demands a tool call, but no such tool is offered.");
  }
  return tools;
}

/** Which tools a choice leaves. */
interface Choice {
  /** null leaves all. */
  readonly names: ReadonlySet<string> | null;
  /** Whether a call is demanded. */
  readonly demanded: boolean;
}

/**
 * A call cannot be forced here. Frameworks get structured output by demanding one: shown the demanded tool alone, models
 * call it, and a refusal would end all of these programs. So the tools are narrowed, and the rest is reported.
 */
function choose({ request, losses }: Draft): Choice {
  const kind = request.toolChoice?.kind;
  switch (kind?.case) {
    case "toolName":
      losses.approximate("tool_choice.tool_name", "this provider cannot force a call; only the named tool is sent.");
      return { names: new Set([kind.value]), demanded: true };
    case "mode":
      if (kind.value === ToolChoiceMode.REQUIRED) {
        losses.approximate("tool_choice.mode", "this provider cannot force a call; the model decides.");
        return { names: null, demanded: true };
      }
      if (kind.value !== ToolChoiceMode.NONE || request.tools.length === 0) return { names: null, demanded: false };
      losses.approximate("tool_choice.mode", "this provider has no such choice; no tool is sent.");
      return { names: new Set(), demanded: false };
    case "allowed":
      losses.approximate("tool_choice.allowed", "this provider has no such choice; only the allowed tools are sent.");
      return { names: new Set(kind.value.names), demanded: kind.value.mode === ToolChoiceMode.REQUIRED };
    default:
      return { names: null, demanded: false };
  }
}

function toTool({ kind }: Tool, field: string, draft: Draft): JsonTree {
  if (kind.case === "function") return { type: "function", function: toFunction(kind.value, field, draft) };
  if (kind.case === "custom") {
    const told = "sent as a function with one string, 'input'; its calls come back as text.";
    draft.losses.approximate(`${field}.custom`, told);
    return { type: "function", function: customAsFunction(kind.value) };
  }
  throw invalidValue(field, "has no kind that this gateway knows.");
}

function toFunction(tool: FunctionTool, at: string, { losses }: Draft): JsonMembers {
  const field = `${at}.function`;
  dropFunctionExtras(tool, field, losses);
  if (tool.strict === true) losses.drop(`${field}.strict`, "this provider does not enforce arguments.");
  const schema = tool.parametersSchema;
  return {
    name: tool.name,
    ...(tool.description && { description: tool.description }),
    // Templates of models read the properties without asking whether there are any.
    parameters:
      schema.trim() === "" ? { type: "object", properties: {} } : objectText(schema, `${field}.parameters_schema`),
  };
}
