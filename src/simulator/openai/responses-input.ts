import { type Fields, isFields, nameOf } from "../json.ts";
import { WireError } from "../wire-error.ts";
import { invalid } from "./errors.ts";
import type { Conversation } from "./messages.ts";
import { isSealed } from "./sealed.ts";

const roles = ["user", "assistant", "system", "developer"];
const itemTypes = [
  ..."message reasoning function_call function_call_output custom_tool_call custom_tool_call_output".split(" "),
  ..."web_search_call file_search_call code_interpreter_call image_generation_call mcp_call mcp_list_tools".split(" "),
  ..."mcp_approval_request mcp_approval_response computer_call computer_call_output local_shell_call".split(" "),
  ..."local_shell_call_output shell_call shell_call_output apply_patch_call apply_patch_call_output".split(" "),
  ..."item_reference compaction tool_search_call tool_search_output".split(" "),
];

/** What the items so far amount to. */
interface Reading {
  text: string;
  attachments: number;
  toolResults: string[];
  readonly texts: string[];
  /** Calls that wait for their output. */
  readonly calls: Set<string>;
}

/** @throws WireError naming the item that is wrong */
export function readInput(input: unknown, store: boolean): Conversation {
  if (typeof input === "string") return { text: input, attachments: 0, toolResults: [], texts: [input] };
  if (!Array.isArray(input)) {
    const message = `Invalid type for 'input': expected one of a string or array of input items, got ${nameOf(input)}.`;
    throw invalid("input", message, "invalid_type");
  }
  const reading: Reading = { text: "", attachments: 0, toolResults: [], texts: [], calls: new Set() };
  for (const [index, item] of input.entries()) {
    if (!isFields(item)) throw invalid(`input[${index}]`, `Expected an object, got ${nameOf(item)}.`, "invalid_type");
    readItem(item, `input[${index}]`, store, reading);
  }
  const [unanswered] = reading.calls;
  if (unanswered !== undefined) throw invalid("input", `No tool output found for function call ${unanswered}.`);
  return reading;
}

function readItem(item: Fields, at: string, store: boolean, reading: Reading): void {
  const type = item.type ?? "message";
  if (!itemTypes.includes(String(type))) {
    const supported = itemTypes.map((name) => `'${name}'`).join(", ");
    throw invalid(`${at}.type`, `Invalid value: '${String(type)}'. Supported values are: ${supported}.`);
  }
  switch (type) {
    case "message":
      return readMessage(item, at, reading);
    case "reasoning":
      return readReasoning(item, at, store);
    case "function_call":
    case "custom_tool_call": {
      const input = type === "function_call" ? "arguments" : "input";
      for (const name of ["call_id", "name", input]) mustBeText(item, name, at);
      reading.calls.add(String(item.call_id));
      reading.texts.push(String(item[input]));
      return;
    }
    case "function_call_output":
    case "custom_tool_call_output":
      return readOutput(item, at, reading);
    case "item_reference":
      throw notStored(String(item.id), store);
  }
}

function readMessage(item: Fields, at: string, reading: Reading): void {
  const role = String(item.role);
  if (!roles.includes(role)) {
    throw invalid(`${at}.role`, `Invalid value: '${role}'. Supported values are: ${roles.join(", ")}.`);
  }
  const { text, attachments } = readContent(item.content, role, `${at}.content`);
  reading.texts.push(text);
  if (role === "user") Object.assign(reading, { text, attachments, toolResults: [] });
  if (role === "assistant") reading.toolResults = [];
}

const contentTypes: Readonly<Record<string, readonly string[]>> = {
  assistant: ["output_text", "refusal"],
};
const inputTypes = ["input_text", "input_image", "input_file"];

function readContent(content: unknown, role: string, at: string): { text: string; attachments: number } {
  if (typeof content === "string") return { text: content, attachments: 0 };
  if (!Array.isArray(content)) throw invalid(at, "Expected a string or an array of content.", "invalid_type");
  const allowed = contentTypes[role] ?? inputTypes;
  const texts: string[] = [];
  for (const [index, part] of content.entries()) {
    const type = isFields(part) ? String(part.type) : "";
    if (!isFields(part) || !allowed.includes(type)) {
      const supported = allowed.map((name) => `'${name}'`).join(" and ");
      throw invalid(`${at}[${index}].type`, `Invalid value: '${type}'. Supported values are: ${supported}.`);
    }
    checkMedia(part, `${at}[${index}]`);
    if (type === "input_text" || type === "output_text") texts.push(mustBeText(part, "text", `${at}[${index}]`));
  }
  return { text: texts.join("\n"), attachments: role === "assistant" ? 0 : content.length - texts.length };
}

function checkMedia(part: Fields, at: string): void {
  if (part.type === "input_image" && part.file_id == null) {
    if (!/^(https?:\/\/|data:image\/(png|jpeg|webp|gif);base64,)/.test(String(part.image_url))) {
      throw invalid(`${at}.image_url`, `Invalid '${at}.image_url'. Expected a valid URL, or a data URL of an image.`);
    }
  }
  if (part.type === "input_file" && part.file_id == null && part.file_url == null && part.file_data == null) {
    throw invalid(at, "One of file_data, file_id and file_url is needed.", "missing_required_parameter");
  }
}

/** Stored items are unknown here, so that reasoning is only known by what it brings along. */
function readReasoning(item: Fields, at: string, store: boolean): void {
  if (!Array.isArray(item.summary)) {
    throw invalid(`${at}.summary`, `Missing required parameter: '${at}.summary'.`, "missing_required_parameter");
  }
  if (typeof item.encrypted_content !== "string") throw notStored(String(item.id), store);
  if (isSealed(item.encrypted_content)) return;
  const id = String(item.id);
  const message = `The encrypted content for item ${id} could not be verified. Reason: Encrypted content could not be decrypted or parsed.`;
  throw new WireError(400, "invalid_request_error", message, { code: "invalid_encrypted_content" });
}

function notStored(id: string, store: boolean): WireError {
  const advice = store ? "" : " Items are not persisted when `store` is set to false.";
  return new WireError(404, "invalid_request_error", `Item with id '${id}' not found.${advice}`, { param: "input" });
}

function readOutput(item: Fields, at: string, reading: Reading): void {
  const id = mustBeText(item, "call_id", at);
  if (!reading.calls.delete(id)) {
    throw invalid("input", `No tool call found for function call output with call_id ${id}.`);
  }
  const { text } = readContent(item.output, "user", `${at}.output`);
  reading.texts.push(text);
  reading.toolResults.push(text);
}

function mustBeText(item: Fields, name: string, at: string): string {
  const value = item[name];
  if (typeof value === "string") return value;
  const path = `${at}.${name}`;
  if (value == null) throw invalid(path, `Missing required parameter: '${path}'.`, "missing_required_parameter");
  throw invalid(path, `Invalid type for '${path}': expected a string, got ${nameOf(value)}.`, "invalid_type");
}
