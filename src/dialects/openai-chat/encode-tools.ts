import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type FunctionTool, type Tool, type ToolChoice, ToolChoiceMode } from "../../../gen/trunkline/v1/tool_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import { membersOf, objectText } from "../json-splice.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import { encodeSearchTool, notOffered } from "./encode-web-search.ts";
import type { ChatQuirks } from "./quirks.ts";

/** Tools as chat completions take them. Schemas are written as the caller wrote them. */
export function encodeTools(tools: readonly Tool[], quirks: ChatQuirks, losses: LossReport): readonly JsonTree[] {
  return tools.flatMap((tool, i) => {
    const field = `tools[${i}]`;
    reportTool(tool, field, losses);
    const { kind } = tool;
    switch (kind.case) {
      case "function":
        return [{ type: "function", function: encodeFunction(kind.value, `${field}.function`, losses) }];
      case "custom": {
        if (quirks.basic) {
          losses.drop(field, "tools that take free text are not taken by this provider.");
          return [];
        }
        const { name, description, grammar } = kind.value;
        const format = grammar && {
          type: "grammar",
          grammar: { syntax: grammar.syntax, definition: grammar.definition },
        };
        return [{ type: "custom", custom: { name, ...(description && { description }), ...(format && { format }) } }];
      }
      case "webSearch":
        return encodeSearchTool(kind.value, field, quirks, losses);
      case "hosted":
        if (!isHostedTool(kind.value.type, quirks)) break;
        return [
          {
            type: kind.value.type,
            ...named(kind.value.name),
            ...membersOf(kind.value.optionsJson, `${field}.hosted.options_json`),
          },
        ];
    }
    losses.drop(field, notOffered);
    return [];
  });
}

/** The tools to offer: those that may be called, where a choice among them cannot be said otherwise. */
export function offeredTools({ tools, toolChoice }: ChatRequest, { basic }: ChatQuirks): readonly Tool[] {
  if (!basic || toolChoice?.kind.case !== "allowed") return tools;
  const { names } = toolChoice.kind.value;
  return tools.filter(({ kind }) => kind.case !== "function" || names.includes(kind.value.name));
}

/** A server other than OpenAI's own may know tools of its own; which, it says itself where that is not known here. */
function isHostedTool(type: string, { kind, extendedSampling, hostedTools }: ChatQuirks): boolean {
  return hostedTools ? hostedTools.includes(type) : kind !== "openai" || extendedSampling;
}

function named(name: string): JsonMembers {
  return name === "" ? {} : { name };
}

function reportTool(tool: Tool, field: string, losses: LossReport): void {
  if (tool.cache) losses.drop(`${field}.cache`, "is not taken on tools by this provider.");
  if (tool.deferLoading !== undefined) losses.drop(`${field}.defer_loading`, "is not taken by this provider.");
  if (tool.allowedCallers.length > 0) losses.drop(`${field}.allowed_callers`, "is not taken by this provider.");
}

function encodeFunction(tool: FunctionTool, field: string, losses: LossReport): JsonTree {
  if (tool.outputSchema !== undefined) losses.drop(`${field}.output_schema`, "is not taken by this provider.");
  if (tool.inputExamplesJson.length > 0) losses.drop(`${field}.input_examples_json`, "is not taken by this provider.");
  const { name, description, strict, parametersSchema } = tool;
  return {
    name,
    ...(description && { description }),
    ...(parametersSchema && { parameters: objectText(parametersSchema, `${field}.parameters_schema`) }),
    ...(strict !== undefined && { strict }),
  };
}

const modes: Readonly<Record<number, string>> = {
  [ToolChoiceMode.AUTO]: "auto",
  [ToolChoiceMode.NONE]: "none",
  [ToolChoiceMode.REQUIRED]: "required",
};

export function encodeToolChoice(
  { kind }: ToolChoice,
  tools: readonly Tool[],
  quirks: ChatQuirks,
  losses: LossReport,
): JsonTree | undefined {
  switch (kind.case) {
    case "mode":
      return modes[kind.value];
    case "toolName":
      return reference(kind.value, tools);
    case "allowed": {
      const { mode, names } = kind.value;
      if (quirks.basic) {
        losses.approximate("tool_choice.allowed", "is sent as its mode, and only these tools are offered.");
        return modes[mode] ?? "auto";
      }
      const allowed = { mode: modes[mode] ?? "auto", tools: names.map((name) => reference(name, tools)) };
      return { type: "allowed_tools", allowed_tools: allowed };
    }
    default:
      return undefined;
  }
}

/** A tool as `tool_choice` names it: by the kind that it was offered as. */
function reference(name: string, tools: readonly Tool[]): JsonTree {
  const custom = tools.some(({ kind }) => kind.case === "custom" && kind.value.name === name);
  return custom ? { type: "custom", custom: { name } } : { type: "function", function: { name } };
}
