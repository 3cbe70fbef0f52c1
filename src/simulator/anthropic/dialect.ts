import type { Dialect, Exchange, Reply } from "../exchange.ts";
import { splitModel } from "../faults.ts";
import { type Fields, isFields } from "../json.ts";
import { WireError } from "../wire-error.ts";
import { answerMessages, countInput, headersOf } from "./answer.ts";
import { failureOf, invalid, renderError } from "./errors.ts";
import { modelAt, modelPage } from "./models.ts";
import { readAsk } from "./request.ts";

/** Anthropic's Messages, token counts and models. */
export const anthropic: Dialect = {
  route: (exchange) => {
    const { method, path } = exchange;
    const reply = (found: unknown): Reply => ({ status: 200, headers: headersOf(exchange), body: found });
    switch (`${method} ${path}`) {
      case "POST /v1/messages":
        return () => answerMessages(ask(exchange, true), exchange);
      case "POST /v1/messages/count_tokens":
        return () => reply({ input_tokens: countInput(ask(exchange, false)) });
      case "GET /v1/models":
        return () => reply(modelPage(exchange.query));
      default:
        if (method !== "GET" || !path.startsWith("/v1/models/")) return null;
        return () => reply(modelAt(path.slice("/v1/models/".length)));
    }
  },
  authenticate: ({ authorization, "x-api-key": apiKey }) => {
    const key = apiKey ?? (authorization?.startsWith("Bearer ") ? authorization.slice("Bearer ".length) : undefined);
    if (key === undefined || key === "")
      throw new WireError(401, "authentication_error", "x-api-key header is required");
    if (key === "invalid") throw new WireError(401, "authentication_error", "invalid x-api-key");
  },
  renderError,
  failureOf,
  modelOf: (body) => (isFields(body) && typeof body.model === "string" ? body.model : null),
};

function ask({ headers, body }: Exchange, needsMaxTokens: boolean) {
  if (headers["anthropic-version"] === undefined) throw invalid("anthropic-version: header is required");
  const fields = fieldsOf(body);
  const model = anthropic.modelOf(fields);
  if (model === null) throw invalid("model: Field required");
  return readAsk(fields, splitModel(model).model, needsMaxTokens);
}

function fieldsOf(body: unknown): Fields {
  if (isFields(body)) return body;
  throw invalid("The request body is not a JSON object");
}
