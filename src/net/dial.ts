import { lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";
import type { Clock } from "../domain/clock.ts";
import { GatewayError } from "../domain/errors.ts";
import { Exchange, type Incoming } from "./incoming.ts";
import { createHttp1Line, createHttp2Line, type Line } from "./line.ts";
import { createLookup } from "./names.ts";

/** An outgoing request, complete with credentials. */
export interface Outgoing {
  /** `https://host:port`, or the host that a Unix socket stands for. */
  readonly origin: string;
  readonly socketPath: string | null;
  /** Whether HTTP/2 is offered to the origin; it may choose HTTP/1.1. Not offered by default. */
  readonly http2?: boolean;
  readonly method: "GET" | "POST";
  /** Begins with a slash: a request cannot name another host than its origin. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | null;
  /** How long it may take until the request can be written. Milliseconds. */
  readonly connectTimeoutMs: number;
}

export interface Dialer {
  /**
   * @param signal aborts in every phase: queued, connecting, waiting for the head, reading the body
   * @throws GatewayError `service_unavailable` when no connection could be made, `timeout` (phase `connect`, or `queue`
   *   when all connections were taken) when not in time, `upstream_error` when it broke before the head, `overloaded`
   *   when too many wait, and the signal's own reason
   */
  open(request: Outgoing, signal: AbortSignal): Promise<Incoming>;
  /** Breaks what is still open. */
  close(): Promise<void>;
}

export interface DialOptions {
  readonly clock: Clock;
  /** Connections to one origin at most; more requests wait. */
  readonly maxConnections: number;
  /** Requests to one origin that may wait for a connection; more are refused. */
  readonly maxQueued: number;
  /** Finds the addresses of a name, which are then remembered; the system's resolver by default. */
  readonly lookup?: LookupFunction;
  /** Origins to which connections are kept ready, from the start on; the largest number counts. None by default. */
  readonly warm?: readonly Warm[];
}

export interface Warm {
  readonly origin: string;
  readonly http2?: boolean;
  readonly connections: number;
}

/** Idle connections are kept this long, below the 60 s after which common load balancers close theirs. Milliseconds. */
const keepAliveMs = 30_000;

/** Every connection to a provider: pooled by origin, without redirects, with back-pressure down to the socket. */
export function createDialer(options: DialOptions): Dialer {
  const { clock, maxConnections, maxQueued, warm = [] } = options;
  const lines = new Map<string, CountedLine>();
  const lookup = createLookup({ clock, lookup: options.lookup ?? systemLookup });

  // Origins come from the configuration alone, so that the map is as small as the configuration.
  function lineTo({ origin, socketPath, http2 = false }: Way, warmConnections = 0): CountedLine {
    const address = socketPath ?? origin;
    const key = http2 ? `h2 ${address}` : address;
    let line = lines.get(key);
    if (!line) {
      const parts = { clock, origin, socketPath, maxConnections, warmConnections, lookup, keepMs: keepAliveMs };
      line = { ...(http2 ? createHttp2Line(parts) : createHttp1Line(parts)), requests: 0 };
      lines.set(key, line);
    }
    return line;
  }

  for (const { connections, ...way } of warm.toSorted((one, other) => other.connections - one.connections)) {
    lineTo({ ...way, socketPath: null }, connections);
  }

  return {
    open(request, signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      const { path, method, headers, body, connectTimeoutMs } = request;
      if (!path.startsWith("/")) return Promise.reject(notAPath());
      const line = lineTo(request);
      if (line.requests >= maxConnections + maxQueued) return Promise.reject(tooMany());
      line.requests++;
      // A GET lists models or probes, which goes on while nobody calls.
      if (method === "POST") line.called();
      // The closures of an exchange live as long as its answer: none of them may see the request, or it would hold its body.
      const { promise, resolve, reject } = Promise.withResolvers<Incoming>();
      const exchange = new Exchange({ signal, clock, resolve, reject, over: leaving(line) });
      line.dispatch({ path, method, headers, body }, exchange);
      exchange.boundConnecting(connectTimeoutMs);
      return promise;
    },
    async close() {
      await Promise.all([...lines.values()].map((line) => line.close()));
    },
  };
}

type Way = Pick<Outgoing, "origin" | "socketPath" | "http2">;

interface CountedLine extends Line {
  /** Requests that are waiting or under way; undici's own count would cost a walk over all connections. */
  requests: number;
}

function leaving(line: CountedLine): () => void {
  return () => line.requests--;
}

function tooMany(): GatewayError {
  return new GatewayError("overloaded", "Too many requests already wait for a connection to the provider.");
}

function notAPath(): GatewayError {
  return new GatewayError("internal", "The request to the provider has no path.");
}
