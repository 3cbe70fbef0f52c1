import type { Prompt, PromptTool } from "../compose.ts";
import { type Fields, isFields } from "../json.ts";
import { invalid } from "./errors.ts";

const maxTools = 128;
/** Tools that OpenAI runs, or that it knows the form of. */
const hosted = (
  "web_search web_search_2025_08_26 web_search_preview web_search_preview_2025_03_11 file_search code_interpreter " +
  "image_generation mcp computer computer_use_preview local_shell shell apply_patch tool_search namespace " +
  "programmatic_tool_calling"
).split(" ");

export interface ToolsAsk {
  /** The caller's own. */
  readonly tools: readonly PromptTool[];
  readonly searches: boolean;
}

/** @throws WireError naming the tool that is wrong */
export function readFlatTools(tools: unknown): ToolsAsk {
  if (tools == null) return { tools: [], searches: false };
  if (!Array.isArray(tools) || tools.length > maxTools)
    throw invalid("tools", `Must be an array of up to ${maxTools}.`);
  const own = tools.flatMap((tool: unknown, index) => readTool(isFields(tool) ? tool : {}, `tools[${index}]`));
  return { tools: own, searches: tools.some((tool) => /^web_search/.test(String(tool.type))) };
}

function readTool(tool: Fields, at: string): PromptTool[] {
  const type = String(tool.type);
  if (hosted.includes(type)) {
    if (type === "code_interpreter" && tool.container == null) throw missing(`${at}.container`);
    if (type === "file_search" && !Array.isArray(tool.vector_store_ids)) throw missing(`${at}.vector_store_ids`);
    return [];
  }
  if (type !== "function" && type !== "custom") {
    const supported = ["function", "custom", ...hosted].map((name) => `'${name}'`).join(", ");
    throw invalid(`${at}.type`, `Invalid value: '${type}'. Supported values are: ${supported}.`);
  }
  // Chat's nested form is the usual mistake.
  if (tool.name === undefined) throw missing(`${at}.name`);
  if (typeof tool.name !== "string" || !/^[\w-]{1,64}$/.test(tool.name)) {
    throw invalid(`${at}.name`, `Invalid '${at}.name': must be 1 to 64 letters, digits, _ or -.`);
  }
  if (type === "custom") return [{ name: tool.name, schema: null }];
  if (tool.strict !== false) checkStrict(tool.parameters, tool.name, `${at}.parameters`);
  return [{ name: tool.name, schema: tool.parameters ?? { type: "object" } }];
}

/** Strict, which is this API's default, takes closed objects with every property required. */
function checkStrict(schema: unknown, name: string, at: string): void {
  if (!isFields(schema)) return;
  const properties = isFields(schema.properties) ? Object.keys(schema.properties) : [];
  const required: readonly unknown[] = Array.isArray(schema.required) ? schema.required : [];
  if (schema.additionalProperties === false && properties.every((property) => required.includes(property))) return;
  const rule = "'additionalProperties' must be false, and 'required' must list every property";
  throw invalid(at, `Invalid schema for function '${name}': In context=(), ${rule}.`, "invalid_function_parameters");
}

function missing(path: string) {
  return invalid(path, `Missing required parameter: '${path}'.`, "missing_required_parameter");
}

/** @throws WireError when the choice has no such form, or names a tool that is not there */
export function readFlatChoice(choice: unknown, { tools }: ToolsAsk): Prompt["toolChoice"] {
  if (choice == null) return "auto";
  if (choice === "auto" || choice === "none" || choice === "required") return choice;
  if (!isFields(choice)) throw invalid("tool_choice", "Must be none, auto, required or an object.");
  if (choice.type === "allowed_tools") return choice.mode === "required" ? "required" : "auto";
  if (hosted.includes(String(choice.type))) return "auto";
  const name = String(choice.name);
  if (!tools.some((tool) => tool.name === name)) {
    throw invalid("tool_choice", `Tool choice '${String(choice.type)}' not found in 'tools' parameter.`);
  }
  return { name };
}
