import { type ContextValues, createContextValues, type HandlerContext, type MethodImplSpec } from "@connectrpc/connect";
import type { Clock } from "../../../domain/clock.ts";
import { type Arrival, arrivalKey } from "../arrival.ts";
import type { NodeRequest } from "../node.ts";
import type { LeanHead } from "./head.ts";

/** Header fields of an answer. */
export type Fields = Record<string, string | string[]>;

export interface LeanContextParts {
  readonly req: NodeRequest;
  readonly head: LeanHead;
  readonly spec: MethodImplSpec;
  readonly arrival: Arrival;
  readonly clock: Clock;
}

/** Why signals abort when their call is over. One for all: an error's stack costs more than the rest of a context. */
const completed = new Error("the call is over");

/**
 * What a method sees of its call. Most calls look at nothing of it but the arrival, so headers, their copies and the
 * signal are made when somebody asks: together they cost as much as a call without them.
 */
export class LeanContext implements HandlerContext {
  readonly requestMethod = "POST";
  readonly values: ContextValues;
  /** Fields that go before those of `responseHeader`, and of `responseTrailer`. */
  readonly header: Fields = {};
  readonly trailer: Fields = {};
  readonly #parts: LeanContextParts;
  #controller: AbortController | null = null;
  #aborted = false;
  #reason: unknown;
  #requestHeader: Headers | null = null;
  #responseHeader: Headers | null = null;
  #responseTrailer: Headers | null = null;

  constructor(parts: LeanContextParts) {
    this.#parts = parts;
    this.values = createContextValues().set(arrivalKey, parts.arrival);
  }

  get method() {
    return this.#parts.spec.method;
  }

  get service() {
    return this.#parts.spec.method.parent;
  }

  get protocolName(): string {
    return this.#parts.head.protocol;
  }

  get url(): string {
    const { req } = this.#parts;
    const scheme = "encrypted" in req.socket && req.socket.encrypted ? "https" : "http";
    const host = "authority" in req ? req.authority : req.headers.host;
    return new URL(req.url ?? "", `${scheme}://${host}`).toString();
  }

  readonly timeoutMs = (): number | undefined => {
    const { head, arrival, clock } = this.#parts;
    return head.timeoutMs === null ? undefined : arrival.startedMs + head.timeoutMs - clock.nowMs();
  };

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get requestHeader(): Headers {
    this.#requestHeader ??= toHeaders(this.#parts.req.headers);
    return this.#requestHeader;
  }

  get responseHeader(): Headers {
    this.#responseHeader ??= new Headers();
    return this.#responseHeader;
  }

  get responseTrailer(): Headers {
    this.#responseTrailer ??= new Headers();
    return this.#responseTrailer;
  }

  /** Aborts the signal, once: without a reason when the call is over. */
  abort(reason: unknown = completed): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  /** The fields of the answer's head, whoever set them. */
  headerFields(): Fields {
    return withHeaders(this.header, this.#responseHeader);
  }

  /** The fields behind the answer. */
  trailerFields(): Fields {
    return withHeaders(this.trailer, this.#responseTrailer);
  }
}

/** Fields, and headers behind them or in their place; no cookie in the place of another. */
export function withHeaders(fields: Fields, headers: Headers | null): Fields {
  if (headers === null) return fields;
  const all = { ...fields };
  for (const [name, value] of headers) {
    // Cookies alone come one by one; all else has been joined.
    const before = name === "set-cookie" ? all[name] : undefined;
    all[name] = before === undefined ? value : [before, value].flat();
  }
  return all;
}

function toHeaders(fields: NodeRequest["headers"]): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(fields)) {
    if (name.startsWith(":") || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  return headers;
}
