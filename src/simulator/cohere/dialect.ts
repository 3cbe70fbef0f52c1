import type { Dialect, Exchange, Reply } from "../exchange.ts";
import { splitModel } from "../faults.ts";
import { type Fields, isFields } from "../json.ts";
import { WireError } from "../wire-error.ts";
import { answerChat, headersOf } from "./chat.ts";
import { readChat } from "./chat-request.ts";
import { answerEmbed } from "./embed.ts";
import { failureOf, invalid, renderError } from "./errors.ts";
import { modelPage } from "./models.ts";

/** Cohere's second API: chat, embeddings, and the list of models of the first. */
export const cohere: Dialect = {
  route: (exchange) => {
    const reply = (body: unknown): Reply => ({ status: 200, headers: headersOf(exchange), body });
    switch (`${exchange.method} ${exchange.path}`) {
      case "POST /v2/chat":
        return () => answerChat(readChat(fieldsOf(exchange), namedModel(exchange)), exchange);
      case "POST /v2/embed":
        return () => reply(answerEmbed(fieldsOf(exchange), namedModel(exchange), exchange.requestId));
      case "GET /v1/models":
        return () => reply(modelPage(exchange.query));
      default:
        return null;
    }
  },
  authenticate: ({ authorization }) => {
    if (authorization === undefined || !/^Bearer \S/.test(authorization))
      throw new WireError(401, "", "no api key supplied");
    if (authorization === "Bearer invalid") throw new WireError(401, "", "invalid api token");
  },
  renderError,
  failureOf,
  modelOf: (body) => (isFields(body) && typeof body.model === "string" ? body.model : null),
};

function fieldsOf({ body }: Exchange): Fields {
  if (isFields(body)) return body;
  throw invalid("invalid request: body must be a JSON object");
}

function namedModel({ body }: Exchange): string {
  const model = cohere.modelOf(body);
  if (model === null || model === "") throw invalid("invalid request: model is required");
  return splitModel(model).model;
}
