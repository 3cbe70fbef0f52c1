import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { encodeBatchEmbed, encodeEmbedContent } from "../../dialects/gemini/encode-embeddings.ts";
import { encodeGeminiModel, encodeGeminiModels } from "../../dialects/gemini/encode-models.ts";
import { encodeGenerateResponse } from "../../dialects/gemini/encode-response.ts";
import { createGeminiEncoder, keepAlives, type StreamForm } from "../../dialects/gemini/encode-stream.ts";
import { withGeminiParam } from "../../dialects/gemini/param.ts";
import {
  type ParsedGeminiEmbeddings,
  parseBatchEmbed,
  parseEmbedContent,
} from "../../dialects/gemini/parse-embeddings.ts";
import { type ParsedGemini, parseGenerateRequest } from "../../dialects/gemini/parse-request.ts";
import { type JsonBody, readJsonBody } from "../../dialects/json-body.ts";
import type { Caller } from "../../domain/context.ts";
import { GatewayError, toGatewayError } from "../../domain/errors.ts";
import { LossReport } from "../../domain/loss.ts";
import { type ChatDialect, createChatHandler, readChat } from "./chat-flow.ts";
import type { Exchange } from "./exchange.ts";
import { pageOf } from "./pages.ts";

type Handler = (exchange: Exchange, caller: Caller) => Promise<void>;

function dialect(stream: boolean, form: StreamForm): ChatDialect<ParsedGemini> {
  return {
    name: "gemini",
    parse: (body, { lossPolicy, rest }) => parseGenerateRequest(body, { lossPolicy, model: rest, stream }),
    encodeWhole: encodeGenerateResponse,
    createStreamEncoder: (_, requestId) => createGeminiEncoder(form, requestId),
    keepAlive: keepAlives[form],
    ...(form === "array" && { streamType: "application/json" }),
    withParam: withGeminiParam,
  };
}

/** `POST /v1beta/models/*:generateContent`. */
export const handleGenerate = createChatHandler(dialect(false, "sse"));

const streams = {
  sse: createChatHandler(dialect(true, "sse")),
  array: createChatHandler(dialect(true, "array")),
} as const;

/** `POST /v1beta/models/*:streamGenerateContent`: events with `alt=sse`, else one array that grows. */
export const handleStreamGenerate: Handler = (exchange, caller) => {
  return streams[exchange.query("alt") === "sse" ? "sse" : "array"](exchange, caller);
};

/** `POST /v1beta/models/*:countTokens`. A provider that cannot count has its count estimated. */
export const handleGeminiCount: Handler = async (exchange, caller) => {
  const parsed = await readChat<ParsedGemini>(exchange, {
    parse: (body, { lossPolicy, rest }) =>
      parseGenerateRequest(body, { lossPolicy, model: rest, stream: false, counting: true }),
  });
  try {
    const { inputTokens } = await exchange.gateway.countTokens(parsed.call, caller, exchange.context);
    exchange.answer(JSON.stringify({ totalTokens: inputTokens }));
  } catch (thrown) {
    throw withGeminiParam(toGatewayError(thrown), parsed);
  }
};

/** `POST /v1beta/models/*:embedContent`. */
export const handleEmbedContent = embedHandler(parseEmbedContent, encodeEmbedContent);

/** `POST /v1beta/models/*:batchEmbedContents`. */
export const handleBatchEmbed = embedHandler(parseBatchEmbed, encodeBatchEmbed);

function embedHandler(
  parse: (body: JsonBody, model: string) => ParsedGeminiEmbeddings,
  encode: typeof encodeEmbedContent,
): Handler {
  return async (exchange, caller) => {
    const { gateway, context } = exchange;
    const report = new LossReport(exchange.lossPolicy() === LossPolicy.REFUSE);
    const { request, unknown } = parse(readJsonBody(await exchange.readJson()), exchange.rest);
    for (const name of unknown) report.drop(name, "The gateway does not know this member.");
    if (report.losses.length > 0) context.trail.note({ kind: "loss", losses: report.losses });
    exchange.answer(encode(await gateway.embed(request, caller, context)));
  };
}

/** Models a page where none is asked for, and at most. */
const usualPage = 50;
const maxPage = 1_000;

/** `GET /v1beta/models`, by pages. */
export const handleGeminiModels: Handler = async (exchange, caller) => {
  const size = pageSize(exchange.query("pageSize"));
  const token = exchange.query("pageToken") ?? "";
  const after = token === "" ? null : Buffer.from(token, "base64url").toString();
  const models = await exchange.gateway.listModels(caller, exchange.context);
  const page = pageOf(models, { after, before: null, size, param: "pageToken" });
  const last = page.models.at(-1);
  const next = page.hasMore && last ? Buffer.from(last.name).toString("base64url") : "";
  exchange.answer(encodeGeminiModels(page.models, next));
};

function pageSize(text: string | undefined): number {
  if (text === undefined || text === "" || text === "0") return usualPage;
  if (/^[1-9]\d{0,8}$/.test(text)) return Math.min(Number(text), maxPage);
  throw new GatewayError("invalid_value", `pageSize must be a number from 0 to ${maxPage}.`, { param: "pageSize" });
}

/** `GET /v1beta/models/{name}`. */
export const handleGeminiModel: Handler = async (exchange, caller) => {
  exchange.answer(encodeGeminiModel(await exchange.gateway.getModel(exchange.rest, caller, exchange.context)));
};

/** `GET /v1beta/tunedModels`: models that were tuned at a provider are listed among the others. */
export const handleTunedModels: Handler = async (exchange) => exchange.answer("{}");
