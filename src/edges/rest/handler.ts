import { beginRequest } from "../../domain/begin.ts";
import type { Operation } from "../../domain/context.ts";
import { toGatewayError } from "../../domain/errors.ts";
import type { Incoming, Reply } from "../http.ts";
import { logBug } from "../log-bug.ts";
import { anthropicRoutes } from "./anthropic-routes.ts";
import { Exchange, type ExchangeParts, errorHeaders, requestIdHeaders } from "./exchange.ts";
import { geminiRoutes } from "./gemini-routes.ts";
import { healthRoutes } from "./health.ts";
import { openAiErrors, openAiRoutes } from "./openai-routes.ts";
import { createOriginPolicy, type OriginOptions } from "./origins.ts";
import { compileRoutes, type NoRoute, pathOf, queryOf, type RouteMatch, unknownRoute } from "./routes.ts";
import { boundRest, writeJson } from "./write-json.ts";

type Headers = Readonly<Record<string, string>>;

export interface RestParts extends ExchangeParts, OriginOptions {
  /** Whether the gateway can serve: `/health/ready` says so, and nothing more. */
  readonly ready: () => boolean;
}

/** Answers one request. Never throws; the returned promise settles when the answer has been handed to Node. */
export type RestHandler = (req: Incoming, res: Reply) => Promise<void>;

/**
 * The REST edge: the APIs of OpenAI, Anthropic and Google over HTTP/1.1 and HTTP/2, errors included. A further dialect is a
 * further group of routes.
 */
export function createRestHandler(parts: RestParts): RestHandler {
  const find = compileRoutes([
    { errors: openAiErrors, routes: openAiRoutes },
    anthropicRoutes,
    geminiRoutes,
    { errors: openAiErrors, routes: healthRoutes(parts.ready) },
  ]);
  const origins = createOriginPolicy(parts);

  async function answer(req: Incoming, res: Reply): Promise<void> {
    const path = pathOf(req.url);
    const query = queryOf(req.url);
    const hints = { header: (name: string) => req.headers[name], query };
    const found =
      path === null ? { errors: openAiErrors, error: unknownRoute(), allow: [] } : find(req.method ?? "", path, hints);
    const origin = origins(req);
    // Health is asked by probes that know this machine by its address only.
    const isPublic = "route" in found && found.route.policy === "public";
    if (origin.refusal && !isPublic) return refuse(parts, res, { ...found, error: origin.refusal, allow: [] }, {});
    if (req.method === "OPTIONS") {
      res.writeHead(204, { ...allowHeader(found), ...origin.preflight, ...origin.headers });
      res.end();
      return;
    }
    if ("error" in found) return refuse(parts, res, found, origin.headers);
    await serve(parts, { req, res, path: path ?? "", query }, found, origin.headers);
  }

  return async (req, res) => {
    await answer(req, res);
    boundRest(req, parts.beginnings.clock);
  };
}

interface Call {
  readonly req: Incoming;
  readonly res: Reply;
  readonly path: string;
  readonly query: URLSearchParams;
}

async function serve(parts: RestParts, call: Call, found: RouteMatch, headers: Headers): Promise<void> {
  const { route, rest, errors } = found;
  if (route.policy === "public") {
    const { status, json } = route.answer();
    return writeJson(call.res, status, json, { "x-request-id": parts.beginnings.newRequestId(), ...headers });
  }
  let exchange: Exchange;
  try {
    const { operation, queryKey } = route;
    exchange = new Exchange(parts, call, { operation, rest, errors, queryKey }, headers);
  } catch (thrown) {
    const error = toGatewayError(thrown);
    return refuse(parts, call.res, { errors, error, allow: [], operation: route.operation }, headers);
  }
  try {
    await route.handle(exchange, exchange.admit());
  } catch (thrown) {
    const error = toGatewayError(thrown);
    logBug(exchange.context.log, error);
    parts.gateway.refused(error, exchange.context);
    exchange.fail(error);
  } finally {
    exchange.close();
  }
}

/** Answers a request that has no route, or could not begin. */
function refuse(
  { gateway, beginnings }: RestParts,
  res: Reply,
  { errors, error, allow, operation = "unknown" }: NoRoute & { readonly operation?: Operation },
  headers: Headers,
): void {
  const begun = beginRequest(beginnings, { operation, protocol: "rest", timeoutMs: null });
  begun.close();
  gateway.refused(error, begun.context);
  const { requestId } = begun.context;
  writeJson(res, errors.face(error).status, errors.body(error, requestId), {
    ...requestIdHeaders(requestId, errors),
    ...errorHeaders(error, errors),
    ...(allow.length > 0 && { allow: allow.join(", ") }),
    ...headers,
  });
}

function allowHeader(found: RouteMatch | NoRoute): Record<string, string> {
  const allow = "error" in found ? found.allow : [found.route.method, "OPTIONS"];
  return allow.length > 0 ? { allow: allow.join(", ") } : {};
}
