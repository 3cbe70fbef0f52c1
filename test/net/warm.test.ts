import { execFile } from "node:child_process";
import { type AddressInfo, createServer as createPlainServer, type Socket } from "node:net";
import { createServer, getCACertificates, setDefaultCACertificates } from "node:tls";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { startGateway } from "../../src/main.ts";
import { createDialer, type DialOptions, type Outgoing } from "../../src/net/dial.ts";
import { makeCertificate } from "../fakes/certificates.ts";
import { createFakeClock, type FakeClock } from "../fakes/clock.ts";
import { answer, startRawUpstream } from "../fakes/upstream.ts";

const certificate = makeCertificate("provider");
setDefaultCACertificates([...getCACertificates("default"), certificate.cert]);

/** A provider that answers each request with the number of its connection, from 0. */
async function startProvider(greet: (socket: Socket) => void = () => {}) {
  const sockets: Socket[] = [];
  const open = new Set<Socket>();
  const raw: Socket[] = [];
  const server = createServer(certificate, (socket) => {
    const number = sockets.push(socket) - 1;
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => {}); // Resets are what tests are about.
    socket.on("data", () => socket.write(answer(200, {}, String(number))));
    greet(socket);
  });
  server.on("connection", (socket: Socket) => raw.push(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // It listens on a port.
  return { origin: `https://127.0.0.1:${port}`, sockets, raw, open };
}

function warmed(origin: string, connections: number, options: Partial<DialOptions> = {}) {
  const clock = createFakeClock();
  const warm = [{ origin, connections }];
  const dialer = createDialer({ clock, maxConnections: 8, maxQueued: 8, warm, ...options });
  onTestFinished(() => dialer.close());
  const open = (how: Partial<Outgoing> = {}, signal = new AbortController().signal) =>
    dialer.open(
      { origin, socketPath: null, method: "POST", path: "/", headers: {}, body: "{}", connectTimeoutMs: 5_000, ...how },
      signal,
    );
  /** The number of the connection that answered. */
  const ask = async (how: Partial<Outgoing> = {}) => {
    let text = "";
    for await (const chunks of (await open(how)).body) text += Buffer.concat(chunks).toString();
    return Number(text);
  };
  return { clock, ask, open, close: () => dialer.close() };
}

/** All that is under way on loopback has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Time passes, and lets happen what it brings about. */
async function halfMinutes(count: number, clock: FakeClock, after: () => void = () => {}): Promise<void> {
  for (let half = 0; half < count; half++) {
    clock.advance(30_000);
    await settled();
    after();
  }
}

describe("a stock of connections", () => {
  it("is ready before anybody asks, is handed out, and is filled again", async () => {
    const { origin, sockets } = await startProvider();
    const { ask } = warmed(origin, 2);
    await expect.poll(() => sockets.length).toBe(2);
    expect(await ask()).toBe(0);
    await expect.poll(() => sockets.length).toBe(3);
    await settled();
    expect(sockets).toHaveLength(3);
  });

  it("serves requests at the same time, each from a connection of its own", async () => {
    const { origin, sockets } = await startProvider();
    const { ask } = warmed(origin, 2);
    await expect.poll(() => sockets.length).toBe(2);
    await settled();
    const numbers = await Promise.all([ask(), ask(), ask()]);
    expect(numbers.slice(0, 2)).toEqual([0, 1]);
    expect(numbers[2]).toBeGreaterThan(1);
  });

  it("is the largest that instances with the same origin ask for", async () => {
    const { origin, sockets } = await startProvider();
    const warm = [1, 3, 2].map((connections) => ({ origin, connections }));
    warmed(origin, 0, { warm });
    await expect.poll(() => sockets.length).toBe(3);
    await settled();
    expect(sockets).toHaveLength(3);
  });

  it("never makes more connections than one origin may have", async () => {
    const { origin, sockets, open } = await startProvider();
    const { ask } = warmed(origin, 5, { maxConnections: 2 });
    await expect.poll(() => sockets.length).toBe(2);
    await Promise.all([ask(), ask(), ask(), ask()]);
    await settled();
    expect(open.size).toBe(2);
  });

  it("makes way for a request when there may be no more connections", async () => {
    const silent = await startRawUpstream(); // Never answers the TLS handshake.
    const { open, close } = warmed(silent.origin.replace("http:", "https:"), 1, { maxConnections: 1 });
    await expect.poll(() => silent.connections).toBe(1);
    const refused = expect(open()).rejects.toMatchObject({ code: "service_unavailable" });
    await expect.poll(() => silent.connections).toBe(2);
    expect(silent.open).toBe(1);
    await close();
    await refused;
  });

  it("is renewed every 30 seconds for ten minutes after the last call, and then let go until the next", async () => {
    const { origin, sockets, open } = await startProvider();
    const { clock, ask } = warmed(origin, 1);
    await expect.poll(() => sockets.length).toBe(1);
    const counts: number[] = [];
    await halfMinutes(20, clock, () => counts.push(open.size));
    expect(counts).toEqual([...Array(19).fill(1), 0]);
    clock.advance(3_600_000);
    await settled();
    expect(sockets).toHaveLength(20);
    await ask();
    await expect.poll(() => sockets.length).toBe(22); // Its own, and the stock.
  });

  it("is not kept up by requests for lists, which the gateway makes by itself", async () => {
    const { origin, open } = await startProvider();
    const { clock, ask } = warmed(origin, 1);
    await expect.poll(() => open.size).toBe(1);
    await halfMinutes(20, clock);
    expect(open.size).toBe(0);
    await ask({ method: "GET", body: null });
    await settled();
    expect(open.size).toBe(1);
  });

  it("is closed with the dialer, also what is still being connected", async () => {
    const { origin, open } = await startProvider();
    const { close } = warmed(origin, 2);
    await expect.poll(() => open.size).toBe(2);
    await close();
    await expect.poll(() => open.size).toBe(0);

    const silent = await startRawUpstream(); // Never answers the TLS handshake.
    const other = warmed(silent.origin.replace("http:", "https:"), 2);
    await expect.poll(() => silent.connections).toBe(2);
    await other.close();
    await silent.allClosed();
  });

  it("does not keep the process alive, unless a request runs on it", async () => {
    let accepted = 0;
    const server = createPlainServer((socket) => {
      accepted++;
      socket.on("error", () => {}); // The process may end before the socket.
      socket.on("data", () => setTimeout(() => socket.write(answer(200, {}, "x")), 50));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo; // It listens on a port.
    const program = `
      import { createDialer } from ${JSON.stringify(new URL("../../src/net/dial.ts", import.meta.url).href)};
      import { systemClock } from ${JSON.stringify(new URL("../../src/domain/clock.ts", import.meta.url).href)};
      const origin = "http://127.0.0.1:${port}";
      const warm = [{ origin, connections: 3 }];
      const dialer = createDialer({ clock: systemClock, maxConnections: 8, maxQueued: 8, warm });
      setTimeout(async () => {
        const request = { origin, socketPath: null, method: "POST", path: "/", headers: {}, body: "{}" };
        const incoming = await dialer.open({ ...request, connectTimeoutMs: 5_000 }, new AbortController().signal);
        incoming.release();
        console.log(incoming.status);
      }, 200); // By then they are connected.
    `;
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], { timeout: 20_000 });
    expect(stdout).toBe("200\n");
    expect(accepted).toBe(4);
  });
});

describe("a configured stock", () => {
  it("is there as soon as the gateway runs", async () => {
    const upstream = await startRawUpstream();
    const config = loadConfig({
      env: { PORT: "0", TRUNKLINE_OPS_PORT: "0", OPENAI_API_KEY: "sk-1" },
      flags: {},
      folder: ".",
    }).config;
    const providers = config.providers.map((instance) => ({
      ...instance,
      baseUrl: upstream.origin,
      warmConnections: 3,
    }));
    const silent = { with: () => silent, debug() {}, info() {}, warn() {}, error() {} };
    const running = await startGateway({ ...config, providers }, { log: silent });
    onTestFinished(() => running.close());
    await expect.poll(() => upstream.connections).toBe(4); // One more asks for the list of models.
  });
});

describe("a connection in stock", () => {
  it.each([
    ["closes", (_raw: Socket, socket: Socket) => socket.end()],
    ["resets", (raw: Socket) => raw.resetAndDestroy()],
  ])("that the provider %s is not handed out, and replaced after a second", async (_, shut) => {
    const { origin, sockets, raw, open } = await startProvider();
    const { clock, ask } = warmed(origin, 1);
    await expect.poll(() => sockets.length).toBe(1);
    await settled();
    for (const [number, socket] of sockets.entries()) shut(raw[number] ?? socket, socket);
    await expect.poll(() => open.size).toBe(0);
    await settled();
    expect(await ask()).toBe(1);
    clock.advance(999);
    await settled();
    expect(sockets).toHaveLength(2);
    clock.advance(1);
    await expect.poll(() => sockets.length).toBe(3);
  });

  it("on which bytes came that nobody asked for is not handed out", async () => {
    const { origin, sockets } = await startProvider((socket) => {
      if (sockets.length === 1) socket.write("HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n");
    });
    const { ask } = warmed(origin, 1);
    await expect.poll(() => sockets.length).toBe(1);
    await settled();
    expect(await ask()).toBe(1);
    expect(sockets[0]?.destroyed || sockets[0]?.readableEnded).toBe(true);
  });

  it("is opened at ever longer intervals, up to a minute, while the provider closes each at once", async () => {
    const { origin, sockets } = await startProvider((socket) => socket.destroy());
    const { clock } = warmed(origin, 2, {});
    const seconds: number[] = [];
    for (let second = 0; second < 200; second++) {
      const before = sockets.length;
      await settled();
      if (clock.nextMs === null || clock.nextMs <= 1_000) {
        clock.advance(1_000);
        await settled();
        if (sockets.length > before) seconds.push(second + 1);
      } else clock.advance(1_000);
    }
    expect(seconds).toEqual([1, 3, 7, 15, 31, 63, 123, 183]);
  });

  it("is given up when it is not ready in ten seconds, without harm to a request", async () => {
    const silent = await startRawUpstream(); // Never answers the TLS handshake.
    const { clock } = warmed(silent.origin.replace("http:", "https:"), 2);
    await expect.poll(() => silent.connections).toBe(2);
    clock.advance(10_000);
    await silent.allClosed();
  });

  it.each([
    ["in a callback", (begin: () => void) => setImmediate(begin)],
    ["in a promise's job", (begin: () => void) => void Promise.resolve().then(begin)],
  ])("is closed when its request is given up at once, %s, and makes room", async (_, schedule) => {
    const { origin, sockets, open } = await startProvider();
    const { open: begin, ask } = warmed(origin, 1, { maxConnections: 1, maxQueued: 0 });
    await expect.poll(() => sockets.length).toBe(1);
    await settled();
    const caller = new AbortController();
    const begun = Promise.withResolvers<unknown>();
    schedule(() => {
      begun.resolve(begin({}, caller.signal));
      caller.abort(new Error("left"));
    });
    await expect(begun.promise).rejects.toThrow("left");
    await expect.poll(() => sockets[0]?.destroyed).toBe(true);
    await settled();
    expect(sockets).toHaveLength(1); // Nobody opens another one for it.
    expect(await ask()).toBe(1);
    expect(open.size).toBe(1);
  });

  it("to a provider that is not there is an error of nobody, and the next request is told", async () => {
    const { clock, open } = warmed("https://127.0.0.1:1", 2);
    await settled();
    await expect(open()).rejects.toMatchObject({ code: "service_unavailable" });
    clock.advance(1_000);
    await settled();
    await expect(open()).rejects.toMatchObject({ code: "service_unavailable" });
  });
});
