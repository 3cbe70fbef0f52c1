import type { Dialect, Exchange, Reply, WholeReply } from "../exchange.ts";
import { splitModel } from "../faults.ts";
import { type Fields, isFields } from "../json.ts";
import { answerChat } from "../openai/chat.ts";
import { readChat } from "../openai/chat-request.ts";
import { openai } from "../openai/dialect.ts";
import { answerEmbeddings } from "../openai/embeddings.ts";
import { WireError } from "../wire-error.ts";
import { type AnswerForm, inForm } from "./reply.ts";
import { asOpenAi } from "./request.ts";

/** A provider that speaks chat completions with differences. */
export interface ChatVariant {
  /** What stands before `/chat/completions`, as the provider's base URL ends. */
  readonly root: RegExp;
  /** Names of models beside `echo`, `reasoner` and `embed`. */
  readonly models: RegExp;
  /** Types of parts that it reads in messages of a role; null reads any. */
  parts(role: string, model: string): readonly string[] | null;
  /** Refuses what the provider refuses. @throws WireError */
  check(body: Fields, model: string, path: string): void;
  thinks(body: Fields, model: string): boolean;
  readonly answer: AnswerForm;
  headers(exchange: Exchange): Readonly<Record<string, string>>;
  /** The error's body. */
  error(error: WireError): unknown;
  /** Path below the root of the list of models, and the list. */
  readonly list: { readonly path: string; readonly body: unknown };
  readonly embeddings: boolean;
}

/** The wire format of a variant: OpenAI's, checked and changed as its provider does. */
export function createVariant(variant: ChatVariant): Dialect {
  return {
    ...openai,
    route: (exchange) => {
      const path = exchange.path.replace(variant.root, "");
      if (!variant.root.test(exchange.path)) return null;
      if (exchange.method === "GET") {
        if (path !== variant.list.path) return null;
        return () => ({ status: 200, headers: variant.headers(exchange), body: variant.list.body });
      }
      if (path === "/chat/completions") return () => chat(exchange, variant);
      if (path === "/embeddings" && variant.embeddings) return () => embed(exchange, variant);
      return null;
    },
    renderError: (error, requestId) => render(error, requestId, variant),
  };
}

function chat(exchange: Exchange, variant: ChatVariant): Reply {
  const { body } = exchange;
  if (!isFields(body)) throw new WireError(400, "invalid_request_error", "The request body must be a JSON object.");
  const { model } = splitModel(openai.modelOf(body) ?? "");
  const known = model === "echo" || model === "reasoner" || variant.models.test(model);
  if (!known) {
    const message = `The model \`${model}\` does not exist.`;
    throw new WireError(404, "invalid_request_error", message, { code: "model_not_found" });
  }
  variant.check(body, model, exchange.path);
  checkParts(body, (role) => variant.parts(role, model));
  const thinks = model === "reasoner" || variant.thinks(body, model);
  const ask = readChat(asOpenAi(body, thinks), "echo");
  const reply = answerChat({ ...ask, model, includeUsage: true }, exchange);
  return inForm(reply, variant.answer, {
    headers: variant.headers(exchange),
    sequence: exchange.sequence,
    askedForUsage: isFields(body.stream_options) && body.stream_options.include_usage === true,
  });
}

function checkParts(body: Fields, allowedIn: (role: string) => readonly string[] | null): void {
  for (const [index, { role, content }] of messagesOf(body).entries()) {
    const allowed = allowedIn(String(role));
    if (allowed === null || !Array.isArray(content)) continue;
    const at = content.findIndex((part) => !isFields(part) || !allowed.includes(String(part.type)));
    if (at < 0) continue;
    const param = `messages[${index}].content[${at}].type`;
    throw refusal(`${param}: must be one of ${allowed.join(", ")} in a ${String(role)} message`, { param });
  }
}

function embed(exchange: Exchange, variant: ChatVariant): Reply {
  const { output_dimension: size, ...body } = isFields(exchange.body) ? exchange.body : {};
  const { model } = splitModel(openai.modelOf(body) ?? "");
  const asked = size === undefined ? body : { ...body, dimensions: size };
  return {
    ...answerEmbeddings(asked, /embed/.test(model) ? "embed" : model, exchange),
    headers: variant.headers(exchange),
  };
}

function render(error: Error, requestId: string, variant: ChatVariant): WholeReply {
  const known = error instanceof WireError ? error : new WireError(500, "server_error", "The simulator failed.");
  return {
    status: known.status,
    headers: { "x-request-id": requestId, ...known.headers },
    body: variant.error(known),
  };
}

/** A refusal without more than words. */
export function refusal(message: string, more: { readonly code?: string; readonly param?: string } = {}): WireError {
  return new WireError(400, "invalid_request_error", message, more);
}

/** The messages of a body that are objects. */
export function messagesOf({ messages }: Fields): readonly Fields[] {
  return Array.isArray(messages) ? messages.filter(isFields) : [];
}
