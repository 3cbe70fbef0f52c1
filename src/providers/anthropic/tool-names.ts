import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import { createNames, type NameRule, type Names } from "../../dialects/legal-names.ts";

/** Messages takes tool names and call ids of these characters only, up to this length. */
const rule: NameRule = {
  legal: /^[a-zA-Z0-9_-]+$/,
  maxLength: 128,
  clean: (original) => original.replaceAll(/[^a-zA-Z0-9_-]/g, "_") || "_",
};

/** Maps the names of all tools of a request, also of those that only its history knows. */
export function createToolNames(request: ChatRequest): Names {
  const names: string[] = [];
  for (const { kind } of request.tools) {
    if (kind.case === "function" || kind.case === "custom") names.push(kind.value.name);
  }
  for (const call of toolCalls(request)) names.push(call.name);
  return createNames(names, rule);
}

/** Maps the ids of all calls in a request's history: other providers make ids that Messages refuses. */
export function createCallIds(request: ChatRequest): Names {
  return createNames(
    [...toolCalls(request)].map((call) => call.id),
    rule,
  );
}

function* toolCalls(request: ChatRequest) {
  for (const { parts } of request.messages) {
    for (const { kind } of parts) if (kind.case === "toolCall") yield kind.value;
  }
}
