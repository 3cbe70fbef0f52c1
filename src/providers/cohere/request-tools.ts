import { type FunctionTool, type Tool, ToolChoiceMode } from "../../../gen/trunkline/v1/tool_pb.ts";
import { customAsFunction } from "../../dialects/custom-tools.ts";
import { invalidValue, objectText } from "../../dialects/json-splice.ts";
import type { JsonMembers, JsonTree } from "../../dialects/json-text.ts";
import { dropFunctionExtras, dropToolExtras } from "../../dialects/unsaid-parts.ts";
import type { Draft } from "./draft.ts";

/** `tools`, `tool_choice` and `strict_tools`. @throws GatewayError `invalid_value` for a forced tool that is not there */
export function toTools(draft: Draft): JsonMembers {
  const { names, choice } = choose(draft);
  const sent: { readonly tool: Tool; readonly field: string }[] = [];
  for (const [index, tool] of draft.request.tools.entries()) {
    const { kind } = tool;
    const field = `tools[${index}]`;
    if (kind.case !== "function" && kind.case !== "custom") {
      draft.losses.drop(field, "this provider runs no tools of its own in a chat.");
    } else if (names === null || names.has(kind.value.name)) sent.push({ tool, field });
  }
  if (sent.length === 0) {
    if (choice === "REQUIRED") throw invalidValue("tool_choice", "demands a tool call, but no such tool is offered.");
    return {};
  }
  return {
    tools: sent.map(({ tool, field }) => toTool(tool, field, draft)),
    tool_choice: choice,
    ...toStrict(sent, draft),
  };
}

/** Which tools the choice leaves (null leaves all), and the provider's word for it: none where the model decides. */
function choose({ request, losses }: Draft): { names: ReadonlySet<string> | null; choice: string | undefined } {
  const kind = request.toolChoice?.kind;
  switch (kind?.case) {
    case "toolName":
      if (request.tools.length > 1) {
        losses.approximate("tool_choice.tool_name", "this provider forces any tool; only the named one is sent.");
      }
      return { names: new Set([kind.value]), choice: "REQUIRED" };
    case "mode":
      return { names: null, choice: words.get(kind.value) };
    case "allowed":
      losses.approximate("tool_choice.allowed", "this provider has no such choice; only the allowed tools are sent.");
      return { names: new Set(kind.value.names), choice: words.get(kind.value.mode) };
    default:
      return { names: null, choice: undefined };
  }
}

const words: ReadonlyMap<ToolChoiceMode, string> = new Map([
  [ToolChoiceMode.NONE, "NONE"],
  [ToolChoiceMode.REQUIRED, "REQUIRED"],
]);

/** Strictness is one setting for all tools here: the strictest wins, and the others are reported. */
function toStrict(sent: readonly { readonly tool: Tool; readonly field: string }[], { losses }: Draft): JsonMembers {
  const isStrict = ({ kind }: Tool) => kind.case === "function" && kind.value.strict === true;
  if (!sent.some(({ tool }) => isStrict(tool))) return {};
  for (const { tool, field } of sent) {
    if (!isStrict(tool)) losses.approximate(field, "this provider enforces all tools when one is strict.");
  }
  return { strict_tools: true };
}

function toTool(tool: Tool, field: string, draft: Draft): JsonTree {
  const { kind } = tool;
  dropToolExtras(tool, field, draft.losses);
  if (kind.case === "function") return { type: "function", function: toFunction(kind.value, field, draft) };
  if (kind.case !== "custom") throw invalidValue(field, "has no kind that this gateway knows.");
  const told = "sent as a function with one string, 'input'; its calls come back as text.";
  draft.losses.approximate(`${field}.custom`, told);
  return { type: "function", function: customAsFunction(kind.value) };
}

function toFunction(tool: FunctionTool, at: string, { losses }: Draft): JsonMembers {
  const field = `${at}.function`;
  dropFunctionExtras(tool, field, losses);
  const schema = tool.parametersSchema;
  return {
    name: tool.name,
    ...(tool.description && { description: tool.description }),
    parameters:
      schema.trim() === "" ? { type: "object", properties: {} } : objectText(schema, `${field}.parameters_schema`),
  };
}
