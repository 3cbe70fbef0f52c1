import type { MemberRules } from "../../dialects/openai-chat/member-rules.ts";
import type { ChatQuirks } from "../../dialects/openai-chat/quirks.ts";
import { type ChatServer, dropping, notTaken } from "../chat-completions/server.ts";
import { factsIn } from "./models.ts";

/**
 * OpenRouter (wire.md §10; @openrouter/sdk 1.3.19). It passes over members that it does not know without a word, so that
 * they are told here.
 */
export const openrouterServer: ChatServer = {
  kind: "openrouter",
  quirks: ({ model }) => quirksOf(model),
  members: () => members,
  // What the call cost comes with its usage.
  always: { usage: { include: true } },
  answers: { usage: { cost: { member: "cost", nanoUsd: 1e9 } }, reasoningDetails: true },
  errors: [{ status: 403, words: /"(?:reasons|flagged_input)"/, code: "content_filter" }],
  list: { factsIn },
};

function quirksOf(model: string): ChatQuirks {
  return {
    kind: "openrouter",
    maxTokensName: "max_tokens",
    endUserName: "user",
    developerRole: true,
    reasoningField: "reasoning",
    cacheMarks: "cache_control",
    extendedSampling: true,
    basic: true,
    webSearch: "plugin",
    reasoning: {
      members: ["reasoning_effort", "reasoning", "include_reasoning"],
      object: true,
      efforts: Object.fromEntries(
        ["none", "minimal", "low", "medium", "high", "xhigh", "max"].map((effort) => [effort, effort]),
      ),
    },
    // Details that name no form come from OpenRouter itself.
    proofs: {
      form: "reasoning_details",
      issuers: ["openrouter", "unknown", ...(vendors[model.split("/", 1)[0] ?? ""] ?? [])],
    },
  };
}

/** Whose proofs a vendor's models read, by the name that stands before theirs. */
const vendors: Readonly<Record<string, readonly string[]>> = {
  anthropic: ["anthropic"],
  google: ["gemini"],
  openai: ["openai"],
  "x-ai": ["xai"],
};

const members: MemberRules = {
  ...dropping("moderation", "prompt_cache_retention"),
  n: { drop: notTaken, but: 1 },
  store: { drop: notTaken, but: false },
  safety_identifier: { as: "user" },
};
