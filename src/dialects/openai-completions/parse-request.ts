import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { blankChatRequest, chatMessage, textPart } from "../../domain/blank.ts";
import type { ChatCall } from "../../domain/chat.ts";
import { GatewayError } from "../../domain/errors.ts";
import { type Loss, LossReport } from "../../domain/loss.ts";
import type { JsonBody } from "../json-body.ts";
import {
  invalid,
  isSet,
  type MemberReaders,
  type MemberTable,
  memberReaders,
  Place,
  readMembers,
  toArray,
  toBoolean,
  toInteger,
  toObject,
  toText,
} from "../json-read.ts";
import type { ChatDraft } from "../openai-chat/chat-draft.ts";
import { samplingTable } from "../openai-chat/parse-sampling.ts";
import { settingsTable } from "../openai-chat/parse-settings.ts";

/** A legacy completions request: one chat for each prompt. */
export interface ParsedCompletions {
  /** The first prompt's. */
  readonly call: ChatCall;
  /** One for each prompt, the first among them. */
  readonly calls: readonly ChatCall[];
  /** Texts that each choice begins with, by its index: the prompt, where it is wanted back. */
  readonly echoes: readonly string[];
  readonly includeUsage: boolean;
  /** What chat cannot say of the request. */
  readonly losses: readonly Loss[];
}

interface CompletionsDraft extends ChatDraft {
  prompts: readonly string[];
  echo: boolean;
  bestOf: number;
  hasSuffix: boolean;
}

const maxPrompts = 16;
const maxChoices = 128;
/** What the API says of a request that does not bound its answer. */
const defaultMaxTokens = 16;

/**
 * Reads `POST /v1/completions`. Models are asked in chat: a prompt is one message of the user's, which is told as a loss.
 * @throws GatewayError `invalid_value`, and `unsupported_parameter` for tokens in place of text and under the REFUSE policy
 */
export function parseCompletionsRequest(
  body: JsonBody,
  { lossPolicy }: { readonly lossPolicy: LossPolicy },
): ParsedCompletions {
  const request = blankChatRequest();
  request.lossPolicy = lossPolicy;
  const draft: CompletionsDraft = {
    ...{ request, json: body.json, unknown: [], stream: false, hasStreamOptions: false, includeUsage: false },
    ...{ legacyFunctions: false, prompts: [], echo: false, bestOf: 1, hasSuffix: false },
  };
  readMembers(body.value, Place.root, readers, draft, draft);
  checkWhole(draft);
  request.maxOutputTokens ??= defaultMaxTokens;
  const count = request.choiceCount ?? 1;
  const losses = lossesOf(draft, lossPolicy === LossPolicy.REFUSE);
  const calls = draft.prompts.map((prompt) => ({
    request: { ...request, messages: [chatMessage(Role.USER, [textPart(prompt)])] },
    stream: draft.stream,
  }));
  const echoes = draft.echo ? draft.prompts.flatMap((prompt) => Array.from({ length: count }, () => prompt)) : [];
  // `checkWhole` has seen a prompt.
  return { call: calls[0] as ChatCall, calls, echoes, includeUsage: draft.includeUsage, losses };
}

const { temperature, top_p, n, max_tokens, seed, stop, logit_bias, presence_penalty, frequency_penalty } =
  samplingTable;
const { model, user, fallback_models, provider_options } = settingsTable;

const table: MemberTable<CompletionsDraft, CompletionsDraft> = {
  ...{ temperature, top_p, n, max_tokens, seed, stop, logit_bias, presence_penalty, frequency_penalty },
  ...{ model, user, fallback_models, provider_options },
  prompt: [
    "messages",
    (draft, value, at) => {
      draft.prompts = toPrompts(value, at);
    },
  ],
  suffix: (draft, value, at) => {
    draft.hasSuffix = toText(value, at) !== "";
  },
  echo: (draft, value, at) => {
    draft.echo = toBoolean(value, at);
  },
  best_of: (draft, value, at) => {
    draft.bestOf = toInteger(value, at, 1, 20);
  },
  logprobs: ({ request }, value, at) => {
    const most = toInteger(value, at, 0, 5);
    request.logprobs = true;
    if (most > 0) request.topLogprobs = most;
  },
  stream: (draft, value, at) => {
    draft.stream = toBoolean(value, at);
  },
  stream_options: (draft, value, at) => {
    draft.hasStreamOptions = true;
    const { include_usage: usage } = toObject(value, at);
    draft.includeUsage = isSet(usage) && toBoolean(usage, at.at("include_usage"));
  },
};

const readers: MemberReaders<CompletionsDraft, CompletionsDraft> = memberReaders(table);

function toPrompts(value: unknown, place: Place): readonly string[] {
  if (typeof value === "string") return [toText(value, place)];
  if (!Array.isArray(value)) throw invalid(place, "must be a text, or an array of texts.");
  if (value.some((one) => typeof one === "number" || Array.isArray(one))) {
    const { param, field } = place;
    const message = `${param} must be text: tokens mean nothing to a model of another vocabulary.`;
    throw new GatewayError("unsupported_parameter", message, { param, field, retryable: false });
  }
  return toArray(value, place, maxPrompts).map((prompt, i) => toText(prompt, place.at(i)));
}

function checkWhole({ request, prompts, bestOf, stream, hasStreamOptions }: CompletionsDraft): void {
  const at = (name: string) => Place.root.at(name);
  if (request.model === "")
    throw invalid(at("model"), "is required: the name of a model, as GET /v1/models lists them.");
  if (prompts.length === 0) throw invalid(at("prompt"), "is required: a text, or an array of at least one text.");
  const count = request.choiceCount ?? 1;
  if (prompts.length * count > maxChoices) {
    throw invalid(at("n"), `must be at most ${maxChoices} answers together with the number of prompts.`);
  }
  if (bestOf > 1 && bestOf < count) throw invalid(at("best_of"), "must be at least n.");
  if (hasStreamOptions && !stream) throw invalid(at("stream_options"), "is allowed only with stream: true.");
}

function lossesOf({ request, unknown, hasSuffix, bestOf, echo }: CompletionsDraft, refuse: boolean): readonly Loss[] {
  const report = new LossReport(refuse);
  report.approximate("prompt", "is asked as a message of the user's in a chat.");
  if (hasSuffix) report.drop("suffix", "cannot be said in a chat.");
  if (bestOf > (request.choiceCount ?? 1)) report.drop("best_of", "as many answers are made as are given.");
  if (echo && request.logprobs) report.approximate("echo", "the prompt is given without its log probabilities.");
  for (const name of unknown) report.drop(name, "is not a field that the gateway knows here.");
  return report.losses;
}
