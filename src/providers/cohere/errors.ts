import { type Fields, parseObject, textOf } from "../../dialects/openai-chat/wire.ts";
import { toVerdict, type Wordings } from "../../dialects/upstream-verdict.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { Target } from "../../domain/target.ts";
import type { DecodeMemory, HttpReply } from "../provider.ts";

/** What the provider's sentences mean where the status does not tell. */
const wordings: Wordings = [
  [
    /too many tokens|context (?:length|window|limit)|exceeds? the (?:maximum )?(?:token|context)/i,
    "context_length_exceeded",
  ],
  [/calls? ?\/ ?month|monthly|billing|upgrade your account|payment/i, "insufficient_quota"],
  [/model .*(?:not found|does not exist|was removed)/i, "model_not_found"],
  [/blocked (?:input|output)|content (?:filter|moderation)/i, "content_filter"],
];

/** What a failed call means: `{"message":"…","id":"…"}`, or whatever a proxy in between says. */
export function fromError({ status, headers, body }: HttpReply, { target }: DecodeMemory): GatewayError {
  const error = errorIn(body);
  const requestId = textOf(error, "id") || (headers["x-debug-trace-id"] ?? "");
  const detail = { upstreamStatus: status, ...(requestId && { upstreamRequestId: requestId.slice(0, maxIdLength) }) };
  return toVerdict({ status, words: textOf(error, "message"), headers, target, detail }, wordings);
}

/** An error that came as an event of an answer, under HTTP 200. */
export function failureOf(words: string, target: Target): GatewayError {
  return toVerdict({ status: 500, words, headers: {}, target }, wordings);
}

/** An answer that the provider gave up: finish reasons that are none. */
export function endedBadly(reason: string, words: string, target: Target): GatewayError {
  if (reason !== "TIMEOUT") return failureOf(words || `The answer ended with ${reason}.`, target);
  const { instance, model } = target;
  return new GatewayError("timeout", "The provider ran out of time.", {
    provider: instance,
    model,
    upstreamCode: reason,
  });
}

const maxIdLength = 128;

function errorIn(body: string): Fields {
  try {
    return parseObject(body, "an error");
  } catch {
    return {}; // HTML, plain text, nothing: the status says enough, and such text is no message for people.
  }
}
