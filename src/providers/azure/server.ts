import type { MemberRules } from "../../dialects/openai-chat/member-rules.ts";
import type { ChatQuirks } from "../../dialects/openai-chat/quirks.ts";
import type { ModelFacts } from "../../domain/model-facts.ts";
import type { Target } from "../../domain/target.ts";
import { type ChatServer, dropping, onlySelfHosted } from "../chat-completions/server.ts";
import { factsOf as openAiFacts, rulesOf } from "../openai/models.ts";
import { refusedWhileReasoning, unsaid } from "../openai/refused.ts";

/** Azure OpenAI: OpenAI's models and format, deployed under names of the customer's own (wire.md §11). */
export const azureServer: ChatServer = {
  kind: "azure",
  modelName: deploymentOf,
  quirks: () => quirks,
  members: (target, request) => {
    const { reasons, effortNone, stop } = rulesOf(target.model);
    const thinking = reasons && !(effortNone && request.reasoning?.effort === "none");
    return { ...members, ...(thinking && whileReasoning), ...(!stop && dropping("stop")) };
  },
  answers: { contentFilter: true },
  errors: [
    { words: /ResponsibleAIPolicyViolation|content management policy/, code: "content_filter" },
    // API Management in front: a subscription that is spent answers 403.
    { status: 403, words: /quota/i, code: "insufficient_quota" },
  ],
  facts,
};

/** The name that a model was deployed under: where nothing else is configured, its own. */
export function deploymentOf({ model, facts: { deployment } }: Target): string {
  return deployment ?? model;
}

/** Prices differ by region and kind of deployment, so that OpenAI's say nothing here. */
function facts(model: string): ModelFacts {
  const { prices: _, ...known } = openAiFacts(model);
  return known;
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

/** What models refuse while they reason; a value that is the default anyway is left out without a word. */
const whileReasoning: MemberRules = Object.fromEntries(
  refusedWhileReasoning.map((name) => {
    const drop = "is not taken by models that reason before they answer.";
    return [name, { drop, ...(name in unsaid && { but: unsaid[name] }) }];
  }),
);
