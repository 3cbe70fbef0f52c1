import { type FunctionTool, type Tool, ToolChoiceMode } from "../../../gen/trunkline/v1/tool_pb.ts";
import { customAsFunction } from "../../dialects/custom-tools.ts";
import { invalidValue, objectText } from "../../dialects/json-splice.ts";
import type { JsonMembers, JsonTree } from "../../dialects/json-text.ts";
import { dropFunctionExtras, dropToolExtras } from "../../dialects/unsaid-parts.ts";
import { type Draft, unsupported } from "./draft.ts";

/** The tools that the model is shown; the provider has no choice of tools beyond that. */
export function toTools(draft: Draft): JsonTree[] {
  const { request } = draft;
  const offered = offeredNames(draft);
  return request.tools.flatMap((tool, index) => {
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
}

/** Which tools the choice leaves; null leaves all. @throws GatewayError `unsupported_value` when a call is forced */
function offeredNames({ request, losses }: Draft): ReadonlySet<string> | null {
  const kind = request.toolChoice?.kind;
  switch (kind?.case) {
    case "toolName":
      throw forced("tool_choice.tool_name");
    case "mode":
      if (kind.value === ToolChoiceMode.REQUIRED) throw forced("tool_choice.mode");
      if (kind.value !== ToolChoiceMode.NONE || request.tools.length === 0) return null;
      losses.approximate("tool_choice.mode", "this provider has no such choice; no tool is sent.");
      return new Set();
    case "allowed":
      if (kind.value.mode === ToolChoiceMode.REQUIRED) throw forced("tool_choice.allowed");
      losses.approximate("tool_choice.allowed", "this provider has no such choice; only the allowed tools are sent.");
      return new Set(kind.value.names);
    default:
      return null;
  }
}

function forced(field: string): Error {
  return unsupported(field, "demands a call, which this provider cannot force. Allowed are AUTO and NONE.");
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
  if (tool.strict !== undefined) losses.drop(`${field}.strict`, "this provider does not enforce arguments.");
  const schema = tool.parametersSchema;
  return {
    name: tool.name,
    ...(tool.description && { description: tool.description }),
    // Templates of models read the properties without asking whether there are any.
    parameters:
      schema.trim() === "" ? { type: "object", properties: {} } : objectText(schema, `${field}.parameters_schema`),
  };
}
