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
  type Http2Server,
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
  /** 0 picks a free one. */
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: Secret; readonly clientCa: string | null } | null;
  readonly handler: Handler;
  /** How long a client may take to send the head of a request. Milliseconds; 30,000 unless told. */
  readonly headersTimeoutMs?: number;
}

/** A listener that speaks HTTP/1.1 and HTTP/2 on one port. */
export interface RunningServer {
  readonly host: string;
  readonly port: number;
  /** Stops accepting; resolves when every request has been answered or the time is over. Milliseconds. */
  drain(timeoutMs: number): Promise<void>;
  /** Ends every connection now. */
  close(): Promise<void>;
}

const defaultHeadersTimeoutMs = 30_000;
/** Idle connections are kept a little longer than the 60 s of common load balancers, so that those close first. */
const keepAliveTimeoutMs = 75_000;
/** Streams that one HTTP/2 connection may have open. Envoy and grpc-go multiplex many callers over one. */
const maxConcurrentStreams = 1_000;
const maxHeaderBytes = 32 * 1024;
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
  const handler: Handler = (req, res) => {
    open.add(res);
    if (draining && !("stream" in res)) res.shouldKeepAlive = false;
    // An answer that began before is now the last one of its connection.
    res.once("close", () => draining && http1.closeIdleConnections());
    options.handler(req, res);
  };

  const headersTimeoutMs = options.headersTimeoutMs ?? defaultHeadersTimeoutMs;
  const parts = { handler, sessions, headersTimeoutMs };
  const { listener, http1 } = options.tls ? secure(options.tls, parts) : plain(parts);
  listener.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await listen(listener, options);
  const { address, port } = listener.address() as AddressInfo;

  return {
    host: address,
    port,
    async drain(timeoutMs) {
      draining = true;
      listener.close();
      http1.close();
      for (const session of sessions) session.close();
      await open.empty(timeoutMs);
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
  readonly sessions: Set<ServerHttp2Session>;
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
function plain({ handler, sessions, headersTimeoutMs }: ListenerParts): Listening {
  const http1 = createHttp1Server(http1Options(headersTimeoutMs), handler);
  // It gets its connections from the listener below, but looks for slow clients only once it listens.
  http1.emit("listening");
  http1.keepAliveTimeout = keepAliveTimeoutMs;
  http1.requestTimeout = 0; // Bodies are bounded by the edges, which can answer 408 in the route's dialect.
  const http2 = createHttp2Server(http2Options, handler);
  track(http2, sessions);
  const listener = createNetServer({ noDelay: true, pauseOnConnect: false }, (socket) => {
    sniff(socket, headersTimeoutMs, (protocol) => (protocol === "h2" ? http2 : http1).emit("connection", socket));
  });
  return { listener, http1 };
}

/** TLS: ALPN tells the protocol. */
function secure(
  tls: NonNullable<ServerOptions["tls"]>,
  { handler, sessions, headersTimeoutMs }: ListenerParts,
): Listening {
  const server = createSecureServer(
    {
      ...http2Options,
      ...http1Options(headersTimeoutMs),
      handshakeTimeout: headersTimeoutMs,
      allowHTTP1: true,
      cert: tls.cert,
      key: tls.key.reveal(),
      ...(tls.clientCa === null ? {} : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
    },
    handler,
  );
  track(server, sessions);
  // It has this method too, which its type does not know.
  return { listener: server, http1: server as unknown as Http1Server };
}

function track(server: Http2Server | Http2SecureServer, sessions: Set<ServerHttp2Session>): void {
  server.on("session", (session: ServerHttp2Session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => session.destroy()); // A peer's protocol error ends its connection and nothing else.
  });
}

/** The answers that are not finished yet. */
class OpenRequests {
  #count = 0;
  #waiting: (() => void) | null = null;

  add(res: Response): void {
    this.#count++;
    res.once("close", () => {
      this.#count--;
      if (this.#count === 0) this.#waiting?.();
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

function listen(listener: Server | Http2SecureServer, { host, port }: ServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once("error", (error: NodeJS.ErrnoException) =>
      reject(new Error(explain(error, host, port), { cause: error })),
    );
    listener.listen(port, host, 4096, resolve);
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
