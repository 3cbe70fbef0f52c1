import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { JsonMembers } from "../../dialects/json-text.ts";
import type { AnswerQuirks } from "../../dialects/openai-chat/decode-answer.ts";
import type { MemberRules } from "../../dialects/openai-chat/member-rules.ts";
import type { ChatQuirks } from "../../dialects/openai-chat/quirks.ts";
import type { Target } from "../../domain/target.ts";
import type { EmbeddingRules } from "./embeddings.ts";
import type { ErrorRules } from "./errors.ts";
import type { ModelListForm } from "./model-page.ts";

/** What one server that speaks chat completions does otherwise than OpenAI. A table: `createChatProvider` reads it. */
export interface ChatServer {
  /** Provider kind, such as `groq`. */
  readonly kind: string;
  /** Form and order of a request's messages, names and words of its settings. */
  quirks(target: Target, request: ChatRequest): ChatQuirks;
  /** What becomes of single members of a request. */
  members(target: Target, request: ChatRequest): MemberRules;
  /** The name by which the server knows a target's model; its own if absent. */
  modelName?(target: Target): string;
  /** Members that the model refuses. Absent: those that its facts name, whatever their value. */
  refused?(target: Target, request: ChatRequest): MemberRules;
  /** Members of every request, for what accounting rests on. */
  readonly always?: JsonMembers;
  /** Members of a request that is built from the contract, for answers as the contract has them. */
  defaults?(target: Target, request: ChatRequest): JsonMembers;
  /** Path of requests whose last message is the model's own, or with strict tools, where that is another one. */
  readonly betaPath?: string;
  readonly answers?: AnswerQuirks;
  readonly errors?: ErrorRules;
  /** Absent: OpenAI's list. */
  readonly list?: ModelListForm;
  /** null: there are none. Absent: OpenAI's. */
  readonly embeddings?: EmbeddingRules | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Why a setting is left out. */
export const notTaken = "is not taken by this provider.";

/** Rules for members that a server does not know. */
export function dropping(...names: readonly string[]): MemberRules {
  return Object.fromEntries(names.map((name) => [name, { drop: notTaken }]));
}

/** Rules for what a model refuses, as its facts say, whatever the value. Fields of the contract by their names here. */
export function refusedBy({ facts }: Target): MemberRules {
  const names = (facts.parametersRefused ?? []).map((field) => (field === "choice_count" ? "n" : field));
  return dropping(...names);
}

/** What OpenAI added to chat completions for its own services, and hardly anyone took over. */
export const onlyOpenAi = dropping(
  ...["prompt_cache_options", "prompt_cache_retention", "moderation", "audio", "verbosity"],
  ...["prediction", "metadata", "web_search_options"],
);

/** Extensions of self-hosted servers that callers may send and stricter ones refuse. */
export const onlySelfHosted = dropping("top_k", "min_p", "repetition_penalty");

/** Rules of members whose default is what happens anyway. */
export const plainDefaults: MemberRules = {
  store: { drop: notTaken, but: false },
  modalities: { drop: notTaken },
  safety_identifier: { as: "user" },
};
