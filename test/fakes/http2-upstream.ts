import {
  createSecureServer,
  type Http2SecureServer,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer as createTls, type TlsOptions } from "node:tls";
import { onTestFinished } from "vitest";

/** On a port of 127.0.0.1. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // It listens on a port.
  return `https://127.0.0.1:${port}`;
}

/** A provider whose streams a test answers. */
export interface Http2Upstream {
  readonly origin: string;
  readonly sessions: readonly ServerHttp2Session[];
  /** The sockets below TLS. */
  readonly raw: readonly Socket[];
  /** The next stream; waits for it. */
  next(): Promise<ServerHttp2Stream>;
}

/** Closed when the test ends. @param options with a certificate */
export async function startHttp2Upstream(options: SecureServerOptions): Promise<Http2Upstream> {
  const sessions: ServerHttp2Session[] = [];
  const arrived: ServerHttp2Stream[] = [];
  const waiting: ((stream: ServerHttp2Stream) => void)[] = [];
  const raw: Socket[] = [];
  const server: Http2SecureServer = createSecureServer(options);
  server.on("connection", (socket: Socket) => raw.push(socket));
  server.on("session", (session) => sessions.push(session.on("error", () => {})));
  server.on("sessionError", () => {});
  server.on("stream", (stream) => {
    stream.on("error", () => {}); // Resets are what tests are about.
    stream.resume();
    const waiter = waiting.shift();
    if (waiter) waiter(stream);
    else arrived.push(stream);
  });
  const origin = await listen(server);
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const next = (): Promise<ServerHttp2Stream> => {
    const stream = arrived.shift();
    return stream ? Promise.resolve(stream) : new Promise((resolve) => waiting.push(resolve));
  };
  return { origin, sessions, raw, next };
}

export const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6 } as const;
export const endOfHeaders = 4;
/** `:status: 200` in HPACK's static table. */
export const statusOk = 0x88;
/** `content-length: 10`, a literal with the name from the static table. */
export const contentLength10 = [0x0f, 0x0d, 2, 0x31, 0x30];

/** @see RFC 9113, section 4.1 */
export function frame(type: number, flags: number, stream: number, payload: readonly number[] | Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, Buffer.from(payload)]);
}

/** A provider that answers each stream with frames, and nothing else: no ping, for one. */
export async function startFrameUpstream(
  options: TlsOptions,
  answer: (stream: number) => readonly Buffer[],
): Promise<string> {
  const preface = 24;
  const server = createTls({ ...options, ALPNProtocols: ["h2"] }, (socket) => {
    onTestFinished(() => void socket.destroy());
    socket.on("error", () => {});
    socket.write(frame(frameTypes.settings, 0, 0, []));
    let unread = Buffer.alloc(0);
    let begun = false;
    socket.on("data", (bytes: Buffer) => {
      unread = Buffer.concat([unread, bytes]);
      if (!begun && unread.length >= preface) {
        begun = true;
        unread = unread.subarray(preface);
      }
      while (begun && unread.length >= 9 && unread.length >= 9 + unread.readUIntBE(0, 3)) {
        if (unread[3] === frameTypes.headers) for (const one of answer(unread.readUInt32BE(5))) socket.write(one);
        unread = unread.subarray(9 + unread.readUIntBE(0, 3));
      }
    });
  });
  onTestFinished(() => void server.close());
  return listen(server);
}
