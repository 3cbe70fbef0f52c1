import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { WebSearchOptions, WebSearchTool } from "../../../gen/trunkline/v1/tool_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import type { ChatQuirks } from "./quirks.ts";

export const notOffered = "a tool that the provider runs is not offered through chat completions.";

/**
 * Searching of the web as a setting of the request. It is a setting here and a tool elsewhere: where both are given,
 * the setting counts.
 */
export function encodeWebSearch(
  { webSearch, tools }: ChatRequest,
  { webSearch: form }: ChatQuirks,
  losses: LossReport,
): JsonMembers {
  const tool = tools.find(({ kind }) => kind.case === "webSearch");
  const options = webSearch ?? (tool?.kind.case === "webSearch" ? tool.kind.value.options : undefined);
  if (form === "plugin" || form === "search_parameters") {
    if (!webSearch && !tool) return {};
    return form === "plugin"
      ? { plugins: [plugin(options, losses)] }
      : { search_parameters: liveSearch(options, losses) };
  }
  if (form === undefined) return options ? { web_search_options: searchOptions(options, losses) } : {};
  if (webSearch) losses.drop("web_search", form ? "is a tool of this provider: offer it as one." : notSearched);
  return {};
}

const notSearched = "is not taken by this provider.";

/** A tool that searches, among the request's tools: as it is, or as nothing where it became a setting. */
export function encodeSearchTool(
  { options, version }: WebSearchTool,
  field: string,
  { webSearch: form }: ChatQuirks,
  losses: LossReport,
): readonly JsonTree[] {
  if (form === null || (form === undefined && !options)) losses.drop(field, notOffered);
  else if (typeof form === "object") {
    if (options) losses.drop(`${field}.web_search.options`, "are not taken: this provider searches as it sees fit.");
    if (version) losses.drop(`${field}.web_search.version`, notSearched);
    return [{ type: form.tool }];
  } else losses.approximate(field, "is sent as a setting: searching is no tool of this provider's.");
  return [];
}

/** OpenRouter's plugin. */
function plugin(options: WebSearchOptions | undefined, losses: LossReport): JsonTree {
  if (options?.contextSize !== undefined) losses.drop("web_search.context_size", notSearched);
  const place = options?.userLocation;
  return {
    id: "web",
    ...(options?.maxUses !== undefined && { max_uses: options.maxUses }),
    ...(options && options.allowedDomains.length > 0 && { include_domains: options.allowedDomains }),
    ...(options && options.blockedDomains.length > 0 && { exclude_domains: options.blockedDomains }),
    ...(place && { user_location: { type: "approximate", ...placeOf(place) } }),
  };
}

/** xAI's Live Search. */
function liveSearch(options: WebSearchOptions | undefined, losses: LossReport): JsonTree {
  if (options?.contextSize !== undefined) losses.drop("web_search.context_size", notSearched);
  if (options?.maxUses !== undefined) losses.drop("web_search.max_uses", notSearched);
  const { country, city, region, timezone } = options?.userLocation ?? {};
  if (city || region || timezone) losses.drop("web_search.user_location", "is taken as a country only.");
  const source = {
    type: "web",
    ...(country && { country }),
    ...(options && options.allowedDomains.length > 0 && { allowed_websites: options.allowedDomains }),
    ...(options && options.blockedDomains.length > 0 && { excluded_websites: options.blockedDomains }),
  };
  return { mode: "auto", sources: [source] };
}

function placeOf({ city, region, country, timezone }: NonNullable<WebSearchOptions["userLocation"]>): JsonMembers {
  return {
    ...(city && { city }),
    ...(region && { region }),
    ...(country && { country }),
    ...(timezone && { timezone }),
  };
}

/** As OpenAI's search models take it. */
function searchOptions(options: WebSearchOptions, losses: LossReport): JsonTree {
  if (options.allowedDomains.length > 0) losses.drop("web_search.allowed_domains", "is not taken by this provider.");
  if (options.blockedDomains.length > 0) losses.drop("web_search.blocked_domains", "is not taken by this provider.");
  if (options.maxUses !== undefined) losses.drop("web_search.max_uses", "is not taken by this provider.");
  return {
    ...(options.contextSize !== undefined && { search_context_size: options.contextSize }),
    ...(options.userLocation && { user_location: { type: "approximate", approximate: placeOf(options.userLocation) } }),
  };
}
