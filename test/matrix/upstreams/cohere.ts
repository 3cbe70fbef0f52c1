import type { FeatureName } from "../features.ts";
import { each, textOf, textsIn } from "../foreign.ts";
import { readChatBody } from "./chat-body.ts";
import type { Upstream } from "./upstream.ts";

const models: Partial<Readonly<Record<FeatureName, string>>> = {
  "reasoning effort": "command-a-reasoning-08-2025",
  "reasoning budget": "command-a-reasoning-08-2025",
  "reasoning off": "command-a-reasoning-08-2025",
  "order of parts": "command-a-vision-07-2025",
  "thoughts shown": "command-a-reasoning-08-2025",
  "reasoning round trip": "command-a-reasoning-08-2025",
  images: "command-a-vision-07-2025",
  "image by address": "command-a-vision-07-2025",
};

/** Cohere's `/v2/chat`: wire.md §13. Messages look like chat completions', settings do not. */
export const cohere: Upstream = {
  name: "Cohere",
  kind: "cohere",
  basePath: "/cohere",
  isExact: false,
  thinksAnyway: true,
  needsCacheMark: false,
  model: (feature) => models[feature] ?? "command-a-03-2025",
  read: (body) => {
    const { response_format: format, thinking } = body;
    const thoughts = each(body.messages)
      .filter(({ role }) => role === "assistant")
      .flatMap(({ content }) => each(content).flatMap((block) => textOf(block.thinking) || []));
    return {
      ...readChatBody(body, { maxTokens: ["max_tokens"] }),
      results: each(body.messages)
        .filter(({ role }) => role === "tool")
        .map(({ content }) => ({ text: textsIn(content), images: [], failed: false })),
      choice: textOf(body.tool_choice).toLowerCase() || null,
      schema: format?.json_schema,
      isJson: format?.type === "json_object" && format.json_schema === undefined,
      effort: null,
      budget: thinking?.token_budget,
      isOff: thinking?.type === "disabled",
      thoughts,
      stop: each(body.stop_sequences),
      topP: body.p,
      topK: body.k,
      endUser: undefined,
    };
  },
};
