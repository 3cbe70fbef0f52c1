import type { Dialect, Exchange, Reply } from "../exchange.ts";
import { splitModel } from "../faults.ts";
import { isFields } from "../json.ts";
import { WireError } from "../wire-error.ts";
import { answerChat, headersOf } from "./chat.ts";
import { readChat } from "./chat-request.ts";
import { answerEmbeddings } from "./embeddings.ts";
import { failureOf, invalid, renderError, unknownModel } from "./errors.ts";
import { answerResponse } from "./responses.ts";
import { readResponse } from "./responses-request.ts";

/** When the simulated models came out. Seconds since 1970. */
const created = 1_767_225_600;
const models = ["echo", "reasoner", "embed"].map((id) => ({ id, object: "model", created, owned_by: "simulator" }));

/** OpenAI's chat completions, responses, embeddings and models, as its servers and their like speak them. */
export const openai: Dialect = {
  route: (exchange) => {
    const { method, path } = exchange;
    if (method === "GET" && path === "/v1/models") return () => reply(exchange, { object: "list", data: models });
    if (method === "GET" && path.startsWith("/v1/models/")) return () => reply(exchange, modelAt(path));
    if (method !== "POST") return null;
    const { body } = exchange;
    if (path === "/v1/chat/completions") return () => answerChat(readChat(body, namedModel(body)), exchange);
    if (path === "/v1/responses") return () => answerResponse(readResponse(body, namedModel(body)), exchange);
    if (path === "/v1/embeddings") return () => answerEmbeddings(body, namedModel(body), exchange);
    return null;
  },
  authenticate: ({ authorization }) => {
    if (authorization === undefined || !/^Bearer \S/.test(authorization)) {
      throw new WireError(401, "invalid_request_error", "You didn't provide an API key: any but `invalid` will do.");
    }
    if (authorization === "Bearer invalid") {
      throw new WireError(401, "invalid_request_error", "Incorrect API key provided.", { code: "invalid_api_key" });
    }
  },
  renderError,
  failureOf,
  modelOf: (body) => (isFields(body) && typeof body.model === "string" ? body.model : null),
};

function reply(exchange: Exchange, body: unknown): Reply {
  return { status: 200, headers: headersOf(exchange), body };
}

function modelAt(path: string): unknown {
  const id = decodeURIComponent(path.slice("/v1/models/".length));
  const model = models.find((one) => one.id === id);
  if (!model) throw unknownModel(id);
  return model;
}

function namedModel(body: unknown): string {
  const model = openai.modelOf(body);
  if (model === null || model === "")
    throw invalid("model", "You must provide a model parameter.", "missing_required_parameter");
  return splitModel(model).model;
}
