import { anthropic } from "../anthropic/dialect.ts";
import { failureOf as claudeFailure, renderError as renderClaude } from "../anthropic/errors.ts";
import type { Dialect, Exchange, Reply, WholeReply } from "../exchange.ts";
import { splitModel } from "../faults.ts";
import { gemini } from "../gemini/dialect.ts";
import { GoogleError, invalid } from "../gemini/errors.ts";
import { type Fields, isFields } from "../json.ts";
import { countTokens, tokenize } from "../tokens.ts";
import { vectorOf } from "../vector.ts";
import { WireError } from "../wire-error.ts";
import { exchangeToken, isToken, keyFile, machineToken, TokenError } from "./tokens.ts";

/** Vertex: Gemini's and Anthropic's formats below a project's location, and where its tokens come from. */
export const vertex: Dialect = {
  route: (exchange) => {
    const { method, path } = exchange;
    if (method === "GET" && path === "/service-account.json") {
      return () => ({ status: 200, headers: {}, body: keyFile(`http://${exchange.headers.host}`) });
    }
    if (method === "POST" && path === "/token") return () => exchangeToken(exchange);
    if (method === "GET" && path === machinePath) return () => machineToken(exchange);
    const place = placeOf(path);
    if (place === null || method !== "POST") return null;
    return place.publisher === "google" ? googles(exchange, place) : () => claudes(exchange, place);
  },
  authenticate: ({ authorization = "", "x-goog-api-key": key }, { path, now }) => {
    if (placeOf(path) === null) return;
    if (key !== undefined && key !== "invalid") return;
    if (isToken(authorization.replace(/^Bearer /, ""), now)) return;
    throw new GoogleError(
      401,
      "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.",
    );
  },
  renderError,
  failureOf: (status, seconds) => (status === 529 ? claudeFailure(status, seconds) : gemini.failureOf(status, seconds)),
  modelOf: (_, path) => placeOf(path ?? "")?.model ?? null,
};

const machinePath = "/computeMetadata/v1/instance/service-accounts/default/token";

interface Place {
  readonly publisher: string;
  readonly model: string;
  readonly method: string;
}

function placeOf(path: string): Place | null {
  const form = /^\/v1\/projects\/[^/]+\/locations\/[^/]+\/publishers\/(google|anthropic)\/models\/([^/]+):([A-Za-z]+)$/;
  const [, publisher, model, method] = form.exec(path) ?? [];
  if (publisher === undefined || model === undefined || method === undefined) return null;
  return { publisher, model, method };
}

function googles(exchange: Exchange, { model, method }: Place): (() => Reply) | null {
  if (method === "predict") return () => predict(fieldsOf(exchange.body), model);
  return gemini.route({ ...exchange, path: `/v1beta/models/${model}:${method}` });
}

function predict({ instances, parameters }: Fields, named: string): Reply {
  const { model } = splitModel(named);
  if (!/embedding/.test(model)) throw new GoogleError(404, `Publisher Model \`${model}\` was not found.`);
  if (!Array.isArray(instances)) throw invalid("instances is not specified");
  const size = Number(isFields(parameters) ? (parameters.outputDimensionality ?? 768) : 768);
  const predictions = instances.filter(isFields).map(({ content }) => {
    const text = String(content);
    const statistics = { truncated: false, token_count: countTokens(text) };
    return { embeddings: { values: [...vectorOf(tokenize(text), size)], statistics } };
  });
  return { status: 200, headers: {}, body: { predictions } };
}

const version = "vertex-2023-10-16";

function claudes(exchange: Exchange, { model: named, method }: Place): Reply {
  const { anthropic_version, ...body } = fieldsOf(exchange.body);
  const claude = (message: string) => new WireError(400, "invalid_request_error", message);
  if (anthropic_version !== version) throw claude(`anthropic_version: Input should be '${version}'`);
  const isCount = named === "count-tokens";
  if (!isCount && "model" in body) throw claude("model: Extra inputs are not permitted");
  if (!isCount && (body.stream === true) !== (method === "streamRawPredict"))
    throw claude("stream: does not fit the method");
  const model = isCount ? String(body.model) : splitModel(named).model;
  const headers = { ...exchange.headers, "anthropic-version": "2023-06-01" };
  const path = isCount ? "/v1/messages/count_tokens" : "/v1/messages";
  const act = anthropic.route({ ...exchange, headers, path, body: { ...body, model: model.replace(/@.*$/, "") } });
  if (act === null) throw claude("There is no such method.");
  return act();
}

function renderError(error: Error, requestId: string): WholeReply {
  if (error instanceof TokenError)
    return { status: error.status, headers: {}, body: { error: error.type, error_description: error.message } };
  const isGoogles = error instanceof GoogleError || !(error instanceof WireError);
  return isGoogles ? gemini.renderError(error, requestId) : renderClaude(error, requestId);
}

function fieldsOf(body: unknown): Fields {
  if (isFields(body)) return body;
  throw invalid("Invalid JSON payload received. Expected an object.");
}
