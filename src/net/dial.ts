import { lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { Pool } from "undici";
import type { Clock } from "../domain/clock.ts";
import { GatewayError } from "../domain/errors.ts";
import { type Connector, createConnector } from "./connector.ts";
import { Exchange, type Incoming } from "./incoming.ts";
import { LineClient } from "./line-client.ts";
import { createLookup } from "./names.ts";
import { Stock } from "./stock.ts";

/** An outgoing request, complete with credentials. */
export interface Outgoing {
  /** `https://host:port`, or the host that a Unix socket stands for. */
  readonly origin: string;
  readonly socketPath: string | null;
  readonly method: "GET" | "POST";
  /** Begins with a slash: a request cannot name another host than its origin. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
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
  readonly connections: number;
}

/** Response heads above this are refused. Bytes. */
const maxHeaderBytes = 64 * 1024;
/** Idle connections are kept this long, below the 60 s after which common load balancers close theirs. Milliseconds. */
const keepAliveMs = 30_000;

/** Every connection to a provider: pooled by origin, without redirects, with back-pressure down to the socket. */
export function createDialer(options: DialOptions): Dialer {
  const { clock, maxConnections, maxQueued, warm = [] } = options;
  const lines = new Map<string, Line>();
  const lookup = createLookup({ clock, lookup: options.lookup ?? systemLookup });

  // Origins come from the configuration alone, so that the map is as small as the configuration.
  function lineTo({ origin, socketPath }: Way, warmConnections = 0): Line {
    const key = socketPath ?? origin;
    let line = lines.get(key);
    if (!line) {
      const connect = createConnector({ socketPath, lookup });
      const parts = { clock, origin, size: warmConnections, maxConnections, connect, keepMs: keepAliveMs };
      const stock = warmConnections > 0 ? new Stock(parts) : null;
      const pool = createPool({ origin, maxConnections, connect: stock?.connect ?? connect });
      line = { pool, stock, requests: 0 };
      lines.set(key, line);
    }
    return line;
  }

  for (const { origin, connections } of warm.toSorted((one, other) => other.connections - one.connections)) {
    lineTo({ origin, socketPath: null }, connections);
  }

  return {
    open(request, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const { path, method, headers, body, connectTimeoutMs } = request;
        if (!path.startsWith("/")) return reject(notAPath());
        const line = lineTo(request);
        if (line.requests >= maxConnections + maxQueued) return reject(tooMany());
        line.requests++;
        // A GET lists models or probes, which goes on while nobody calls.
        if (method === "POST") line.stock?.called();
        const exchange = new Exchange({ signal, clock, resolve, reject, over: () => line.requests-- });
        line.pool.dispatch({ path, method, headers, body }, exchange);
        exchange.boundConnecting(connectTimeoutMs);
      });
    },
    async close() {
      for (const { stock } of lines.values()) stock?.close();
      await Promise.all([...lines.values()].map(({ pool }) => pool.destroy()));
    },
  };
}

type Way = Pick<Outgoing, "origin" | "socketPath">;

/** What leads to one origin. */
interface Line {
  readonly pool: Pool;
  /** Null where none is kept. */
  readonly stock: Stock | null;
  /** Those that undici has, waiting or under way; its own count would cost a walk over all connections. */
  requests: number;
}

interface PoolParts {
  readonly origin: string;
  readonly maxConnections: number;
  readonly connect: Connector;
}

/** The connections to one origin. */
function createPool({ origin, maxConnections, connect }: PoolParts): Pool {
  return new Pool(origin, {
    connections: maxConnections,
    pipelining: 1, // A stream would block what is queued behind it.
    // One connection a call: what a slow reader holds back, and what an abort closes, is then its own call alone.
    allowH2: false,
    headersTimeout: 0, // All waiting is bounded by the caller's signal, on one clock.
    bodyTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    maxHeaderSize: maxHeaderBytes,
    factory: (to, clientOptions: object) => new LineClient(to, { ...clientOptions, connect }),
  });
}

function tooMany(): GatewayError {
  return new GatewayError("overloaded", "Too many requests already wait for a connection to the provider.");
}

function notAPath(): GatewayError {
  return new GatewayError("internal", "The request to the provider has no path.");
}
