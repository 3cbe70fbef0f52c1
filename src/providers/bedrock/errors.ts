import { type Fields, parseObject, textOf } from "../../dialects/openai-chat/wire.ts";
import { toVerdict, type Wordings } from "../../dialects/upstream-verdict.ts";
import type { GatewayError } from "../../domain/errors.ts";
import type { Target } from "../../domain/target.ts";
import type { DecodeMemory, HttpReply } from "../provider.ts";

/** What the provider's sentences mean where the exception does not tell. */
const wordings: Wordings = [
  [
    /too long|too many (?:input )?tokens(?! per| ?,? please wait)|context (?:length|window|limit)|exceeds? the (?:maximum|model)|maximum (?:context|tokens)/i,
    "context_length_exceeded",
  ],
  [
    /model identifier is invalid|on-demand throughput|inference profile|end of its life|model .*not (?:found|supported)/i,
    "model_not_found",
  ],
  [/content filter|guardrail|blocked by/i, "content_filter"],
];

/** What a failed call means: the exception in a header, `{"message":…}`, or whatever a proxy in between says. */
export function fromError({ status, headers, body }: HttpReply, { target }: DecodeMemory): GatewayError {
  const error = errorIn(body);
  const type = nameOf(headers["x-amzn-errortype"] ?? "") || nameOf(textOf(error, "__type") || textOf(error, "code"));
  const requestId = headers["x-amzn-requestid"];
  const detail = {
    upstreamStatus: status,
    ...(type && { upstreamCode: type.slice(0, maxNameLength) }),
    ...(requestId && { upstreamRequestId: requestId.slice(0, maxIdLength) }),
  };
  const words = textOf(error, "message") || textOf(error, "Message");
  return toVerdict({ status: statuses.get(keyOf(type)) ?? status, words, headers, target, detail }, wordings);
}

/** An exception that came inside an answer, under HTTP 200. @param type such as `throttlingException` */
export function failureOf(type: string, error: Fields, target: Target): GatewayError {
  const status = statuses.get(keyOf(type)) ?? 500;
  const words = textOf(error, "message") || textOf(error, "originalMessage");
  const detail = { upstreamCode: nameOf(type).slice(0, maxNameLength) };
  return toVerdict({ status, words, headers: {}, target, detail }, status === 400 ? wordings : []);
}

/** The statuses that exceptions amount to: some have another one of their own (wire.md §14). */
const statuses: ReadonlyMap<string, number> = new Map([
  ["validationexception", 400],
  ["accessdeniedexception", 403],
  ["expiredtokenexception", 401],
  ["unrecognizedclientexception", 401],
  ["invalidsignatureexception", 401],
  ["resourcenotfoundexception", 404],
  ["modeltimeoutexception", 408],
  ["throttlingexception", 429],
  // A quota is told as 400, and passes like any other limit.
  ["servicequotaexceededexception", 429],
  // The model is being loaded.
  ["modelnotreadyexception", 503],
  // The model's own fault, told as 424.
  ["modelerrorexception", 500],
  ["modelstreamerrorexception", 500],
  ["internalserverexception", 500],
  ["serviceunavailableexception", 503],
]);

/** `ValidationException:http://internal.amazon.com/…`, `com.amazon.coral#ValidationException`. */
function nameOf(type: string): string {
  const [name = ""] = type.split(":", 1);
  return name.slice(name.lastIndexOf("#") + 1);
}

function keyOf(type: string): string {
  return nameOf(type).toLowerCase();
}

const maxNameLength = 64;
const maxIdLength = 128;

function errorIn(body: string): Fields {
  try {
    return parseObject(body, "an error");
  } catch {
    return {}; // HTML, plain text, nothing: the status says enough, and such text is no message for people.
  }
}
