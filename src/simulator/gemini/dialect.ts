import type { Dialect, Exchange, Reply } from "../exchange.ts";
import { splitModel } from "../faults.ts";
import { type Fields, isFields } from "../json.ts";
import { answerGenerate, countInput, type Form } from "./answer.ts";
import { answerBatch, answerSingle } from "./embeddings.ts";
import { failureOf, GoogleError, invalid, renderError, unknownModel } from "./errors.ts";
import { isEmbedding, isGenerating, modelAt, modelPage } from "./models.ts";
import { type GenerateAsk, readGenerate } from "./request.ts";

/** Google's Gemini API: generateContent, its streams, token counts, embeddings and models. */
export const gemini: Dialect = {
  route: (exchange) => {
    const { method, query } = exchange;
    const place = placeOf(exchange.path);
    if (place === null) return null;
    const ok = (body: unknown): Reply => ({ status: 200, headers: {}, body });
    if (method === "GET" && place.name === "") return () => ok(modelPage(query));
    if (method === "GET" && place.method === "") return () => ok(modelAt(`models/${place.name}`));
    if (method !== "POST") return null;
    return methods[place.method]?.(place, exchange) ?? null;
  },
  authenticate: ({ authorization, "x-goog-api-key": apiKey }) => {
    const key = apiKey ?? (authorization?.startsWith("Bearer ") ? authorization.slice("Bearer ".length) : "");
    if (key === "") {
      throw new GoogleError(
        403,
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other " +
          "form of API consumer identity to call this API.",
      );
    }
    if (key === "invalid") {
      throw new GoogleError(400, "API key not valid. Please pass a valid API key.", { reason: "API_KEY_INVALID" });
    }
  },
  renderError,
  failureOf,
  modelOf: (_, path) => placeOf(path ?? "")?.name || null,
};

interface Place {
  readonly version: string;
  /** The model, with the fault that its name may carry. */
  readonly name: string;
  readonly method: string;
}

/** `/v1beta/models/gemini-echo:generateContent` */
function placeOf(path: string): Place | null {
  const [, version, name = "", method = ""] =
    /^\/(v1(?:beta|alpha)?)\/models(?:\/([^:]+?)(?::(\w+))?)?$/.exec(path) ?? [];
  return version === undefined ? null : { version, name, method };
}

type Method = (place: Place, exchange: Exchange) => () => Reply;

const methods: Readonly<Record<string, Method>> = {
  generateContent: (place, exchange) => () => answerGenerate(ask(place, exchange.body), "whole", exchange),
  streamGenerateContent: (place, exchange) => () => {
    const form: Form = exchange.query.get("alt") === "sse" ? "sse" : "array";
    return answerGenerate(ask(place, exchange.body), form, exchange);
  },
  countTokens: (place, { body }) => {
    return () => {
      const { generateContentRequest: whole, ...rest } = fieldsOf(body);
      const totalTokens = countInput(ask(place, whole ?? rest));
      const promptTokensDetails = [{ modality: "TEXT", tokenCount: totalTokens }];
      return { status: 200, headers: {}, body: { totalTokens, promptTokensDetails } };
    };
  },
  embedContent: (place, { body }) => {
    return () => answerSingle(fieldsOf(body), embeddingModel(place));
  },
  batchEmbedContents: (place, { body }) => {
    return () => answerBatch(fieldsOf(body), embeddingModel(place));
  },
};

function ask({ version, name, method }: Place, body: unknown): GenerateAsk {
  const { model } = splitModel(name);
  if (!isGenerating(model)) throw unknownModel(model, version, method);
  return readGenerate(fieldsOf(body), model);
}

function embeddingModel({ version, name, method }: Place): string {
  const { model } = splitModel(name);
  if (!isEmbedding(model)) throw unknownModel(model, version, method);
  return model;
}

function fieldsOf(body: unknown): Fields {
  if (isFields(body)) return body;
  throw invalid("Invalid JSON payload received. Expected an object.");
}
