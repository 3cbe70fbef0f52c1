import { type Fields, parseObject, textOf } from "../../dialects/openai-chat/wire.ts";
import { toVerdict, type Wordings } from "../../dialects/upstream-verdict.ts";
import type { GatewayError } from "../../domain/errors.ts";
import type { Target } from "../../domain/target.ts";
import type { DecodeMemory, HttpReply } from "../provider.ts";

/** What the server's sentences mean where the status does not tell. */
const wordings: Wordings = [
  [/does not support tools/i, "unsupported_parameter", "tools"],
  [/does not support thinking|think value/i, "unsupported_parameter", "reasoning"],
  [/exceeds? (?:the )?(?:maximum )?context|context (?:length|window|size)/i, "context_length_exceeded"],
  [/server busy|maximum pending requests/i, "overloaded"],
  [/model .*(?:not found|does not exist)|pull the model/i, "model_not_found"],
];

/** What a failed call means: `{"error":"…"}`, or whatever a proxy in between says. */
export function fromError(reply: HttpReply, { target }: DecodeMemory): GatewayError {
  const { status, headers } = reply;
  const detail = { upstreamStatus: status };
  return toVerdict({ status, words: wordsOf(errorIn(reply.body)), headers, target, detail }, wordings);
}

/** An error that came as a line of an answer, under HTTP 200. The cloud tells its status there. */
export function failureOf(error: Fields, target: Target): GatewayError {
  const told = error.StatusCode ?? error.status_code ?? error.status;
  const status = typeof told === "number" && told >= 400 && told < 600 ? told : 500;
  return toVerdict({ status, words: wordsOf(error), headers: {}, target }, wordings);
}

function wordsOf(error: Fields): string {
  const nested = error.error;
  if (typeof nested === "object" && nested !== null && "message" in nested) return String(nested.message);
  return textOf(error, "error") || textOf(error, "message");
}

function errorIn(body: string): Fields {
  try {
    return parseObject(body, "an error");
  } catch {
    return {}; // HTML, plain text, nothing: the status says enough, and such text is no message for people.
  }
}
