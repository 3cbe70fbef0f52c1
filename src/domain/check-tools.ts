import {
  type AllowedTools,
  type FunctionTool,
  type Tool,
  type ToolChoice,
  ToolChoiceMode,
} from "../../gen/trunkline/v1/tool_pb.ts";
import { each, hasBytes, hasChars, isBetween, isGiven, isOneOf, type Range, refuse, within } from "./bounds.ts";
import {
  cacheLifetime,
  checkGrammar,
  checkWebSearch,
  isJson,
  maxDescriptionBytes,
  maxSchemaBytes,
} from "./check-settings.ts";

const namePattern = /^[A-Za-z0-9_.:-]{1,128}$/;
const nameChars: Range = [1, 256];

/** Bounds of one tool. */
export function checkTool({ kind, cache, allowedCallers }: Tool): void {
  isGiven("kind", kind, "function, custom, web_search, hosted");
  within("cache", cache, ({ ttl }) => isBetween("ttl", ttl, cacheLifetime));
  each("allowed_callers", allowedCallers, [0, 16], (caller) => hasChars("", caller, [1, 128]));
  switch (kind.case) {
    case "function":
      return within("function", kind.value, checkFunction);
    case "custom":
      return within("custom", kind.value, ({ name, description, grammar }) => {
        isToolName(name);
        hasBytes("description", description, maxDescriptionBytes);
        within("grammar", grammar, checkGrammar);
      });
    case "webSearch":
      return within("web_search", kind.value, ({ options, version }) => {
        within("options", options, checkWebSearch);
        hasChars("version", version, [0, 128]);
      });
    case "hosted":
      return within("hosted", kind.value, ({ type, name, optionsJson }) => {
        hasChars("type", type, [1, 128]);
        hasChars("name", name, [0, 256]);
        hasBytes("options_json", optionsJson, 65_536);
      });
  }
}

function checkFunction(tool: FunctionTool): void {
  isToolName(tool.name);
  hasBytes("description", tool.description, maxDescriptionBytes);
  hasBytes("parameters_schema", tool.parametersSchema, maxSchemaBytes);
  hasBytes("output_schema", tool.outputSchema, maxSchemaBytes);
  each("input_examples_json", tool.inputExamplesJson, [0, 64], (json) => {
    hasChars("", json, [2, 65_536]);
    hasBytes("", json, 65_536);
  });
}

function isToolName(name: string): void {
  if (!namePattern.test(name)) refuse("name", "must be 1 to 128 of letters, digits, _ . : and -.");
}

/** Bounds of what may or must be called. */
export function checkToolChoice({ kind }: ToolChoice): void {
  isGiven("kind", kind, "mode, tool_name, allowed");
  switch (kind.case) {
    case "mode":
      return isOneOf("mode", kind.value, modes);
    case "toolName":
      return hasChars("tool_name", kind.value, nameChars);
    case "allowed":
      return within("allowed", kind.value, ({ mode, names }: AllowedTools) => {
        isOneOf("mode", mode, allowedModes);
        each("names", names, [1, 1_024], (name) => hasChars("", name, nameChars));
      });
  }
}

const allowedModes = { [ToolChoiceMode.AUTO]: "AUTO", [ToolChoiceMode.REQUIRED]: "REQUIRED" };
const modes = { ...allowedModes, [ToolChoiceMode.NONE]: "NONE" };

/** What the bounds cannot say: names are unique, and JSON text is JSON. */
export function checkToolSense(tools: readonly Tool[]): void {
  const names = new Set<string>();
  each("tools", tools, [0, tools.length], ({ kind }) => {
    switch (kind.case) {
      case "function":
        return within("function", kind.value, (tool) => {
          isUnused(tool.name, names);
          isJson("parameters_schema", tool.parametersSchema, "object");
          // A schema may also be `true` or `false`.
          isJson("output_schema", tool.outputSchema, "any");
          each("input_examples_json", tool.inputExamplesJson, [0, 64], (json) => isJson("", json, "object"));
        });
      case "custom":
        return within("custom", kind.value, ({ name }) => isUnused(name, names));
      case "hosted":
        return within("hosted", kind.value, ({ optionsJson }) => isJson("options_json", optionsJson, "object"));
      default:
        return;
    }
  });
}

function isUnused(name: string, names: Set<string>): void {
  if (names.has(name)) refuse("name", "must be unique among the tools.");
  names.add(name);
}
