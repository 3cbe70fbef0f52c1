import { type Dispatcher, Pool } from "undici";
import { GatewayError } from "../domain/errors.ts";

/** An outgoing request, complete with credentials. */
export interface Outgoing {
  /** `https://host:port`, or the host that a Unix socket stands for. */
  readonly origin: string;
  readonly socketPath: string | null;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** An answer whose head has arrived. Its body is read once, by `for await`; leaving the loop closes the connection. */
export interface Incoming {
  readonly status: number;
  /** Lower-case names; repeated headers are joined by comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** One array per turn of the event loop in which bytes came. @throws GatewayError `upstream_cut` */
  readonly body: AsyncIterable<readonly Uint8Array[]>;
  /** No more is wanted: a little that still comes is thrown away, so that the connection can be used again. */
  release(): void;
}

export interface Dialer {
  /**
   * @param signal aborts in every phase: queued, connecting, waiting for the head, reading the body
   * @throws GatewayError `service_unavailable` when no connection could be made, `upstream_error` when it broke before
   *   the head, and the signal's own reason
   */
  open(request: Outgoing, signal: AbortSignal): Promise<Incoming>;
  close(): Promise<void>;
}

export interface DialOptions {
  readonly connectTimeoutMs: number;
  /** Connections to one origin at most; more requests wait. */
  readonly maxConnections: number;
}

/** Response heads above this are refused. Bytes. */
const maxHeaderBytes = 64 * 1024;
/** Unread body above this pauses the provider's socket. Bytes. */
const highWaterBytes = 256 * 1024;
/** What may still come after a release, and for how long, before the connection is given up. */
const maxReleasedBytes = 64 * 1024;
const maxReleasedMs = 1000;
/** Idle connections are kept this long, below the 60 s after which common load balancers close theirs. Milliseconds. */
const keepAliveMs = 30_000;

/** Every connection to a provider: pooled by origin, without redirects, with back-pressure down to the socket. */
export function createDialer(options: DialOptions): Dialer {
  const pools = new Map<string, Pool>();

  function poolFor({ origin, socketPath }: Outgoing): Pool {
    const key = socketPath ?? origin;
    let pool = pools.get(key);
    if (!pool) {
      pool = new Pool(origin, {
        connections: options.maxConnections,
        pipelining: 1, // A stream would block what is queued behind it.
        headersTimeout: 0, // All waiting is bounded by the caller's signal, on one clock.
        bodyTimeout: 0,
        keepAliveTimeout: keepAliveMs,
        maxHeaderSize: maxHeaderBytes,
        connect: { timeout: options.connectTimeoutMs, ...(socketPath === null ? {} : { socketPath }) },
      });
      pools.set(key, pool);
    }
    return pool;
  }

  return {
    open(request, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const reply = new Reply(signal, resolve, reject);
        const { path, method, headers, body } = request;
        poolFor(request).dispatch({ path, method, headers, body }, reply);
      });
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

/** One exchange: undici's callbacks on one side, a pulled body on the other. */
class Reply implements Dispatcher.DispatchHandler, Incoming, AsyncIterator<readonly Uint8Array[]> {
  status = 0;
  headers: Record<string, string> = {};
  readonly body: AsyncIterable<readonly Uint8Array[]> = { [Symbol.asyncIterator]: () => this };

  readonly #signal: AbortSignal;
  readonly #resolve: (incoming: Incoming) => void;
  readonly #reject: (error: unknown) => void;
  #controller: Dispatcher.DispatchController | null = null;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;
  #released = false;

  constructor(signal: AbortSignal, resolve: (incoming: Incoming) => void, reject: (error: unknown) => void) {
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  readonly #onAbort = () => this.#fail(this.#signal.reason);

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Aborted while it was queued: undici has no way to take a request out of its queue, so it ends here.
    if (this.#signal.aborted) controller.abort(this.#signal.reason);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Record<string, unknown>): void {
    if (status < 200) return; // 1xx: the real answer follows.
    this.status = status;
    for (const name in headers) {
      const value = headers[name];
      this.headers[name] = Array.isArray(value) ? value.join(", ") : String(value);
    }
    this.#resolve(this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#released) {
      if (this.#bytes > maxReleasedBytes) this.#fail(noLongerRead());
      return;
    }
    this.#chunks.push(chunk);
    if (this.#bytes > highWaterBytes) controller.pause();
    this.#awake();
  }

  onResponseEnd(): void {
    this.#ended = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#awake();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#fail(error);
  }

  async next(): Promise<IteratorResult<readonly Uint8Array[]>> {
    while (this.#chunks.length === 0) {
      if (this.#error !== null) throw this.#error;
      if (this.#ended) return { done: true, value: undefined };
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
    const value = this.#chunks;
    this.#chunks = [];
    if (this.#bytes > highWaterBytes) this.#controller?.resume();
    this.#bytes = 0;
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<readonly Uint8Array[]>> {
    if (!this.#released) this.#fail(noLongerRead());
    return { done: true, value: undefined };
  }

  release(): void {
    if (this.#ended || this.#released) return;
    this.#released = true;
    this.#bytes = 0;
    this.#controller?.resume();
    setTimeout(() => this.#fail(noLongerRead()), maxReleasedMs).unref();
  }

  #fail(cause: unknown): void {
    if (this.#ended || this.#error !== null) return;
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#error = this.#signal.aborted ? this.#signal.reason : toFailure(cause, this.status !== 0);
    this.#controller?.abort(this.#error instanceof Error ? this.#error : new Error("aborted"));
    this.#reject(this.#error);
    this.#awake();
  }

  #awake(): void {
    this.#wake?.();
    this.#wake = null;
  }
}

function noLongerRead(): GatewayError {
  return new GatewayError("canceled", "The answer is not read any further.");
}

function toFailure(cause: unknown, answered: boolean): GatewayError {
  if (cause instanceof GatewayError) return cause;
  if (answered) {
    return new GatewayError(
      "upstream_cut",
      "The connection to the provider broke before its answer was complete.",
      {},
      { cause },
    );
  }
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code === "UND_ERR_CONNECT_TIMEOUT") {
    return new GatewayError("timeout", "The provider could not be reached in time.", { phase: "connect" }, { cause });
  }
  if (code === "UND_ERR_HEADERS_OVERFLOW") {
    return new GatewayError("upstream_error", "The head of the provider's answer is too large.", {}, { cause });
  }
  if (code === "UND_ERR_SOCKET" || code === "ECONNRESET" || code === "EPIPE" || code.startsWith("HPE_")) {
    return new GatewayError("upstream_error", "The provider closed the connection without an answer.", {}, { cause });
  }
  return new GatewayError("service_unavailable", "The provider cannot be reached.", {}, { cause });
}
