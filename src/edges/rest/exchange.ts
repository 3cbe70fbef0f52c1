import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type Beginnings, type Begun, beginRequest } from "../../domain/begin.ts";
import type { Caller, Operation, RequestContext, RequestHead } from "../../domain/context.ts";
import { type ErrorCode, GatewayError } from "../../domain/errors.ts";
import { trailHeaders } from "../../domain/trail-headers.ts";
import type { Gateway } from "../../gateway.ts";
import { headOf, type Incoming, onGone, type Reply, single } from "../http.ts";
import { retryHeaders } from "./answer-headers.ts";
import { beginOptions } from "./begin-options.ts";
import { type BodyLimits, checkBodyHead, readBody } from "./body.ts";
import { EventSink } from "./event-sink.ts";
import { writeJson, writeLastJson } from "./write-json.ts";

/** How a dialect words its errors, and the id of a request. */
export interface ErrorDialect {
  face(error: GatewayError): { readonly status: number; readonly retry?: false };
  /** The whole body, JSON. */
  body(error: GatewayError, requestId: string): string;
  /** Header that the dialect's clients read the request's id from, where it is not `x-request-id`. */
  readonly requestIdHeader?: string;
}

/** What answering needs to know, the same for all requests. */
export interface ExchangeParts {
  readonly gateway: Gateway;
  readonly beginnings: Beginnings;
  readonly limits: BodyLimits;
  /** Longest silence of a stream before a comment shows that it lives. Milliseconds. */
  readonly keepaliveMs: number;
  /** Refuse settings that a target cannot honour, where the request does not say. */
  readonly strict: boolean;
}

/** What its route says of an exchange. */
export interface ExchangeRoute {
  readonly operation: Operation;
  readonly rest: string;
  readonly errors: ErrorDialect;
  /** Name of a member of the query that may hold the caller's key. */
  readonly queryKey?: string | undefined;
}

/** A request as it arrived. */
export interface Arrived {
  readonly req: Incoming;
  readonly res: Reply;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** One request and its answer: what a route's handler sees. */
export class Exchange {
  readonly gateway: Gateway;
  readonly head: RequestHead;
  readonly context: RequestContext;
  /** What the route's `/*` stood for. */
  readonly rest: string;
  readonly #parts: ExchangeParts;
  readonly #req: Incoming;
  readonly #query: URLSearchParams;
  readonly #res: Reply;
  readonly #begun: Begun;
  readonly #unwatch: () => void;
  readonly #errors: ErrorDialect;
  /** Headers of every answer: CORS. */
  readonly #headers: Readonly<Record<string, string>>;
  #state: "waiting" | "streaming" | "answered" = "waiting";

  /** @throws GatewayError `invalid_value` for a deadline that is no number */
  constructor(
    parts: ExchangeParts,
    { req, res, path, query }: Arrived,
    { operation, rest, errors, queryKey }: ExchangeRoute,
    headers: Readonly<Record<string, string>>,
  ) {
    this.gateway = parts.gateway;
    this.head = headOf(req, path, queryKey === undefined ? [] : query.getAll(queryKey));
    this.#query = query;
    this.rest = rest;
    this.#parts = parts;
    this.#req = req;
    this.#res = res;
    this.#errors = errors;
    this.#headers = headers;
    this.#begun = beginRequest(parts.beginnings, beginOptions(req, operation));
    this.context = this.#begun.context;
    this.#unwatch = onGone(req, res, () => {
      if (this.#state !== "answered") this.#begun.hangUp();
    });
  }

  /** Who asks. @throws GatewayError `invalid_api_key` */
  admit(): Caller {
    return this.gateway.admit(this.head);
  }

  /** What `trunkline-loss-policy` asks for, else what is configured. @throws GatewayError `invalid_value` */
  lossPolicy(): LossPolicy {
    const value = this.#req.headers["trunkline-loss-policy"];
    if (value === "refuse") return LossPolicy.REFUSE;
    if (value === "report") return LossPolicy.REPORT;
    if (value !== undefined) {
      throw new GatewayError("invalid_value", "trunkline-loss-policy must be 'report' or 'refuse'.", {
        param: "trunkline-loss-policy",
        field: "loss_policy",
      });
    }
    return this.#parts.strict ? LossPolicy.REFUSE : LossPolicy.UNSPECIFIED;
  }

  /** What `trunkline-session-id` names: requests of one session prefer the same target. @throws GatewayError `invalid_value` */
  sessionId(): string | undefined {
    const value = single(this.#req.headers, "trunkline-session-id");
    if (value === undefined || (value.length >= 1 && value.length <= maxSessionChars)) return value;
    throw new GatewayError("invalid_value", `trunkline-session-id must be 1 to ${maxSessionChars} characters.`, {
      param: "trunkline-session-id",
      field: "routing.session_id",
    });
  }

  /** One value of a header, by its lower-case name; a repeated one counts as absent. */
  header(name: string): string | undefined {
    return single(this.#req.headers, name);
  }

  /** One value of the query; the first of a repeated one. */
  query(name: string): string | undefined {
    return this.#query.get(name) ?? undefined;
  }

  /** The whole body of a JSON request. @throws GatewayError as checkBodyHead and readBody */
  async readJson(): Promise<Uint8Array> {
    const { limits, beginnings } = this.#parts;
    checkBodyHead(this.#req, limits);
    const body = await readBody(this.#req, limits, beginnings.clock, this.context.signal);
    this.context.trail.note({ kind: "received", bodyBytes: body.length });
    return body;
  }

  /** Answers with a whole JSON text. */
  answer(json: string): void {
    if (this.#state !== "waiting") return;
    this.#state = "answered";
    writeJson(this.#res, 200, json, this.#answerHeaders());
  }

  /** Begins an event stream. Its head is sent with the first text, or with the first comment while it is awaited. */
  events(comment: string, contentType = "text/event-stream; charset=utf-8"): EventSink {
    const { beginnings, keepaliveMs } = this.#parts;
    return new EventSink({
      res: this.#res,
      clock: beginnings.clock,
      keepaliveMs,
      comment,
      signal: this.context.signal,
      onOpen: () => {
        this.#state = "streaming";
        this.#res.writeHead(200, { "content-type": contentType, ...eventHeaders, ...this.#answerHeaders() });
      },
      onEnd: () => {
        this.#state = "answered";
      },
    });
  }

  /** Answers with an error, unless an answer has begun: then there is nothing left to say here. */
  fail(error: GatewayError): void {
    if (this.#state !== "waiting") return;
    this.#state = "answered";
    const errors = this.#errors;
    const status = errors.face(error).status;
    const headers = { ...this.#answerHeaders(), ...errorHeaders(error, errors) };
    const json = errors.body(error, this.context.requestId);
    const call = { req: this.#req, res: this.#res, clock: this.#parts.beginnings.clock };
    if (givesUpBody.has(error.code)) writeLastJson(call, status, json, headers);
    else writeJson(this.#res, status, json, headers);
  }

  /** Frees what the request holds. Called once, when its handler has returned. */
  close(): void {
    this.#begun.close();
    this.#unwatch();
  }

  #answerHeaders(): Record<string, string> {
    const { requestId, trail } = this.context;
    return { ...requestIdHeaders(requestId, this.#errors), ...trailHeaders(trail), ...this.#headers };
  }
}

/** As in the contract. */
const maxSessionChars = 256;

/** Errors after which the rest of the body is not worth waiting for. */
const givesUpBody: ReadonlySet<ErrorCode> = new Set(["request_too_large", "request_timeout"]);

const eventHeaders = {
  "cache-control": "no-cache",
  // Asks nginx, and those who learned from it, not to collect events.
  "x-accel-buffering": "no",
};

/** The id of a request, by the gateway's header and by the dialect's own. */
export function requestIdHeaders(requestId: string, { requestIdHeader }: ErrorDialect): Record<string, string> {
  return { "x-request-id": requestId, ...(requestIdHeader !== undefined && { [requestIdHeader]: requestId }) };
}

/** Headers that tell of a failure: whether to retry, and how to be let in. */
export function errorHeaders(error: GatewayError, errors: ErrorDialect): Record<string, string> {
  const face = errors.face(error);
  const headers = retryHeaders(error, face);
  if (face.status === 401) headers["www-authenticate"] = "Bearer";
  return headers;
}
