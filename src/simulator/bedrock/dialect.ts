import { answerMessages } from "../anthropic/answer.ts";
import { readAsk } from "../anthropic/request.ts";
import type { Dialect, Exchange, Reply } from "../exchange.ts";
import { splitModel } from "../faults.ts";
import { type Fields, isFields, isStrings } from "../json.ts";
import { countTokens, tokenize } from "../tokens.ts";
import { vectorOf } from "../vector.ts";
import { WireError } from "../wire-error.ts";
import { asConverse } from "./answer.ts";
import { asMessages } from "./converse.ts";
import { failureOf, refused, renderError } from "./errors.ts";
import { checkCredentials } from "./signature.ts";

/** Amazon Bedrock's Converse, whole and as an event stream, and the embeddings of Titan and Cohere. */
export const bedrock: Dialect = {
  route: (exchange) => {
    const place = placeOf(exchange.path);
    if (place === null || exchange.method !== "POST") return null;
    if (place.method === "invoke") return () => embed(exchange, place.model);
    return () => converse(exchange, place.model, place.method === "converse-stream");
  },
  authenticate: (_, exchange) => checkCredentials(exchange),
  renderError,
  failureOf,
  modelOf: (_, path) => placeOf(path ?? "")?.model ?? null,
};

/** `/model/us.anthropic.claude-echo-v1:0/converse` */
function placeOf(path: string): { readonly model: string; readonly method: string } | null {
  const [, model, method] = /^\/model\/(.+)\/(converse|converse-stream|invoke)$/.exec(path) ?? [];
  return model === undefined || method === undefined ? null : { model, method };
}

function converse(exchange: Exchange, named: string, stream: boolean): Reply {
  const { model } = splitModel(named);
  const claude = /claude-[a-z0-9-]+/.exec(model)?.[0];
  const other = /^(?:[a-z-]+\.)?(?:amazon|meta|mistral|openai|deepseek|cohere|qwen)\./.test(model);
  if (claude === undefined && !other)
    throw new WireError(400, "ValidationException", "The provided model identifier is invalid.");
  const name = claude ?? "claude-echo";
  const ask = readAsk(asMessages(fieldsOf(exchange.body), name, stream), name, true);
  return asConverse(answerMessages(ask, exchange), exchange);
}

const titanSize = 1_024;

function embed({ body, requestId }: Exchange, named: string): Reply {
  const fields = fieldsOf(body);
  const { model } = splitModel(named);
  const headers = { "x-amzn-requestid": requestId };
  if (/titan-embed/.test(model)) {
    if (typeof fields.inputText !== "string") throw refused("#: required key [inputText] not found");
    const embedding = [...vectorOf(tokenize(fields.inputText), Number(fields.dimensions ?? titanSize))];
    return { status: 200, headers, body: { embedding, inputTextTokenCount: countTokens(fields.inputText) } };
  }
  if (!/cohere\.embed/.test(model)) throw refused("The provided model identifier is invalid.");
  if (!isStrings(fields.texts) || typeof fields.input_type !== "string")
    throw refused("texts and input_type are required");
  const float = fields.texts.map((text) => [...vectorOf(tokenize(text), Number(fields.output_dimension ?? titanSize))]);
  const tokens = fields.texts.reduce((sum, text) => sum + countTokens(text), 0);
  const counted = { ...headers, "x-amzn-bedrock-input-token-count": String(tokens) };
  return { status: 200, headers: counted, body: { id: requestId, embeddings: { float }, texts: fields.texts } };
}

function fieldsOf(body: unknown): Fields {
  if (isFields(body)) return body;
  throw refused("The request body is not a JSON object");
}
