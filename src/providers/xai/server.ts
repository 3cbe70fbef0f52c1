import type { MemberRules } from "../../dialects/openai-chat/member-rules.ts";
import type { ChatQuirks } from "../../dialects/openai-chat/quirks.ts";
import { type Fields, textOf } from "../../dialects/openai-chat/wire.ts";
import { type ModelFacts, reasons } from "../../domain/model-facts.ts";
import { wordsIn } from "../chat-completions/model-page.ts";
import { type ChatServer, dropping, onlyOpenAi, onlySelfHosted, plainDefaults } from "../chat-completions/server.ts";
import { effortsOf } from "./models.ts";

/** xAI (wire.md §7). Its tools that run on the server are in its Responses API only. */
export const xaiServer: ChatServer = {
  kind: "xai",
  quirks: ({ facts }) => ({
    ...base,
    reasoning: { members: ["reasoning_effort"], efforts: effortsOf(facts), alwaysShown: reasons(facts) === true },
  }),
  members: () => members,
  // A USD has 10^10 ticks (docs.x.ai, "Cost tracking").
  answers: { usage: { countsApart: true, cost: { member: "cost_in_usd_ticks", nanoUsd: 0.1 } }, citations: true },
  errors: [
    { words: /incorrect api key|invalid api key/i, code: "upstream_auth" },
    { words: /used all available credits|monthly spending limit/i, code: "insufficient_quota" },
    { words: /currently unavailable|overloaded/i, code: "service_unavailable" },
    { status: 403, words: /violates usage guidelines/i, code: "content_filter" },
  ],
  list: { path: "/language-models", member: "models", factsIn },
  embeddings: null,
};

const base: ChatQuirks = {
  kind: "xai",
  maxTokensName: "max_completion_tokens",
  endUserName: "user",
  developerRole: true,
  reasoningField: "reasoning_content",
  cacheMarks: false,
  extendedSampling: false,
  basic: true,
  media: ["image"],
  hostedTools: [],
  webSearch: "search_parameters",
};

const members: MemberRules = {
  ...onlyOpenAi,
  ...onlySelfHosted,
  ...plainDefaults,
  ...dropping("logit_bias"),
  top_logprobs: { atMost: 8 },
  deferred: { drop: "is not taken: an answer that is fetched later cannot be handed on.", but: false },
  service_tier: { words: { auto: "auto", default: "default", priority: "priority" } },
};

/** Prices are in cents for a hundred million tokens. */
function factsIn(entry: Fields): ModelFacts {
  const [input, output] = [wordsIn(entry, "input_modalities"), wordsIn(entry, "output_modalities")];
  const { prompt_text_token_price: prompt, completion_text_token_price: completion } = entry;
  const priced = typeof prompt === "number" && typeof completion === "number";
  return {
    ...(input && { inputModalities: input }),
    ...(output && { outputModalities: output }),
    ...(priced && {
      prices: {
        inputNanoUsd: prompt * nanoUsd,
        outputNanoUsd: completion * nanoUsd,
        version: `xai ${textOf(entry, "version") || "list"}`,
      },
    }),
  };
}

/** A cent for 10^8 tokens, in nano-USD for 10^6. */
const nanoUsd = 100_000;
