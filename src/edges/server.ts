import {
  createServer as createHttp1Server,
  type Server as Http1Server,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import {
  createServer as createHttp2Server,
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import { type AddressInfo, createServer as createNetServer, type Server, type Socket } from "node:net";
import type { Secret } from "../domain/secret.ts";
import { sniff } from "./sniff.ts";

/** Answers one request of any protocol. Never throws. */
export type Handler = (req: IncomingMessage | Http2ServerRequest, res: Response) => void;

type Response = ServerResponse | Http2ServerResponse;

export interface ServerOptions {
  readonly host: string;
  /** 0 picks a free one; null listens nowhere: connections come by `take`. */
  readonly port: number | null;
  readonly tls: { readonly cert: string; readonly key: Secret; readonly clientCa: string | null } | null;
  readonly handler: Handler;
  /** How long a client may take to send the head of a request. Milliseconds; 30,000 unless told. */
  readonly headersTimeoutMs?: number;
}

/** A listener that speaks HTTP/1.1 and HTTP/2 on one port. */
export interface RunningServer {
  readonly host: string;
  /** 0 when it listens nowhere. */
  readonly port: number;
  /** Serves a connection that somebody else accepted. */
  take(socket: Socket): void;
  /**
   * Stops accepting; resolves when every request has been answered or the time is over. Milliseconds.
   * @param lingerMs how long connections without a request stay open, so that a caller who is just about to use one is
   *   still answered, and told that it was the last time
   */
  drain(timeoutMs: number, lingerMs?: number): Promise<void>;
  /** Resolves when all requests that are under way now have ended. */
  settled(): Promise<void>;
  /** New connections get this certificate. Only where it speaks TLS already. */
  renew(tls: NonNullable<ServerOptions["tls"]>): void;
  /** Ends every connection now. */
  close(): Promise<void>;
}

const defaultHeadersTimeoutMs = 30_000;
/** Idle connections are kept a little longer than the 60 s of common load balancers, so that those close first. */
const keepAliveTimeoutMs = 75_000;
/** Streams that one HTTP/2 connection may have open. Envoy and grpc-go multiplex many callers over one. */
const maxConcurrentStreams = 1_000;
const maxHeaderBytes = 32 * 1024;
/** How long the last frames of an HTTP/2 connection may take to leave when it drains. Milliseconds. */
const lastFramesMs = 500;
/** Memory that one HTTP/2 connection may hold in unsent frames. Megabytes, as Node counts. */
const maxSessionMemory = 64;

/**
 * Streams that callers of one HTTP/2 connection may cancel: so many at once, and so many a second. More end the
 * connection with all its streams, which at Node's 1,000 and 33 would be other callers' behind the same proxy.
 */
const [streamResetBurst, streamResetRate] = [10_000, 1_000];

const http2Options = {
  settings: { maxConcurrentStreams, maxHeaderListSize: maxHeaderBytes, enableConnectProtocol: false },
  maxSessionMemory,
  streamResetBurst,
  streamResetRate,
};

/**
 * Listens. @throws Error with one sentence when the address cannot be had
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  const open = new OpenRequests();
  let draining = false;
  let closing = false;
  const handler: Handler = (req, res) => {
    open.add(res);
    if (draining && !("stream" in res)) res.shouldKeepAlive = false;
    // An answer that began before is now the last one of its connection.
    res.once("close", () => closing && http1.closeIdleConnections());
    options.handler(req, res);
  };

  const headersTimeoutMs = options.headersTimeoutMs ?? defaultHeadersTimeoutMs;
  const onSession = (session: ServerHttp2Session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => session.destroy()); // A peer's protocol error ends its connection and nothing else.
    // Its connection was accepted before, and its first bytes came late: it is answered, but not for long.
    if (draining) session.once("stream", () => session.close());
  };
  const parts = { handler, onSession, headersTimeoutMs };
  const { listener, http1 } = options.tls ? secure(options.tls, parts) : plain(parts);
  listener.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const { address: host, port } = await listen(listener, options);

  return {
    host,
    port,
    take(socket) {
      socket.setNoDelay(true);
      listener.emit("connection", socket);
    },
    async drain(timeoutMs, lingerMs = 0) {
      draining = true;
      listener.close();
      for (const session of sessions) session.close();
      const waitMs = Math.min(lingerMs, timeoutMs);
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      closing = true;
      http1.close();
      await open.empty(timeoutMs - waitMs);
      if (open.count === 0) await written(sessions);
    },
    settled: () => open.settled(),
    renew(tls) {
      if ("setSecureContext" in listener) listener.setSecureContext(contextOf(tls));
    },
    async close() {
      listener.close();
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}

interface Listening {
  readonly listener: Server | Http2SecureServer;
  /** Who has the HTTP/1.1 connections. */
  readonly http1: Pick<Http1Server, "close" | "closeIdleConnections">;
}

interface ListenerParts {
  readonly handler: Handler;
  readonly onSession: (session: ServerHttp2Session) => void;
  readonly headersTimeoutMs: number;
}

/** Options of Node's HTTP/1.1 server, which looks for slow clients every half minute unless told. */
function http1Options(headersTimeoutMs: number) {
  return {
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: Math.ceil(headersTimeoutMs / 4),
  };
}

/** Clear text: the first bytes tell HTTP/1.1 from HTTP/2 with prior knowledge. */
function plain({ handler, onSession, headersTimeoutMs }: ListenerParts): Listening {
  const http1 = createHttp1Server(http1Options(headersTimeoutMs), handler);
  // It gets its connections from the listener below, but looks for slow clients only once it listens.
  http1.emit("listening");
  http1.keepAliveTimeout = keepAliveTimeoutMs;
  http1.requestTimeout = 0; // Bodies are bounded by the edges, which can answer 408 in the route's dialect.
  const http2 = createHttp2Server(http2Options, handler);
  http2.on("session", onSession);
  const listener = createNetServer({ noDelay: true, pauseOnConnect: false }, (socket) => {
    sniff(socket, headersTimeoutMs, (protocol) => (protocol === "h2" ? http2 : http1).emit("connection", socket));
  });
  return { listener, http1 };
}

/** TLS: ALPN tells the protocol. */
function secure(
  tls: NonNullable<ServerOptions["tls"]>,
  { handler, onSession, headersTimeoutMs }: ListenerParts,
): Listening {
  const server = createSecureServer(
    {
      ...http2Options,
      ...http1Options(headersTimeoutMs),
      handshakeTimeout: headersTimeoutMs,
      allowHTTP1: true,
      ...contextOf(tls),
      ...(tls.clientCa === null ? {} : { requestCert: true, rejectUnauthorized: true }),
    },
    handler,
  );
  server.on("session", onSession);
  // It has this method too, which its type does not know.
  return { listener: server, http1: server as unknown as Http1Server };
}

/**
 * An HTTP/2 stream is over for Node before its last frames have left: its session closes when they have. Bounded, since
 * the peer may not read.
 */
async function written(sessions: ReadonlySet<ServerHttp2Session>): Promise<void> {
  const closed = [...sessions].map((session) => new Promise((resolve) => session.once("close", resolve)));
  if (closed.length === 0) return;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, lastFramesMs);
  await Promise.race([Promise.all(closed), late]);
  clearTimeout(timer);
}

function contextOf({ cert, key, clientCa }: NonNullable<ServerOptions["tls"]>) {
  return { cert, key: key.reveal(), ...(clientCa !== null && { ca: clientCa }) };
}

/** The answers that are not finished yet. */
class OpenRequests {
  #count = 0;
  #waiting: (() => void) | null = null;
  /** Those that have come since `settled` was asked last. */
  #batch = { count: 0, over: () => {} };

  add(res: Response): void {
    const batch = this.#batch;
    this.#count++;
    batch.count++;
    res.once("close", () => {
      this.#count--;
      if (--batch.count === 0) batch.over();
      if (this.#count === 0) this.#waiting?.();
    });
  }

  get count(): number {
    return this.#count;
  }

  settled(): Promise<void> {
    const batch = this.#batch;
    this.#batch = { count: 0, over: () => {} };
    if (batch.count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      batch.over = resolve;
    });
  }

  empty(timeoutMs: number): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiting = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** @returns where it listens, as the system has it */
function listen(
  listener: Server | Http2SecureServer,
  { host, port }: ServerOptions,
): Promise<Pick<AddressInfo, "address" | "port">> {
  if (port !== null) return listenOn(listener, host, port);
  // With TLS, slow clients are looked for from this event on.
  listener.emit("listening");
  return Promise.resolve({ address: host, port: 0 });
}

/**
 * Listens. @returns the address as the system has it
 * @throws Error with one sentence when the address cannot be had
 */
export function listenOn(listener: Server | Http2SecureServer, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    listener.once("error", (error: NodeJS.ErrnoException) =>
      reject(new Error(explain(error, host, port), { cause: error })),
    );
    // A listener on TCP has such an address.
    listener.listen(port, host, 4096, () => resolve(listener.address() as AddressInfo));
  });
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case "EADDRINUSE":
      return `Port ${port} on ${host} is in use: stop what listens there, or choose another port (0 picks a free one).`;
    case "EACCES":
      return `Port ${port} on ${host} needs more rights than this process has: choose one above 1023.`;
    case "EADDRNOTAVAIL":
      return `This machine has no address ${host}.`;
    default:
      return `Cannot listen on ${host}:${port}: ${error.message}.`;
  }
}
