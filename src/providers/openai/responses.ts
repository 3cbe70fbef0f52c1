import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import { toJsonText } from "../../dialects/json-text.ts";
import { ResponseDecoder } from "../../dialects/openai-responses/decode-answer.ts";
import type { ResponsesQuirks } from "../../dialects/openai-responses/encode-content.ts";
import { encodeResponsesRequest } from "../../dialects/openai-responses/encode-request.ts";
import { isMadeHere } from "../../dialects/openai-responses/wire.ts";
import { hasWrapped } from "../../dialects/wrapped-parts.ts";
import type { ChatCall, Frame, SourceBody } from "../../domain/chat.ts";
import type { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import { failureOf } from "../chat-completions/errors.ts";
import type { DecodeMemory, SseEvent, StreamDecoder } from "../provider.ts";
import { isKnown, rulesOf } from "./models.ts";
import { dropRefused, reasonsNow, refuses } from "./refused.ts";

/** Whether a model lives on the Responses API only: the catalogue or the configuration says so. */
export function livesOnResponses({ facts }: Target): boolean {
  return facts.api === "responses";
}

/**
 * Whether a model is asked through `/responses`: the catalogue or the configuration says so; or the caller speaks that
 * itself and this is a server of OpenAI's own, where every model answers there.
 */
export function asksResponses({ source }: ChatCall, target: Target): boolean {
  if (target.facts.api !== undefined) return livesOnResponses(target);
  return source?.dialect === "openai-responses" && target.wire === "exact";
}

/** Whether the answer is one of the Responses API. */
export function isResponses({ dialect, target }: DecodeMemory): boolean {
  return dialect === "openai-responses" || livesOnResponses(target);
}

/**
 * Whether a conversation of this dialect can be sent on as it came: not with what another model made in it, whose proofs
 * and ids OpenAI would refuse, nor with provider options, which are merged into bodies that are built.
 */
export function canBeSentOn(
  { messages, providerOptions }: ChatRequest,
  { bytes }: SourceBody,
  target: Target,
): boolean {
  if (providerOptions[target.provider] !== undefined || hasWrapped(bytes)) return false;
  return !messages.some(({ parts }) =>
    parts.some(({ kind, proof, id }) => kind.case === "reasoning" && proof === undefined && isMadeHere(id)),
  );
}

/**
 * The body of `POST /responses`.
 * @param name the server's name of the model, where it is not the model's own
 */
export function buildResponses(
  request: ChatRequest,
  stream: boolean,
  target: Target,
  losses: LossReport,
  name = target.model,
): string {
  const rules = rulesOf(target.facts);
  const refusesLogprobs = refuses("logprobs", rules, reasonsNow(request, rules));
  const asked = refusesLogprobs ? withoutLogprobs(request, target.model, losses) : request;
  const body = encodeResponsesRequest(asked, { model: name, stream }, quirksOf(target), losses);
  dropRefused(body, request, target, losses);
  return toJsonText(body);
}

/** Log probabilities are asked for in two places of the body, so they are taken out before it is made. */
function withoutLogprobs(request: ChatRequest, model: string, losses: LossReport): ChatRequest {
  const { logprobs, topLogprobs, ...others } = request;
  const why = `is not taken by ${model}, which reasons before it answers.`;
  if (logprobs) losses.drop("logprobs", why);
  if (topLogprobs !== undefined) losses.drop("top_logprobs", why);
  return others;
}

function quirksOf({ facts, wire, provider }: Target): ResponsesQuirks {
  const own = wire === "exact";
  const { reasons } = rulesOf(facts);
  return {
    kind: provider,
    endUserName: own ? "safety_identifier" : "user",
    // A compatible server ignores what it does not know; OpenAI refuses it for models that do not reason.
    sealedReasoning: own ? reasons : reasons || !isKnown(facts),
    openReasoning: !own,
    cacheMarks: own,
  };
}

/** A whole response as frames. */
export function fromWholeResponse(body: string, memory: DecodeMemory): readonly Frame[] {
  return decoderFor(memory).pushWhole(body);
}

/** Reads a stream of the Responses API. */
export function createResponsesDecoder(memory: DecodeMemory): StreamDecoder {
  const answer = decoderFor(memory);
  return {
    push: (event) => answer.pushEvent(event.event, event.data, wireText(event)),
    end: () => answer.end(),
    get done() {
      return answer.done;
    },
  };
}

function decoderFor({ target, providerData = false }: DecodeMemory): ResponseDecoder {
  return new ResponseDecoder({ kind: target.provider, failure: (error) => failureOf(error, target), providerData });
}

function wireText({ event, data }: SseEvent): string {
  const lines = `data: ${data.includes("\n") ? data.replaceAll("\n", "\ndata: ") : data}\n\n`;
  return event === "" ? lines : `event: ${event}\n${lines}`;
}
