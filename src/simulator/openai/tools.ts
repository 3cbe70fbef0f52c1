import type { Prompt, PromptTool } from "../compose.ts";
import { isFields } from "../json.ts";
import { invalid } from "./errors.ts";

const maxTools = 128;

/** @throws WireError naming the tool that is wrong */
export function readTools(tools: unknown): readonly PromptTool[] {
  if (tools == null) return [];
  if (!Array.isArray(tools) || tools.length > maxTools)
    throw invalid("tools", `Must be an array of up to ${maxTools}.`);
  return tools.map((tool: unknown, index) => {
    const at = `tools[${index}]`;
    if (!isFields(tool) || (tool.type !== "function" && tool.type !== "custom")) {
      throw invalid(`${at}.type`, "Must be function or custom.");
    }
    const named = tool[tool.type];
    if (!isFields(named) || typeof named.name !== "string" || !/^[\w-]{1,64}$/.test(named.name)) {
      throw invalid(`${at}.${tool.type}.name`, "Must be 1 to 64 letters, digits, _ or -.");
    }
    return { name: named.name, schema: tool.type === "custom" ? null : (named.parameters ?? { type: "object" }) };
  });
}

/** @throws WireError when the choice has no such form, or names a tool that is not there */
export function readToolChoice(choice: unknown, tools: readonly PromptTool[]): Prompt["toolChoice"] {
  if (choice == null) return "auto";
  if (tools.length === 0) throw invalid("tool_choice", "tool_choice is only allowed when tools are given.");
  if (choice === "auto" || choice === "none" || choice === "required") return choice;
  if (!isFields(choice)) throw invalid("tool_choice", "Must be none, auto, required or an object.");
  if (choice.type === "allowed_tools" && isFields(choice.allowed_tools)) {
    return choice.allowed_tools.mode === "required" ? "required" : "auto";
  }
  const named = choice.type === "custom" ? choice.custom : choice.function;
  const name = isFields(named) ? String(named.name) : "";
  if (!tools.some((tool) => tool.name === name)) throw invalid("tool_choice", `Tool choice '${name}' is not in tools.`);
  return { name };
}
