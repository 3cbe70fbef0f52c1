import type { ChatRequest } from "../../gen/trunkline/v1/chat_pb.ts";
import type { CustomTool } from "../../gen/trunkline/v1/tool_pb.ts";
import type { JsonMembers } from "./json-text.ts";

/** Names of the caller's custom tools: where they run as functions, their calls come back as one string, `input`. */
export function customToolNames({ tools }: Pick<ChatRequest, "tools">): ReadonlySet<string> {
  return new Set(tools.flatMap(({ kind }) => (kind.case === "custom" ? [kind.value.name] : [])));
}

/** A tool that takes free text, as a function with one string; its grammar is told to the model in words. */
export function customAsFunction({ name, description, grammar }: CustomTool): JsonMembers {
  const rule = grammar && `The input must follow this ${grammar.syntax} grammar:\n${grammar.definition}`;
  const told = [description, rule].filter(Boolean).join("\n\n");
  const input = { type: "string", description: "The tool's input as free text." };
  return {
    name,
    ...(told && { description: told }),
    parameters: { type: "object", properties: { input }, required: ["input"] },
  };
}
