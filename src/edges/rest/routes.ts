import type { Caller, Operation } from "../../domain/context.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { ErrorDialect, Exchange } from "./exchange.ts";

interface RouteHead {
  readonly method: "GET" | "POST";
  /** Exact path; or one that ends in `/*`, for the rest of a path as parameter. */
  readonly path: string;
}

/**
 * A route as data: what it takes to be reached, and who answers. There is no default policy: a route without one does
 * not compile.
 */
export type Route =
  | (RouteHead & {
      /** `gateway.admit` must let the caller in, before a byte of the body is read. */
      readonly policy: "admitted";
      readonly operation: Operation;
      readonly handle: (exchange: Exchange, caller: Caller) => Promise<void>;
    })
  | (RouteHead & {
      /** Anyone may ask; so it says nothing but a status. */
      readonly policy: "public";
      readonly answer: () => { readonly status: number; readonly json: string };
    });

/** Routes of one dialect. */
export interface RouteGroup {
  readonly errors: ErrorDialect;
  /** Path whose unknown paths below are answered in this dialect's words; without one, those are the first group's. */
  readonly owns?: string;
  readonly routes: readonly Route[];
}

export interface RouteMatch {
  readonly errors: ErrorDialect;
  readonly route: Route;
  /** What `/*` stood for, decoded; empty for exact paths. */
  readonly rest: string;
}

/** Why no route answers, in the dialect of the path. */
export interface NoRoute {
  readonly errors: ErrorDialect;
  readonly error: GatewayError;
  /** Methods that the path does have; empty for an unknown path. */
  readonly allow: readonly string[];
}

export type FindRoute = (method: string, path: string) => RouteMatch | NoRoute;

/**
 * Compiles the table. Paths are compared octet by octet, without decoding, so that `//`, `%2f` and `..` lead nowhere;
 * only what `/*` stands for is decoded, once. HEAD is answered where GET is.
 */
export function compileRoutes(groups: readonly [RouteGroup, ...RouteGroup[]]): FindRoute {
  const exact = new Map<string, Candidate[]>();
  const prefixes: { readonly prefix: string; readonly candidate: Candidate }[] = [];
  for (const { errors, routes } of groups) {
    for (const route of routes) {
      const candidate = { errors, route };
      if (route.path.endsWith("/*")) prefixes.push({ prefix: route.path.slice(0, -1), candidate });
      else exact.set(route.path, [...(exact.get(route.path) ?? []), candidate]);
    }
  }
  return (method, path) => {
    const wanted = method === "HEAD" ? "GET" : method;
    const here = exact.get(path);
    if (here) return pick(here, wanted, "");
    for (const { prefix, candidate } of prefixes) {
      const rest = path.startsWith(prefix) ? decodeRest(path.slice(prefix.length)) : null;
      if (rest !== null) return pick([candidate], wanted, rest);
    }
    const owner = groups.find(({ owns }) => owns !== undefined && path.startsWith(`${owns}/`)) ?? groups[0];
    return { errors: owner.errors, error: unknownRoute(), allow: [] };
  };
}

interface Candidate {
  readonly errors: ErrorDialect;
  readonly route: Route;
}

function pick(candidates: readonly Candidate[], method: string, rest: string): RouteMatch | NoRoute {
  const match = candidates.find(({ route }) => route.method === method);
  if (match) return { ...match, rest };
  const methods = candidates.flatMap(({ route }) => (route.method === "GET" ? ["GET", "HEAD"] : [route.method]));
  const allow = [...methods, "OPTIONS"];
  const error = new GatewayError("method_not_allowed", `This path answers ${allow.join(", ")} only.`);
  // All candidates of a path belong to one dialect.
  return { errors: (candidates[0] as Candidate).errors, error, allow };
}

/** The path of a request target, without its query; null when the target is not a path. */
export function pathOf(target: string | undefined): string | null {
  if (target === undefined || !target.startsWith("/")) return null;
  const query = target.indexOf("?");
  return query === -1 ? target : target.slice(0, query);
}

/** Decodes the rest of a path once; null when it is not what a client would send. */
function decodeRest(raw: string): string | null {
  let rest: string;
  try {
    rest = decodeURIComponent(raw);
  } catch {
    return null;
  }
  const segments = rest.split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) return null;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return /[\x00-\x1f\x7f]/.test(rest) ? null : rest;
}

export function unknownRoute(): GatewayError {
  return new GatewayError(
    "unknown_route",
    "There is no such path. The API begins at /v1, such as /v1/chat/completions.",
  );
}
