import { constants, type SecureServerOptions, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { createServer as createHttps } from "node:https";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { startGateway } from "../../src/main.ts";
import { createDialer, type DialOptions } from "../../src/net/dial.ts";
import type { Incoming } from "../../src/net/incoming.ts";
import { makeCertificate } from "../fakes/certificates.ts";
import { createFakeClock } from "../fakes/clock.ts";
import * as fakes from "../fakes/http2-upstream.ts";
import { startRawUpstream } from "../fakes/upstream.ts";

const certificate = makeCertificate("provider");
setDefaultCACertificates([...getCACertificates("default"), certificate.cert]);
const { NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants;

function asking(origin: string, options: Partial<DialOptions> = {}) {
  const dialer = createDialer({ clock: systemClock, maxConnections: 4, maxQueued: 100, ...options });
  onTestFinished(() => dialer.close());
  const open = (signal = new AbortController().signal, connectTimeoutMs = 5_000) => {
    const request = {
      origin,
      socketPath: null,
      http2: true,
      method: "POST",
      path: "/v1/chat",
      body: '{"a":"é"}',
    } as const;
    return dialer.open({ ...request, headers: { "content-type": "application/json" }, connectTimeoutMs }, signal);
  };
  return { open, close: () => dialer.close() };
}

/** All that is under way on loopback has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function textOf(incoming: Incoming): Promise<string> {
  let text = "";
  for await (const chunks of incoming.body) text += Buffer.concat(chunks).toString();
  return text;
}

function readerOf(incoming: Incoming | undefined): AsyncIterator<readonly Uint8Array[]> {
  if (incoming === undefined) throw new Error("no answer");
  return incoming.body[Symbol.asyncIterator]();
}

async function failureOf(promise: Promise<unknown> | undefined): Promise<GatewayError> {
  const thrown: unknown = await promise?.then(
    () => null,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(GatewayError);
  return thrown as GatewayError; // Asserted in the line above.
}

/** The stream's end: the code of its reset. */
function closeOf(stream: ServerHttp2Stream): Promise<number | undefined> {
  return new Promise((resolve) =>
    stream.closed ? resolve(stream.rstCode) : stream.once("close", () => resolve(stream.rstCode)),
  );
}

/** Requests that one connection carries at the same time. */
async function carried(count: number, options: SecureServerOptions = {}, dialing: Partial<DialOptions> = {}) {
  const provider = await fakes.startHttp2Upstream({ ...certificate, ...options });
  const { open, close } = asking(provider.origin, dialing);
  const callers = Array.from({ length: count }, () => new AbortController());
  const opened = callers.map(({ signal }) => open(signal));
  for (const one of opened) one.catch(() => {}); // Each is looked at by its test.
  const streams: ServerHttp2Stream[] = [];
  for (let stream = 0; stream < count; stream++) streams.push(await provider.next());
  return { ...provider, open, close, callers, opened, streams };
}

describe("a provider that speaks HTTP/2", () => {
  it("gets all requests on one connection, and answers them in any order", async () => {
    const { sessions, opened, streams } = await carried(10);
    expect(sessions).toHaveLength(1);
    for (const [number, stream] of [...streams.entries()].toReversed()) {
      stream.respond({ ":status": 201, "x-number": String(number) });
      stream.end(`answer ${number}`);
    }
    for (const [number, one] of opened.entries()) {
      const incoming = await one;
      expect(incoming).toMatchObject({ status: 201, headers: { "x-number": String(number) } });
      expect(await textOf(incoming)).toBe(`answer ${number}`);
    }
  });

  it("gets no more streams at a time than it allows; more take a connection of their own", async () => {
    const { sessions, streams } = await carried(6, { settings: { maxConcurrentStreams: 2 } });
    const counts = sessions.map((session) => streams.filter((stream) => stream.session === session).length);
    expect(Math.max(...counts)).toBeLessThanOrEqual(2);
    expect(counts.length).toBeLessThanOrEqual(4);
  });

  it("is asked by HTTP/1.1 if it chooses that, one connection a request", async () => {
    const server = createHttps(certificate, (_request, response) => response.end("x"));
    let connections = 0;
    server.on("secureConnection", () => connections++);
    const origin = await fakes.listen(server);
    onTestFinished(() => void server.close());
    const { open } = asking(origin);
    const texts = await Promise.all([1, 2, 3].map(async () => textOf(await open())));
    expect(texts).toEqual(["x", "x", "x"]);
    expect(connections).toBe(3);
  });
});

it("an instance with http2 is asked by HTTP/2", async () => {
  const provider = await fakes.startHttp2Upstream(certificate);
  const { config } = loadConfig({
    env: { PORT: "0", TRUNKLINE_OPS_PORT: "0", OPENAI_API_KEY: "sk-1" },
    flags: {},
    folder: ".",
  });
  const providers = config.providers.map((instance) => ({
    ...instance,
    baseUrl: `${provider.origin}/v1`,
    http2: true,
  }));
  const silent = { with: () => silent, debug() {}, info() {}, warn() {}, error() {} };
  const running = await startGateway({ ...config, providers }, { log: silent });
  onTestFinished(() => running.close());
  await provider.next(); // The list of models.
  expect(provider.sessions).toHaveLength(1);
});

describe("a caller who leaves", () => {
  it("resets its own stream, before its head and in its body, and leaves its neighbours alone", async () => {
    const { sessions, callers, opened, streams } = await carried(3);
    streams[1]?.respond();
    streams[1]?.write("some");
    const reading = opened[1]?.then(textOf);
    await opened[1];
    callers[0]?.abort(new Error("left"));
    callers[1]?.abort(new Error("left"));
    await expect(opened[0]).rejects.toThrow("left");
    await expect(reading).rejects.toThrow("left");
    for (const stream of streams.slice(0, 2)) await closeOf(stream);
    expect(streams[0]?.aborted).toBe(true);
    expect(streams[1]?.aborted || streams[1]?.destroyed).toBe(true);
    streams[2]?.respond();
    streams[2]?.end("whole");
    expect(await opened[2]?.then(textOf)).toBe("whole");
    expect(sessions).toHaveLength(1);
    expect(sessions[0]?.destroyed).toBe(false);
  });

  it("while connecting ends the connection only when nobody else waits for it", async () => {
    const silent = await startRawUpstream(); // Never answers the TLS handshake.
    const { open } = asking(silent.origin.replace("http:", "https:"), { maxConnections: 1 });
    const callers = [1, 2, 3].map(() => new AbortController());
    const opened = callers.map(({ signal }) => open(signal));
    const failures = opened.map((one) => expect(one).rejects.toThrow("left"));
    await expect.poll(() => silent.open).toBe(1);
    for (const caller of callers.slice(1)) caller.abort(new Error("left"));
    await Promise.all(failures.slice(1));
    await settled();
    expect(silent.open).toBe(1);
    callers[0]?.abort(new Error("left"));
    await Promise.all(failures);
    await expect.poll(() => silent.open).toBe(0);
  });

  it("while connecting does not fail who asks right after", async () => {
    const silent = await startRawUpstream(); // Never answers the TLS handshake.
    const { open } = asking(silent.origin.replace("http:", "https:"), { maxConnections: 1 });
    const [first, second] = [new AbortController(), new AbortController()];
    const left = expect(open(first.signal)).rejects.toThrow("left");
    await expect.poll(() => silent.connections).toBe(1);
    first.abort(new Error("left"));
    const later = expect(open(second.signal)).rejects.toThrow("left later");
    await left;
    await expect.poll(() => silent.connections).toBe(2);
    await settled();
    expect(silent.open).toBe(1);
    second.abort(new Error("left later"));
    await later;
  });
});

describe("a provider that fails", () => {
  it("by resetting one stream before its head fails that one alone", async () => {
    const { opened, streams } = await carried(2);
    streams[0]?.destroy(new Error("reset"));
    expect(await failureOf(opened[0])).toMatchObject({ code: "upstream_error" });
    streams[1]?.respond();
    streams[1]?.end("whole");
    expect(await opened[1]?.then(textOf)).toBe("whole");
  });

  it("by refusing a stream is unavailable: nothing was done", async () => {
    const { opened, streams } = await carried(2);
    streams[0]?.close(NGHTTP2_REFUSED_STREAM);
    expect(await failureOf(opened[0])).toMatchObject({ code: "service_unavailable" });
  });

  it("by resetting a stream in its body cuts its answer", async () => {
    const { opened, streams } = await carried(2);
    streams[0]?.respond();
    streams[0]?.write("half");
    const reader = readerOf(await opened[0]);
    expect(Buffer.concat((await reader.next()).value ?? []).toString()).toBe("half");
    streams[0]?.destroy(new Error("reset"));
    expect(await failureOf(reader.next())).toMatchObject({ code: "upstream_cut" });
  });

  it("by ending a stream before the length that it said cuts its answer", async () => {
    const origin = await fakes.startFrameUpstream(certificate, (id) => [
      fakes.frame(fakes.frameTypes.headers, fakes.endOfHeaders, id, [fakes.statusOk, ...fakes.contentLength10]),
      fakes.frame(fakes.frameTypes.data, 0, id, Buffer.from("half")),
      fakes.frame(fakes.frameTypes.reset, 0, id, [0, 0, 0, NGHTTP2_NO_ERROR]),
    ]);
    const { open } = asking(origin);
    const failed = open().then(textOf);
    expect(await failureOf(failed)).toMatchObject({ code: "upstream_cut" });
  });

  it("by breaking the connection fails all that were on it, and the next request opens another", async () => {
    const { raw, opened, streams, open, next } = await carried(3);
    streams[2]?.respond();
    streams[2]?.write("half");
    const reader = readerOf(await opened[2]);
    await reader.next();
    raw[0]?.destroy();
    for (const one of opened.slice(0, 2)) expect(await failureOf(one)).toMatchObject({ code: "upstream_error" });
    expect(await failureOf(reader.next())).toMatchObject({ code: "upstream_cut" });
    const again = open();
    const stream = await next();
    stream.respond();
    stream.end("x");
    expect(await textOf(await again)).toBe("x");
  });

  it("by a GOAWAY finishes what it covers, and refuses the rest, which another connection takes", async () => {
    const { raw, sessions, opened, streams, open, next } = await carried(2);
    sessions[0]?.goaway(NGHTTP2_NO_ERROR, streams[0]?.id);
    expect(await failureOf(opened[1])).toMatchObject({ code: "service_unavailable" });
    const later = open();
    const stream = await next();
    expect(stream.session).not.toBe(sessions[0]);
    for (const one of [streams[0], stream]) {
      one?.respond();
      one?.end("whole");
    }
    for (const one of [opened[0], later]) expect(await one?.then(textOf)).toBe("whole");
    await expect.poll(() => raw[0]?.destroyed).toBe(true); // Although the provider leaves its side open.
  });

  it("by a GOAWAY with an error fails what is under way", async () => {
    const { sessions, opened } = await carried(2);
    sessions[0]?.goaway(NGHTTP2_INTERNAL_ERROR, 3);
    for (const one of opened) expect(await failureOf(one)).toMatchObject({ code: "upstream_error" });
  });

  it("by a head above the limit is an error of the provider, for that request alone", async () => {
    const { opened, streams } = await carried(2, { maxSendHeaderBlockLength: 1_000_000 });
    streams[0]?.respond({ "x-one": "x".repeat(40_000), "x-two": "x".repeat(40_000) });
    expect(await failureOf(opened[0])).toMatchObject({
      code: "upstream_error",
      message: "The head of the provider's answer is too large.",
    });
    streams[1]?.respond();
    streams[1]?.end("whole");
    expect(await opened[1]?.then(textOf)).toBe("whole");
  });
});

describe("a slow reader", () => {
  it("holds its own stream back, not its neighbours'", async () => {
    const { sessions, opened, streams } = await carried(30);
    const slow = streams.slice(1).map((stream) => {
      stream.respond();
      const sent = { bytes: 0 };
      const chunk = Buffer.alloc(16 * 1024, "x");
      const taken = () => {
        sent.bytes += chunk.length;
      };
      for (let count = 0; count < 64; count++) stream.write(chunk, taken);
      return sent;
    });
    const incoming = await Promise.all(opened.slice(1));
    await settled();
    for (const { bytes } of slow) expect(bytes).toBeLessThan(256 * 1024);
    streams[0]?.respond();
    streams[0]?.end(Buffer.alloc(2_000_000, "y"));
    expect((await opened[0]?.then(textOf))?.length).toBe(2_000_000);
    expect(sessions).toHaveLength(1);
    const reader = readerOf(incoming[0]);
    let read = 0;
    while (read < 400_000) read += Buffer.concat((await reader.next()).value ?? []).length;
    for (const one of incoming) one.abort();
  });
});

describe("a connection", () => {
  it("that does not answer a ping is dead: its requests fail, and the next opens another", async () => {
    const arrived: number[] = [];
    const origin = await fakes.startFrameUpstream(certificate, (id) => {
      arrived.push(id);
      return [];
    });
    const clock = createFakeClock();
    const { open } = asking(origin, { clock });
    const opened = open();
    opened.catch(() => {}); // Looked at below.
    await expect.poll(() => arrived).toEqual([1]);
    clock.advance(29_999);
    await settled();
    const before = open();
    before.catch(() => {}); // As above.
    await expect.poll(() => arrived).toEqual([1, 3]);
    clock.advance(1);
    for (const one of [opened, before]) expect(await failureOf(one)).toMatchObject({ code: "upstream_error" });
    open().catch(() => {}); // Never answered.
    await expect.poll(() => arrived).toEqual([1, 3, 1]);
  });

  it("that answers its pings is kept as long as a request runs, and 30 seconds longer", async () => {
    const clock = createFakeClock();
    const { sessions, opened, streams } = await carried(1, {}, { clock });
    for (let times = 0; times < 10; times++) {
      clock.advance(15_000);
      await settled();
    }
    streams[0]?.respond();
    streams[0]?.end("x");
    expect(await opened[0]?.then(textOf)).toBe("x");
    await settled();
    clock.advance(29_999);
    await settled();
    expect(sessions[0]?.destroyed).toBe(false);
    clock.advance(1);
    await expect.poll(() => sessions[0]?.destroyed).toBe(true);
  });

  it("out of a warm stock is used", async () => {
    const provider = await fakes.startHttp2Upstream(certificate);
    const warm = [{ origin: provider.origin, http2: true, connections: 1 }];
    const { open } = asking(provider.origin, { warm });
    await expect.poll(() => provider.sessions.length).toBe(1);
    await settled();
    const opened = open();
    const stream = await provider.next();
    expect(stream.session).toBe(provider.sessions[0]);
    stream.respond();
    stream.end("x");
    expect(await textOf(await opened)).toBe("x");
  });

  it.each([
    ["is", () => {}],
    ["that takes no more requests is", (session?: ServerHttp2Session) => session?.goaway(NGHTTP2_NO_ERROR, 1)],
  ])("%s broken when the gateway closes, and its requests are told", async (_, before) => {
    const { sessions, opened, close } = await carried(1);
    before(sessions[0]);
    await settled();
    await close();
    expect(await failureOf(opened[0])).toMatchObject({ code: "service_unavailable" });
    await expect.poll(() => sessions[0]?.destroyed).toBe(true);
  });
});

describe("a request that waits", () => {
  const single = { settings: { maxConcurrentStreams: 1 } };

  it("for a free stream gets the next, in its order", async () => {
    const { opened, streams, open, next } = await carried(1, single, { maxConnections: 1 });
    const later = [open(), open()];
    await settled();
    for (const stream of streams) {
      stream.respond();
      stream.end("first");
    }
    expect(await opened[0]?.then(textOf)).toBe("first");
    for (const [number, one] of later.entries()) {
      const stream = await next();
      stream.respond();
      stream.end(String(number));
      expect(await textOf(await one)).toBe(String(number));
    }
  });

  it("for a free stream too long is a timeout of phase queue, and takes none", async () => {
    const { streams, open, next } = await carried(1, single, { maxConnections: 1 });
    expect(await failureOf(open(undefined, 50))).toMatchObject({ code: "timeout", detail: { phase: "queue" } });
    const later = open();
    streams[0]?.respond();
    streams[0]?.end();
    (await next()).respond({}, { endStream: true });
    expect((await later).status).toBe(200);
  });

  it("for a connection too long is a timeout of phase connect", async () => {
    const silent = await startRawUpstream(); // Never answers the TLS handshake.
    const { open } = asking(silent.origin.replace("http:", "https:"));
    expect(await failureOf(open(undefined, 100))).toMatchObject({ code: "timeout", detail: { phase: "connect" } });
    await silent.allClosed();
  });

  it("for a provider that is not there is told so", async () => {
    const { open } = asking("https://127.0.0.1:1");
    for (const one of [open(), open()]) expect(await failureOf(one)).toMatchObject({ code: "service_unavailable" });
  });
});
