import type { MemberRules } from "../../dialects/openai-chat/member-rules.ts";
import type { ChatQuirks, ReasoningForm } from "../../dialects/openai-chat/quirks.ts";
import { reasons } from "../../domain/model-facts.ts";
import { flagsIn, windowIn } from "../chat-completions/model-page.ts";
import { type ChatServer, dropping, onlyOpenAi, onlySelfHosted } from "../chat-completions/server.ts";
import { capabilitiesOf } from "./models.ts";

/** Mistral refuses members that it does not know (wire.md §12; @mistralai/mistralai 2.7.0). */
export const mistralServer: ChatServer = {
  kind: "mistral",
  quirks: ({ facts }) => (reasons(facts) ? thinking : base),
  members: () => members,
  answers: { thinkingIssuer: "mistral" },
  list: {
    factsIn: (entry) => ({
      ...windowIn(entry, "max_context_length", "max_completion_tokens"),
      ...capabilitiesOf(flagsIn(entry, "capabilities")),
    }),
  },
  embeddings: { dimensions: "output_dimension", noUser: true },
};

const reasoning: ReasoningForm = {
  members: ["reasoning_effort"],
  efforts: {
    ...{ none: "none", minimal: "minimal", low: "low", medium: "medium" },
    ...{ high: "high", xhigh: "xhigh", max: "xhigh" },
  },
};

const base: ChatQuirks = {
  kind: "mistral",
  maxTokensName: "max_tokens",
  endUserName: "user",
  developerRole: false,
  reasoningField: null,
  cacheMarks: false,
  extendedSampling: false,
  basic: true,
  media: ["image", "audio", "file"],
  resultMedia: ["image", "audio", "file"],
  documentUrls: true,
  bareAudio: true,
  hostedTools: ["web_search", "web_search_premium", "code_interpreter", "image_generation", "document_library"],
  webSearch: { tool: "web_search" },
  reasoning,
  messages: { callIdLength: 9, onlyToolsNamed: true, afterTools: "Done.", prefix: true },
};

const thinking: ChatQuirks = {
  ...base,
  reasoning: { ...reasoning, alwaysShown: true },
  proofs: { form: "thinking_parts", issuers: ["mistral"] },
};

const members: MemberRules = {
  ...onlyOpenAi,
  ...onlySelfHosted,
  ...dropping("logit_bias", "top_logprobs", "user", "safety_identifier", "modalities"),
  // These two it has.
  metadata: { as: "metadata" },
  prediction: { as: "prediction" },
  logprobs: { drop: "is not taken by this provider.", but: false },
  store: { drop: "is not taken by this provider.", but: false },
  max_completion_tokens: { as: "max_tokens" },
  seed: { as: "random_seed" },
  temperature: { atMost: 1.5 },
  // Usage comes with the last event in any case.
  stream_options: { needless: true },
  service_tier: { words: { auto: "auto", default: "standard_only", standard_only: "standard_only" } },
};
