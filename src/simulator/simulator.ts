import { unlinkSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { findDialect } from "./catalog.ts";
import type { Exchange } from "./exchange.ts";
import { FaultCounter } from "./faults.ts";
import { PromptCache } from "./prompt-cache.ts";
import { parseBody, readBytes } from "./read-body.ts";
import { respond } from "./respond.ts";
import { WireError } from "./wire-error.ts";

export interface SimulatorOptions {
  readonly host?: string;
  /** 0 picks a free one. */
  readonly port?: number;
  /** Path of a Unix socket to listen on instead of a port. */
  readonly socketPath?: string;
  /** Pause between two tokens of a stream. Milliseconds. */
  readonly tokenDelayMs?: number;
  /** Pause before the first token. Milliseconds. */
  readonly firstTokenDelayMs?: number;
  /** Whether requests without a key are refused, as the providers refuse them. */
  readonly requireKey?: boolean;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** A simulator that listens. */
export interface RunningSimulator {
  /** Where it listens; with a Unix socket the host means nothing. */
  readonly url: string;
  readonly port: number;
  /** The latest requests, oldest first. */
  readonly calls: readonly SimulatedCall[];
  /** Ends every connection now. */
  close(): Promise<void>;
}

export interface SimulatedCall {
  readonly method: string;
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON; undefined when there was none. */
  readonly body: unknown;
  /** Whether the caller left before the whole answer was sent. */
  left: boolean;
}

const maxCalls = 1_000;

/** Starts a server that speaks the wire formats of the providers. @throws Error when it cannot listen */
export async function startSimulator(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  const { host = "127.0.0.1", port = 0, socketPath, requireKey = false, now = Date.now } = options;
  const pace = { tokenMs: options.tokenDelayMs ?? 0, firstTokenMs: options.firstTokenDelayMs ?? 0 };
  const calls: SimulatedCall[] = [];
  const faults = new FaultCounter();
  const cache = new PromptCache();
  let sequence = 0;

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    sequence++;
    const { dialect, url } = findDialect(req.url ?? "/", req.headers);
    const requestId = `req_simulated_${sequence}`;
    try {
      const exchange: Exchange = { ...(await understand(req, url)), requestId, sequence, now: now(), cache };
      const { raw: _, ...asked } = exchange;
      const call = { ...asked, left: false };
      calls.push(call);
      if (calls.length > maxCalls) calls.shift();
      res.once("close", () => {
        call.left = !res.writableFinished;
      });
      if (requireKey) dialect.authenticate(exchange.headers, exchange);
      await respond(res, { dialect, exchange, faults, pace });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const { status, headers, body } = dialect.renderError(error, requestId);
      if (!res.headersSent) res.writeHead(status, { ...headers, "content-type": "application/json" });
      res.end(JSON.stringify(body));
    }
  }

  const server = createServer((req, res) => {
    res.setHeader("x-simulated", "true");
    void answer(req, res);
  });
  // A socket of the same name is left over from a process that was killed.
  if (socketPath !== undefined) removeIfThere(socketPath);
  await listen(server, socketPath === undefined ? { host, port } : { path: socketPath });
  const address = server.address();
  const listening = isPort(address) ? address.port : 0;
  return {
    url:
      socketPath === undefined ? `http://${host.includes(":") ? `[${host}]` : host}:${listening}` : "http://simulator",
    port: listening,
    calls,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function understand(req: IncomingMessage, url: string) {
  const { pathname, searchParams } = new URL(url, "http://simulator");
  const headers = Object.fromEntries(Object.entries(req.headers).map(([name, value]) => [name, String(value)]));
  const bytes = await readBytes(req);
  return {
    method: req.method ?? "GET",
    path: decode(pathname),
    query: searchParams,
    headers,
    body: parseBody(bytes, headers["content-type"]),
    raw: { url: req.url ?? "/", bytes },
  };
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new WireError(400, "invalid_request_error", "The path is not well encoded.");
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}

function listen(server: Server, where: { host: string; port: number } | { path: string }): Promise<void> {
  const place = "path" in where ? where.path : `${where.host}:${where.port}`;
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new Error(`The simulator cannot listen on ${place}: ${cause.message}.`, { cause }));
    });
    server.listen(where, () => resolve());
  });
}

function isPort(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === "object" && address !== null;
}
