import { Role } from "../../../gen/trunkline/v1/message_pb.ts";
import type { MemberRules } from "../../dialects/openai-chat/member-rules.ts";
import type { ChatQuirks } from "../../dialects/openai-chat/quirks.ts";
import { windowIn } from "../chat-completions/model-page.ts";
import { type ChatServer, dropping, onlyOpenAi, plainDefaults } from "../chat-completions/server.ts";

/**
 * vLLM (wire.md §16). It passes over members that it does not know without a word, so that they are told here. Which
 * model it serves, and what that takes, nobody knows but its list.
 */
export const vllmServer: ChatServer = {
  kind: "vllm",
  quirks: () => quirks,
  members: () => members,
  // A last message of the model is gone on from, not answered.
  defaults: (_, { messages }) =>
    messages.at(-1)?.role === Role.ASSISTANT ? { add_generation_prompt: false, continue_final_message: true } : {},
  list: { factsIn: (entry) => windowIn(entry, "max_model_len", "") },
};

const quirks: ChatQuirks = {
  kind: "vllm",
  maxTokensName: "max_tokens",
  endUserName: "user",
  developerRole: false,
  reasoningField: "reasoning",
  cacheMarks: false,
  extendedSampling: true,
  basic: true,
  media: ["image", "audio", "video"],
  hostedTools: [],
  webSearch: null,
  grammars: true,
  reasoning: {
    members: ["reasoning_effort", "include_reasoning"],
    efforts: {
      // What templates of hybrid models read; the member itself knows three words.
      none: { chat_template_kwargs: { enable_thinking: false } },
      ...{ minimal: "low", low: "low", medium: "medium", high: "high", xhigh: "high", max: "high" },
    },
    shown: { yes: { include_reasoning: true }, no: { include_reasoning: false } },
  },
};

const members: MemberRules = {
  ...onlyOpenAi,
  ...plainDefaults,
  ...dropping("service_tier", "prompt_cache_key"),
};
