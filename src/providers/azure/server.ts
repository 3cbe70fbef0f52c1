import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { MemberRules } from "../../dialects/openai-chat/member-rules.ts";
import type { ChatQuirks } from "../../dialects/openai-chat/quirks.ts";
import type { Target } from "../../domain/target.ts";
import { type ChatServer, dropping, notTaken, onlySelfHosted } from "../chat-completions/server.ts";
import { rulesOf } from "../openai/models.ts";
import { reasonsNow, refusedWhileReasoning, refuses, unsaid } from "../openai/refused.ts";

/** Azure OpenAI: OpenAI's models and format, deployed under names of the customer's own (wire.md §11). */
export const azureServer: ChatServer = {
  kind: "azure",
  modelName: deploymentOf,
  quirks: () => quirks,
  members: () => members,
  refused,
  answers: { contentFilter: true },
  errors: [
    { words: /ResponsibleAIPolicyViolation|content management policy/, code: "content_filter" },
    // API Management in front: a subscription that is spent answers 403.
    { status: 403, words: /quota/i, code: "insufficient_quota" },
  ],
};

/** The name that a model was deployed under: where nothing else is configured, its own. */
export function deploymentOf({ model, facts: { deployment } }: Target): string {
  return deployment ?? model;
}

const quirks: ChatQuirks = {
  kind: "azure",
  maxTokensName: "max_completion_tokens",
  endUserName: "user",
  developerRole: true,
  reasoningField: null,
  cacheMarks: false,
  extendedSampling: false,
};

const members: MemberRules = {
  ...onlySelfHosted,
  ...dropping("moderation", "prompt_cache_options", "web_search_options"),
  safety_identifier: { as: "user" },
};

/** What the model refuses; a value that is the default anyway is left out without a word. */
function refused({ facts }: Target, request: ChatRequest): MemberRules {
  const rules = rulesOf(facts);
  const isReasoning = reasonsNow(request, rules);
  const names = [...new Set([...rules.refused, "logprobs"])].filter((name) => refuses(name, rules, isReasoning));
  return Object.fromEntries(
    names.map((name) => {
      const isInTheWay = rules.reasons && refusedWhileReasoning.has(name);
      const drop = isInTheWay ? "is not taken by models that reason before they answer." : notTaken;
      return [name === "choice_count" ? "n" : name, { drop, ...(name in unsaid && { but: unsaid[name] }) }];
    }),
  );
}
