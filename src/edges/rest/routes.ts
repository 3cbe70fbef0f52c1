import type { Caller, Operation } from "../../domain/context.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { ErrorDialect, Exchange } from "./exchange.ts";

interface RouteHead {
  readonly method: "GET" | "POST" | "DELETE";
  /** Exact path; or one that ends in `/*`, for the rest of a path as parameter. */
  readonly path: string;
  /** What must stand behind the parameter of `/*`, such as `:generateContent`; no part of it. */
  readonly ending?: string;
  /** Written before the parameter: what the path says of it and its name does not. */
  readonly restPrefix?: string;
  /** For paths that several dialects have: whether a request is meant for this one. Such routes are tried before others. */
  readonly when?: (hints: Hints) => boolean;
  /** Name of a member of the query that may hold the caller's key. */
  readonly queryKey?: string;
}

/** What a request shows beside its method and path. */
export interface Hints {
  /** Any value of a header, by its lower-case name. */
  header(name: string): string | readonly string[] | undefined;
  readonly query: URLSearchParams;
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

export type FindRoute = (method: string, path: string, hints: Hints) => RouteMatch | NoRoute;

/**
 * Compiles the table. Paths are compared octet by octet, without decoding, so that `//`, `%2f` and `..` lead nowhere;
 * only what `/*` stands for is decoded, once. HEAD is answered where GET is. Of routes that fit, those with an ending or a
 * condition come first, in the order of the table.
 */
export function compileRoutes(groups: readonly [RouteGroup, ...RouteGroup[]]): FindRoute {
  const listed = groups.flatMap(({ errors, routes }) => routes.map((route) => ({ errors, route })));
  const sorted = listed.toSorted((one, other) => Number(isSpecial(other.route)) - Number(isSpecial(one.route)));
  const exact = Map.groupBy(
    sorted.filter(({ route }) => !isPrefix(route)),
    ({ route }) => route.path,
  );
  const prefixes = sorted.filter(({ route }) => isPrefix(route));
  return (method, path, hints) => {
    const wanted = method === "HEAD" ? "GET" : method;
    const all = exact.get(path) ?? [];
    const here = all.some(({ route }) => route.when) ? all.filter(({ route }) => fits(route, hints)) : all;
    if (here.length > 0) return pick(here, wanted, "");
    for (const { route } of prefixes) {
      const rest = restOf(path, route);
      if (rest === null || !fits(route, hints)) continue;
      // Other methods of the same path are routes of their own.
      const same = prefixes.filter((other) => isSamePath(other.route, route) && fits(other.route, hints));
      return pick(same, wanted, rest);
    }
    const owner = groups.find(({ owns }) => owns !== undefined && path.startsWith(`${owns}/`)) ?? groups[0];
    return { errors: owner.errors, error: unknownRoute(), allow: [] };
  };
}

function isPrefix({ path }: Route): boolean {
  return path.endsWith("/*");
}

function fits({ when }: Route, hints: Hints): boolean {
  return when === undefined || when(hints);
}

function isSpecial({ ending, when }: Route): boolean {
  return ending !== undefined || when !== undefined;
}

interface Candidate {
  readonly errors: ErrorDialect;
  readonly route: Route;
}

function isSamePath(a: Route, b: Route): boolean {
  return a.path === b.path && a.ending === b.ending;
}

/** What `/*` stands for in a path; null for a path of another route. */
function restOf(path: string, { path: pattern, ending = "", restPrefix = "" }: Route): string | null {
  const prefix = pattern.slice(0, -1);
  if (!path.startsWith(prefix) || !path.endsWith(ending) || path.length < prefix.length + ending.length) return null;
  const rest = decodeRest(path.slice(prefix.length, path.length - ending.length));
  return rest === null ? null : restPrefix + rest;
}

function pick(candidates: readonly Candidate[], method: string, rest: string): RouteMatch | NoRoute {
  const match = candidates.find(({ route }) => route.method === method);
  if (match) return { ...match, rest };
  const methods = candidates.flatMap(({ route }) => (route.method === "GET" ? ["GET", "HEAD"] : [route.method]));
  const allow = [...new Set(methods), "OPTIONS"];
  const error = new GatewayError("method_not_allowed", `This path answers ${allow.join(", ")} only.`);
  // The first is the one that the request is meant for, as far as can be told.
  return { errors: (candidates[0] as Candidate).errors, error, allow };
}

/** The path of a request target, without its query; null when the target is not a path. */
export function pathOf(target: string | undefined): string | null {
  if (target === undefined || !target.startsWith("/")) return null;
  const query = target.indexOf("?");
  return query === -1 ? target : target.slice(0, query);
}

/** The query of a request target. Most have none: those share one. */
export function queryOf(target: string | undefined): URLSearchParams {
  const at = target?.indexOf("?") ?? -1;
  return at === -1 ? noQuery : new URLSearchParams(target?.slice(at + 1));
}

const noQuery = new URLSearchParams();

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
