import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { MemberRules } from "../../dialects/openai-chat/member-rules.ts";
import type { ChatQuirks } from "../../dialects/openai-chat/quirks.ts";
import type { Target } from "../../domain/target.ts";
import { type ChatServer, dropping, onlyOpenAi, onlySelfHosted, plainDefaults } from "../chat-completions/server.ts";

/** DeepSeek (wire.md §9). */
export const deepseekServer: ChatServer = {
  kind: "deepseek",
  quirks: quirksOf,
  members: (target, request) => (thinks(target, request) ? { ...members, ...ignoredWhileThinking } : members),
  betaPath: "/beta/chat/completions",
  answers: { failures: { insufficient_system_resource: 503 } },
  embeddings: null,
};

function quirksOf(target: Target, request: ChatRequest): ChatQuirks {
  // With tools, a model that thinks refuses a history in which one of its turns lacks the thought (edge case 125).
  const reasoningOnAll = request.tools.length > 0 && thinks(target, request);
  const vision = target.facts.inputModalities?.includes("image");
  return {
    kind: "deepseek",
    maxTokensName: "max_tokens",
    endUserName: "user",
    developerRole: false,
    // The first reasoners refuse thoughts that come back.
    reasoningField: /-r1\b/.test(target.model) ? null : "reasoning_content",
    cacheMarks: false,
    extendedSampling: false,
    basic: true,
    media: vision ? ["image"] : [],
    hostedTools: [],
    webSearch: null,
    jsonSchema: "in-prompt",
    reasoning: {
      members: ["reasoning_effort", "thinking"],
      alwaysShown: thinks(target, request),
      efforts: {
        none: { thinking: { type: "disabled" } },
        ...{ minimal: "low", low: "low", medium: "medium", high: "high", xhigh: "max", max: "max" },
      },
    },
    messages: { plainText: !vision, prefix: true, reasoningOnAll },
  };
}

function thinks({ facts }: Target, { reasoning }: ChatRequest): boolean {
  if (reasoning?.effort === "none" || reasoning?.budgetTokens === 0) return false;
  return (
    reasoning?.effort !== undefined || reasoning?.budgetTokens !== undefined || facts.reasoning?.byDefault === true
  );
}

const members: MemberRules = {
  ...onlyOpenAi,
  ...onlySelfHosted,
  ...plainDefaults,
  ...dropping("seed", "logit_bias", "service_tier", "prompt_cache_key", "user", "safety_identifier"),
  max_completion_tokens: { as: "max_tokens" },
  n: { only: 1, why: "must be 1: this provider gives one answer." },
  parallel_tool_calls: { drop: "is not taken: calls may come in parallel.", but: true },
};

/** Taken, and without effect. */
const ignoredWhileThinking = Object.fromEntries(
  ["temperature", "top_p", "presence_penalty", "frequency_penalty"].map((name) => [
    name,
    { drop: "has no effect while the model thinks." },
  ]),
);
