import {
  type FunctionTool,
  type Tool,
  type ToolChoice,
  ToolChoiceMode,
  type WebSearchOptions,
  type WebSearchTool,
} from "../../../gen/trunkline/v1/tool_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import { membersOf, objectText } from "../json-splice.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";

/**
 * Tools as the Responses API has them: flat, with `parameters` and `strict` always given.
 * @param search the request's own search settings; searching is a tool here
 */
export function encodeTools(
  tools: readonly Tool[],
  search: WebSearchOptions | undefined,
  losses: LossReport,
): readonly JsonTree[] {
  const encoded = tools.flatMap<JsonTree>((tool, i) => encodeTool(tool, `tools[${i}]`, losses) ?? []);
  if (!search) return encoded;
  if (!tools.some(({ kind }) => kind.case === "webSearch")) {
    return [...encoded, { type: "web_search", ...encodeSearch(search, "web_search", losses) }];
  }
  losses.drop("web_search", "is not sent beside a web search tool, whose own settings count.");
  return encoded;
}

function encodeTool(tool: Tool, field: string, losses: LossReport): JsonTree | null {
  const { kind } = tool;
  if (tool.cache) losses.drop(`${field}.cache`, "is not taken on tools by this provider.");
  const isOwn = kind.case === "function" || kind.case === "custom";
  if (!isOwn && tool.deferLoading !== undefined)
    losses.drop(`${field}.defer_loading`, "is taken on the caller's tools.");
  if (!isOwn && tool.allowedCallers.length > 0)
    losses.drop(`${field}.allowed_callers`, "is taken on the caller's tools.");
  const loading = {
    ...(tool.deferLoading !== undefined && { defer_loading: tool.deferLoading }),
    ...(tool.allowedCallers.length > 0 && { allowed_callers: tool.allowedCallers }),
  };
  switch (kind.case) {
    case "function":
      return { ...encodeFunction(kind.value, `${field}.function`, losses), ...loading };
    case "custom": {
      const { name, description, grammar } = kind.value;
      const format = grammar && { type: "grammar", syntax: grammar.syntax, definition: grammar.definition };
      return { type: "custom", name, ...(description && { description }), ...(format && { format }), ...loading };
    }
    case "webSearch":
      return encodeSearchTool(kind.value, `${field}.web_search`, losses);
    case "hosted":
      return encodeHosted(kind.value, field, losses);
    default:
      return null;
  }
}

/** Strict is this API's default, but changes what a schema means; unset stays what it is in chat. */
function encodeFunction(tool: FunctionTool, field: string, losses: LossReport): JsonMembers {
  if (tool.inputExamplesJson.length > 0) losses.drop(`${field}.input_examples_json`, "is not taken by this provider.");
  const { name, description, strict = false, parametersSchema, outputSchema } = tool;
  return {
    type: "function",
    name,
    ...(description && { description }),
    parameters: parametersSchema ? objectText(parametersSchema, `${field}.parameters_schema`) : noParameters,
    strict,
    ...(outputSchema !== undefined && { output_schema: objectText(outputSchema, `${field}.output_schema`) }),
  };
}

const noParameters = { type: "object", properties: {}, additionalProperties: false };

/** This provider's own versions of its search tool. */
const searchVersion = /^web_search(_preview)?(_\d{4}_\d\d_\d\d)?$/;

function encodeSearchTool({ options, version }: WebSearchTool, field: string, losses: LossReport): JsonTree {
  const type = searchType(version);
  if (version !== "" && type !== version) {
    losses.approximate(`${field}.version`, "is another provider's; this provider's own search is offered.");
  }
  return { type, ...(options && encodeSearch(options, `${field}.options`, losses)) };
}

function searchType(version: string): string {
  return searchVersion.test(version) ? version : "web_search";
}

function encodeSearch(options: WebSearchOptions, field: string, losses: LossReport): JsonMembers {
  const { allowedDomains, blockedDomains, userLocation, contextSize, maxUses } = options;
  if (blockedDomains.length > 0) losses.drop(`${field}.blocked_domains`, "is not taken by this provider.");
  if (maxUses !== undefined) losses.drop(`${field}.max_uses`, "is not taken by this provider.");
  const { city, region, country, timezone } = userLocation ?? {};
  const place = { ...(city && { city }), ...(region && { region }), ...(country && { country }) };
  return {
    ...(contextSize !== undefined && { search_context_size: contextSize }),
    ...(userLocation && { user_location: { type: "approximate", ...place, ...(timezone && { timezone }) } }),
    ...(allowedDomains.length > 0 && { filters: { allowed_domains: allowedDomains } }),
  };
}

/** Other providers' tools, by name; what is in neither list may be newer than this gateway, and is sent. */
const foreignTools = /_20\d{6}$|^(?:web_fetch|url_context|google_search|google_maps|memory|bash|text_editor|x_search)$/;

function encodeHosted(
  { type, name, optionsJson }: { type: string; name: string; optionsJson: string },
  field: string,
  losses: LossReport,
): JsonTree | null {
  if (foreignTools.test(type)) {
    losses.drop(field, `is a tool of another provider: ${type} is not offered here.`);
    return null;
  }
  const options = membersOf(optionsJson, `${field}.hosted.options_json`);
  if (type === "code_execution") {
    losses.approximate(`${field}.hosted.type`, "is sent as code_interpreter, this provider's tool of that kind.");
    return { type: "code_interpreter", container: { type: "auto" }, ...named(name), ...options };
  }
  return { type, ...named(name), ...options };
}

function named(name: string): JsonMembers {
  return name === "" ? {} : { name };
}

const modes: Readonly<Record<number, string>> = {
  [ToolChoiceMode.AUTO]: "auto",
  [ToolChoiceMode.NONE]: "none",
  [ToolChoiceMode.REQUIRED]: "required",
};

export function encodeToolChoice({ kind }: ToolChoice, tools: readonly Tool[]): JsonTree | undefined {
  switch (kind.case) {
    case "mode":
      return modes[kind.value];
    case "toolName":
      return reference(kind.value, tools);
    case "allowed": {
      const { mode, names } = kind.value;
      return { type: "allowed_tools", mode: modes[mode] ?? "auto", tools: names.map((name) => reference(name, tools)) };
    }
    default:
      return undefined;
  }
}

/** A tool as `tool_choice` names it: by the kind that it was offered as. */
function reference(name: string, tools: readonly Tool[]): JsonTree {
  for (const { kind } of tools) {
    if ((kind.case === "function" || kind.case === "custom") && kind.value.name === name)
      return { type: kind.case, name };
    if (kind.case === "webSearch" && name.startsWith("web_search")) return { type: searchType(kind.value.version) };
    if (kind.case === "hosted" && (kind.value.type === name || kind.value.name === name)) {
      return { type: kind.value.type === "code_execution" ? "code_interpreter" : kind.value.type };
    }
  }
  return { type: "function", name };
}
