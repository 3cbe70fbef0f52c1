import type { Dialect, Exchange } from "../exchange.ts";
import { splitModel } from "../faults.ts";
import { type Fields, isFields } from "../json.ts";
import { WireError } from "../wire-error.ts";
import { answerChat } from "./chat.ts";
import { readChat } from "./chat-request.ts";
import { answerEmbed } from "./embed.ts";
import { failureOf, invalid, renderError } from "./errors.ts";
import { show, tags } from "./models.ts";

/** Ollama's own API: chat, embeddings, and what was pulled. */
export const ollama: Dialect = {
  route: (exchange) => {
    const reply = (body: unknown) => ({ status: 200, headers: {}, body });
    switch (`${exchange.method} ${exchange.path}`) {
      case "POST /api/chat":
        return () => answerChat(readChat(fieldsOf(exchange), namedModel(exchange)), exchange);
      case "POST /api/embed":
        return () => answerEmbed(fieldsOf(exchange), namedModel(exchange));
      case "POST /api/show":
        return () => reply(show(namedModel(exchange)));
      case "GET /api/tags":
        return () => reply(tags());
      case "GET /api/version":
        return () => reply({ version: "0.13.0-simulated" });
      default:
        return null;
    }
  },
  // A server of one's own asks for no key, and takes any.
  authenticate: ({ authorization }) => {
    if (authorization === "Bearer invalid") throw new WireError(401, "", "unauthorized");
  },
  renderError,
  failureOf,
  modelOf: (body) => (isFields(body) && typeof body.model === "string" ? body.model : null),
};

function fieldsOf({ body }: Exchange): Fields {
  if (isFields(body)) return body;
  throw invalid("missing request body");
}

function namedModel({ body }: Exchange): string {
  const model = ollama.modelOf(body);
  if (model === null || model === "") throw invalid("model is required");
  return splitModel(model).model;
}
