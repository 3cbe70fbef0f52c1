import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect as connectHttp2, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { request as requestHttps } from "node:https";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { Secret } from "../../src/domain/secret.ts";
import { type RunningServer, type ServerOptions, startServer } from "../../src/edges/server.ts";
import { makeCertificate } from "../fakes/certificates.ts";

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

const toStop: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of toStop.splice(0)) await stop();
});

/** Answers with the version of HTTP and the body's length; `/wait` only once the body has ended. */
function echo(req: Request, res: Response): void {
  let bytes = 0;
  req.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  req.on("end", () => res.end(`v${req.httpVersion}:${bytes}`));
}

async function serve(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const server = await startServer({ host: "127.0.0.1", port: 0, tls: null, handler: echo, ...options });
  toStop.push(() => server.close());
  return server;
}

/** A caller that keeps its half open, and what it got. `closed` settles when the server has ended or reset its half. */
function dial({ port }: RunningServer): { socket: Socket; received: () => Buffer; closed: Promise<unknown> } {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  toStop.push(() => void socket.destroy());
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("end", resolve).once("close", resolve));
  return { socket, received: () => Buffer.concat(chunks), closed };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await pause(5);
  expect(condition()).toBe(true);
}

const http1 = Buffer.from("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi");

/** Preface, empty SETTINGS, and HEADERS of stream 1 with its end: GET / at authority `a`, in HPACK without tables. */
const http2 = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
  Buffer.from([0, 0, 6, 1, 5, 0, 0, 0, 1]),
  Buffer.from([0x82, 0x86, 0x84, 0x01, 1, 0x61]),
]);

/** Whether a server's frames hold HEADERS on stream 1 that begin with `:status 200`. */
function hasStatus200(bytes: Buffer): boolean {
  for (let at = 0; at + 9 < bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    if (bytes[at + 3] === 1 && bytes.readUInt32BE(at + 5) === 1) return bytes[at + 9] === 0x88;
    at += 9 + length;
  }
  return false;
}

describe("one port for HTTP/1.1 and HTTP/2", () => {
  it.each([
    ["HTTP/1.1", http1, (got: Buffer) => got.toString().endsWith("v1.1:2")],
    ["HTTP/2", http2, hasStatus200],
  ] as const)("%s is recognized however its bytes are cut", async (_, bytes, isAnswered) => {
    const server = await serve();
    await Promise.all(
      Array.from({ length: bytes.length - 1 }, async (_, i) => {
        const { socket, received } = dial(server);
        socket.write(bytes.subarray(0, i + 1));
        await pause(20);
        socket.write(bytes.subarray(i + 1));
        await until(() => isAnswered(received()));
      }),
    );
  });

  it("a single byte that could be either costs nothing while it waits", async () => {
    const server = await serve();
    const { socket, received } = dial(server);
    socket.write("P");
    await pause(50);
    const before = process.cpuUsage();
    await pause(300);
    const { user, system } = process.cpuUsage(before);
    // A process that spins would have spent all of the 300 ms.
    expect((user + system) / 1000).toBeLessThan(150);
    socket.write(http1.subarray(1));
    await until(() => received().toString().endsWith("v1.1:2"));
  });

  it("several requests on one connection are answered in their order", async () => {
    const server = await serve();
    const { socket, received } = dial(server);
    socket.write(Buffer.concat([http1, http1, http1]));
    await until(() => received().toString().split("v1.1:2").length === 4);
  });
});

describe("callers that break the rules", () => {
  it("one that sends its end with its request is still answered", async () => {
    const server = await serve();
    const { socket, received } = dial(server);
    socket.end(http1);
    await until(() => received().toString().endsWith("v1.1:2"));
  });

  it.each([
    ["before a byte", ""],
    ["within the HTTP/2 preface", "PRI * HT"],
    ["within a head", "POST / HTTP/1.1\r\nhos"],
    ["within a body", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhi"],
  ])("one that closes its half %s is let go", async (_, bytes) => {
    const server = await serve();
    const { socket, closed } = dial(server);
    socket.end(bytes);
    await Promise.race([closed, pause(3_000).then(() => Promise.reject(new Error("still open")))]);
  });

  it.each([
    ["nothing", ""],
    ["a piece of the preface", "PRI * HT"],
    ["a head that never ends", "POST / HTTP/1.1\r\nhost: a\r\nx: "],
  ])("one that sends %s and waits is closed in time", async (_, bytes) => {
    const server = await serve({ headersTimeoutMs: 200 });
    const { socket, closed } = dial(server);
    if (bytes !== "") socket.write(bytes);
    await Promise.race([closed, pause(3_000).then(() => Promise.reject(new Error("still open")))]);
  });

  it.each([
    ["noise", Buffer.from(Array.from({ length: 512 }, (_, i) => (i * 151 + 7) % 256))],
    ["a TLS hello", Buffer.from("16030100a50100", "hex")],
    ["a broken head", Buffer.from("GET /\r\n\r\n")],
    ["two lengths", Buffer.from("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nhi")],
    [
      "a length and chunks",
      Buffer.from(
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1",
      ),
    ],
    ["a head that is too large", Buffer.from(`GET / HTTP/1.1\r\nhost: a\r\nx: ${"x".repeat(40_000)}\r\n\r\n`)],
    ["a good preface and noise", Buffer.concat([http2.subarray(0, 24), Buffer.alloc(64, 0xee)])],
  ])("%s ends its own connection, and no other", async (_, bytes) => {
    const server = await serve();
    const other = dial(server);
    other.socket.write(http1.subarray(0, 20));
    const { socket, closed } = dial(server);
    socket.end(bytes);
    await Promise.race([closed, pause(3_000).then(() => Promise.reject(new Error("still open")))]);
    other.socket.write(http1.subarray(20));
    await until(() => other.received().toString().endsWith("v1.1:2"));
  });

  it("sockets that are reset leave nothing behind", async () => {
    const server = await serve();
    for (const bytes of ["", "P", http1.subarray(0, 30), http2]) {
      const { socket, closed } = dial(server);
      await once(socket, "connect");
      socket.write(bytes);
      await pause(10);
      socket.resetAndDestroy();
      await closed;
    }
    const { socket, received } = dial(server);
    socket.write(http1);
    await until(() => received().toString().endsWith("v1.1:2"));
  });
});

it("callers who cancel by the thousand end no other stream of their HTTP/2 connection", async () => {
  const server = await serve();
  const session = connectHttp2(`http://127.0.0.1:${server.port}`);
  toStop.push(() => session.destroy());
  const stream = session.request({ ":method": "POST" });
  stream.setEncoding("utf8");
  for (let i = 0; i < 30; i++) {
    const canceled = Array.from({ length: 100 }, () => session.request({ ":method": "POST" }));
    // Each has reached the server when our own PING comes back.
    await new Promise((resolve) => session.ping(resolve));
    for (const one of canceled) one.close(8);
    await new Promise((resolve) => session.ping(resolve));
  }
  stream.end("hi");
  expect((await stream.toArray()).join("")).toBe("v2.0:2");
});

const certificate = makeCertificate("gateway");

describe("TLS", () => {
  const tls = { cert: certificate.cert, key: new Secret(certificate.key), clientCa: null };

  it("ALPN decides between HTTP/2 and HTTP/1.1", async () => {
    const { port } = await serve({ tls });
    const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: certificate.cert });
    toStop.push(() => session.destroy());
    const stream = session.request({ ":path": "/" });
    expect((await Array.fromAsync(stream)).join("")).toBe("v2.0:0");
    expect(await getByHttps(port, { ca: certificate.cert })).toBe("v1.1:0");
  });

  it("a caller without the client certificate that is asked for is not served", async () => {
    const client = makeCertificate("caller");
    const { port } = await serve({ tls: { ...tls, clientCa: client.cert } });
    const { ca } = { ca: certificate.cert };
    expect(await getByHttps(port, { ca, cert: client.cert, key: client.key })).toBe("v1.1:0");
    await expect(getByHttps(port, { ca })).rejects.toThrow();
    const stranger = makeCertificate("stranger");
    await expect(getByHttps(port, { ca, cert: stranger.cert, key: stranger.key })).rejects.toThrow();
  });

  it("clear text is not answered, and the listener lives on", async () => {
    const server = await serve({ tls });
    const { socket, received, closed } = dial(server);
    socket.end(http1);
    await closed;
    expect(received().toString()).not.toContain("200 OK");
    const secure = connectTls({ port: server.port, ca: certificate.cert, host: "127.0.0.1" });
    toStop.push(() => void secure.destroy());
    await once(secure, "secureConnect");
  });
});

function getByHttps(port: number, options: { ca: string; cert?: string; key?: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = requestHttps({ port, host: "127.0.0.1", agent: false, ...options }, async (answer) => {
      resolve((await Array.fromAsync(answer)).join(""));
    });
    call.on("error", reject);
    call.end();
  });
}

describe("draining", () => {
  const slow = (req: Request, res: Response): void => {
    // Both kinds can write; TypeScript cannot call a union of overloads.
    (res as ServerResponse).write("first ");
    if (req.url === "/forever") return;
    setTimeout(() => res.end("last"), 200);
  };

  it.each(["HTTP/1.1", "HTTP/2"])("lets %s streams finish and accepts no more", async (protocol) => {
    const server = await serve({ handler: slow });
    const session = connectHttp2(`http://127.0.0.1:${server.port}`);
    session.on("error", () => {});
    toStop.push(() => session.destroy());
    const answer =
      protocol === "HTTP/2"
        ? Array.fromAsync(session.request({ ":path": "/" })).then((chunks) => chunks.join(""))
        : fetch(`http://127.0.0.1:${server.port}/`).then((response) => response.text());
    await pause(80);
    const drained = server.drain(5_000);
    await pause(20);
    const late = dial(server);
    await late.closed;
    expect(await answer).toBe("first last");
    await drained;
  });

  it.each([
    ["clear text", null],
    ["TLS", { ...certificate, key: new Secret(certificate.key), clientCa: null }],
  ])("ends connections over %s that wait for another request", async (_, tls) => {
    const server = await serve({ tls, handler: slow });
    const { port } = server;
    const dialed = () =>
      tls === null
        ? connect({ port, host: "127.0.0.1" })
        : connectTls({ port, host: "127.0.0.1", ca: certificate.cert, ALPNProtocols: ["http/1.1"] });
    const sockets = [dialed(), dialed()];
    const texts = ["", ""];
    sockets.forEach((socket, i) => {
      toStop.push(() => void socket.destroy());
      socket
        .on("error", () => {})
        .on("data", (chunk: Buffer) => {
          texts[i] += String(chunk);
        });
    });
    const [idle, busy] = sockets;
    idle?.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await until(() => texts[0]?.endsWith("0\r\n\r\n") === true);
    busy?.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await until(() => texts[1]?.includes("first") === true);
    const ended = sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    const drained = server.drain(5_000);
    await Promise.all(ended);
    await drained;
    expect(texts[1]).toMatch(/last\r\n0\r\n\r\n$/);
  });

  it("waits no longer than it may", async () => {
    const server = await serve({ handler: slow });
    const { socket, received, closed } = dial(server);
    socket.write("GET /forever HTTP/1.1\r\nhost: a\r\n\r\n");
    await until(() => received().toString().includes("first"));
    await server.drain(100);
    await server.close();
    await closed;
  });
});

it("a port that is taken is named, with what to do", async () => {
  const { port } = await serve();
  await expect(serve({ port })).rejects.toThrow(
    `Port ${port} on 127.0.0.1 is in use: stop what listens there, or choose another port (0 picks a free one).`,
  );
});
