import type { MemberRules } from "../../dialects/openai-chat/member-rules.ts";
import type { ChatQuirks, ReasoningForm } from "../../dialects/openai-chat/quirks.ts";
import { windowIn } from "../chat-completions/model-page.ts";
import { type ChatServer, dropping, onlyOpenAi, onlySelfHosted, plainDefaults } from "../chat-completions/server.ts";

/** Groq refuses what it does not know, in the body and in messages (wire.md §6; groq-sdk 1.6.0). */
export const groqServer: ChatServer = {
  kind: "groq",
  quirks: ({ model }) => quirks[familyOf(model)],
  members: () => members,
  // Thoughts of Qwen's models stand in the answer's text unless they are asked for apart.
  defaults: ({ model }, { reasoning }) =>
    familyOf(model) === "qwen" && reasoning?.includeText === undefined ? { reasoning_format: "parsed" } : {},
  answers: { ownFacts: "x_groq" },
  // The model wrote no valid call or JSON; the request was none the worse, and the same again may do.
  errors: [{ words: /"(?:tool_use_failed|json_validate_failed)"/, code: "upstream_error" }],
  list: {
    factsIn: (entry) => (entry.active === false ? null : windowIn(entry, "context_window", "max_completion_tokens")),
  },
};

type Family = "gpt-oss" | "qwen" | "other";

function familyOf(model: string): Family {
  if (/gpt-oss/.test(model)) return "gpt-oss";
  return /qwen/.test(model) ? "qwen" : "other";
}

const base: ChatQuirks = {
  kind: "groq",
  maxTokensName: "max_completion_tokens",
  endUserName: "user",
  developerRole: true,
  reasoningField: null,
  cacheMarks: false,
  extendedSampling: false,
  basic: true,
  media: ["image"],
  resultMedia: ["image"],
  hostedTools: [],
  webSearch: null,
  reasoning: { members: [], efforts: {} },
};

const gptOss: ReasoningForm = {
  members: ["reasoning_effort", "include_reasoning"],
  efforts: { minimal: "low", low: "low", medium: "medium", high: "high", xhigh: "high", max: "high" },
  shown: { yes: { include_reasoning: true }, no: { include_reasoning: false } },
};

/** They think or they do not. */
const qwen: ReasoningForm = {
  members: ["reasoning_effort", "include_reasoning"],
  efforts: {
    none: "none",
    default: "default",
    ...Object.fromEntries(["minimal", "low", "medium", "high", "xhigh", "max"].map((effort) => [effort, "default"])),
  },
  shown: { yes: { reasoning_format: "parsed" }, no: { reasoning_format: "hidden" } },
};

const quirks: Readonly<Record<Family, ChatQuirks>> = {
  "gpt-oss": {
    ...base,
    reasoningField: "reasoning",
    reasoning: gptOss,
    hostedTools: ["browser_search", "code_interpreter"],
    webSearch: { tool: "browser_search" },
  },
  qwen: { ...base, reasoningField: "reasoning", reasoning: qwen },
  other: base,
};

const members: MemberRules = {
  ...onlyOpenAi,
  ...onlySelfHosted,
  ...plainDefaults,
  ...dropping("logit_bias", "top_logprobs", "prompt_cache_key"),
  logprobs: { drop: "is not taken by this provider.", but: false },
  n: { only: 1, why: "must be 1: this provider gives one answer." },
  service_tier: {
    words: {
      auto: "auto",
      default: "on_demand",
      on_demand: "on_demand",
      flex: "flex",
      priority: "performance",
      performance: "performance",
    },
  },
};
