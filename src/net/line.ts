import type { LookupFunction } from "node:net";
import { Pool } from "undici";
import type { Clock } from "../domain/clock.ts";
import { type Connector, createConnector } from "./connector.ts";
import { Http2Line } from "./http2-line.ts";
import type { Http2Request } from "./http2-stream.ts";
import { type Exchange, maxHeaderBytes } from "./incoming.ts";
import { LineClient } from "./line-client.ts";
import { Stock } from "./stock.ts";

export interface LineParts {
  readonly clock: Clock;
  readonly origin: string;
  readonly socketPath: string | null;
  readonly maxConnections: number;
  /** Sockets that are kept ready. */
  readonly warmConnections: number;
  readonly lookup: LookupFunction;
  /** How long idle connections are kept. Milliseconds. */
  readonly keepMs: number;
}

/** What leads to one origin. */
export interface Line {
  /** Ends in one of the exchange's callbacks. */
  dispatch(request: Http2Request, exchange: Exchange): void;
  /** Somebody calls the provider: connections that are kept ready are wanted. */
  called(): void;
  /** Breaks what is still open. */
  close(): Promise<void>;
}

/** HTTP/1.1: one connection a request. What a slow reader holds back, and what an abort closes, is its own call alone. */
export function createHttp1Line(parts: LineParts): Line {
  const stock = stockOf(parts, false);
  const pool = createPool(parts, stock.connect);
  return {
    dispatch: (request, exchange) => void pool.dispatch(request, exchange),
    called: () => stock.called(),
    async close() {
      stock.close();
      await pool.destroy();
    },
  };
}

/** HTTP/2, or HTTP/1.1 from the first connection on for which the server chose that. */
export function createHttp2Line(parts: LineParts): Line {
  const stock = stockOf(parts, true);
  let fallback: Line | null = null;
  const shared = new Http2Line({
    ...parts,
    connect: stock.connect,
    fallBack() {
      stock.close();
      fallback ??= createHttp1Line(parts);
      for (const { request, exchange } of shared.takeWaiting()) fallback.dispatch(request, exchange);
    },
  });
  return {
    dispatch: (request, exchange) => (fallback ?? shared).dispatch(request, exchange),
    called: () => (fallback ?? stock).called(),
    async close() {
      stock.close();
      shared.close();
      await fallback?.close();
    },
  };
}

/** Opens connections, or takes them from a stock of ready ones. */
function stockOf(parts: LineParts, http2: boolean): Pick<Stock, "connect" | "called" | "close"> {
  const connect = createConnector({ ...parts, http2 });
  if (parts.warmConnections > 0) return new Stock({ ...parts, size: parts.warmConnections, connect });
  return { connect, called() {}, close() {} };
}

function createPool({ origin, maxConnections, keepMs }: LineParts, connect: Connector): Pool {
  return new Pool(origin, {
    connections: maxConnections,
    pipelining: 1, // A stream would block what is queued behind it.
    allowH2: false,
    headersTimeout: 0, // All waiting is bounded by the caller's signal, on one clock.
    bodyTimeout: 0,
    keepAliveTimeout: keepMs,
    maxHeaderSize: maxHeaderBytes,
    factory: (to, clientOptions: object) => new LineClient(to, { ...clientOptions, connect }),
  });
}
