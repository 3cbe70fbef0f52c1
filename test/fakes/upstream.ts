import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** One request that an upstream has received in full, and the raw connection to answer it on. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Which of the upstream's connections it came on, from 0. */
  readonly connection: number;
  /** Resolves when the gateway has closed or reset its side. */
  readonly closed: Promise<void>;
  readonly gone: boolean;
  /** Writes bytes as they are. Resolves once the kernel took them; false when the connection is gone. */
  write(bytes: string | Uint8Array): Promise<boolean>;
  /** Says that nothing more comes (FIN). */
  end(): void;
  /** Breaks the connection (RST). */
  reset(): void;
}

/** A provider on 127.0.0.1 that answers what a test writes, byte by byte. */
export interface RawUpstream {
  readonly origin: string;
  /** The next request; waits for it. */
  next(): Promise<Asked>;
  /** Connections accepted so far. */
  readonly connections: number;
  /** Those of them that are open. */
  readonly open: number;
  /** Requests received so far. */
  readonly requests: number;
  /** Resolves when a connection has been accepted and all of them have been closed again. */
  allClosed(): Promise<void>;
}

/**
 * Closed when the test ends. Requests need a content-length or no body.
 * @param socketPath listens on this Unix socket instead of a port
 */
export async function startRawUpstream(socketPath?: string): Promise<RawUpstream> {
  const arrived: Asked[] = [];
  const waiting: ((asked: Asked) => void)[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let requests = 0;

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    const connection = connections++;
    socket.setNoDelay(true);
    socket.on("error", () => {}); // Resets are what tests are about.
    const closed = new Promise<void>((resolve) => socket.once("close", resolve));
    readRequests(socket, (request) => {
      requests++;
      const asked = toAsked(request, { socket, connection, closed });
      const waiter = waiting.shift();
      if (waiter) waiter(asked);
      else arrived.push(asked);
    });
  });
  const origin = await listen(server, socketPath);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  return {
    origin,
    next: () => {
      const asked = arrived.shift();
      return asked ? Promise.resolve(asked) : new Promise((resolve) => waiting.push(resolve));
    },
    async allClosed() {
      while (connections === 0 || sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    get requests() {
      return requests;
    },
  };
}

/** A whole answer with its length. */
export function answer(status: number, headers: Readonly<Record<string, string>>, body: string): string {
  return `${head(status, { ...headers, "content-length": String(Buffer.byteLength(body)) })}${body}`;
}

/** A head alone. Add `transfer-encoding: chunked` to go on with `piece`. */
export function head(status: number, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Words\r\n${lines.join("")}\r\n`;
}

/** The head of an event stream, which goes on with `piece`. */
export const streamHead = head(200, { "content-type": "text/event-stream", "transfer-encoding": "chunked" });

/** One chunk of a chunked body. */
export function piece(text: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

/** The end of a chunked body. */
export const lastPiece = "0\r\n\r\n";

type Request = Pick<Asked, "method" | "path" | "headers" | "body">;

function readRequests(socket: Socket, onRequest: (request: Request) => void): void {
  let unread = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    unread = Buffer.concat([unread, bytes]);
    for (let found = cutRequest(unread); found; found = cutRequest(unread)) {
      unread = unread.subarray(found.bytes);
      onRequest(found.request);
    }
  });
}

function cutRequest(bytes: Buffer): { readonly request: Request; readonly bytes: number } | null {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const [first = "", ...lines] = bytes.subarray(0, headEnd).toString("latin1").split("\r\n");
  const [method = "", path = ""] = first.split(" ");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const bodyStart = headEnd + 4;
  const end = bodyStart + Number(headers["content-length"] ?? 0);
  if (bytes.length < end) return null;
  return { request: { method, path, headers, body: bytes.toString("utf8", bodyStart, end) }, bytes: end };
}

interface Place {
  readonly socket: Socket;
  readonly connection: number;
  readonly closed: Promise<void>;
}

function toAsked(request: Request, { socket, connection, closed }: Place): Asked {
  return {
    ...request,
    connection,
    closed,
    get gone() {
      return socket.destroyed;
    },
    write: (bytes) =>
      new Promise((resolve) => {
        socket.write(bytes, (error) => resolve(!error));
      }),
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
  };
}

async function listen(server: Server, socketPath: string | undefined): Promise<string> {
  await new Promise<void>((resolve) => {
    if (socketPath === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(socketPath, resolve);
  });
  // A server on a port has an address with that port.
  return socketPath === undefined ? `http://127.0.0.1:${(server.address() as AddressInfo).port}` : "http://localhost";
}
