import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/domain/clock.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { createDialer, type DialOptions, type Outgoing } from "../../src/net/dial.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { answer, type RawUpstream, startRawUpstream } from "../fakes/upstream.ts";

const reason = new GatewayError("canceled", "The caller went away.");
const never = new AbortController().signal;

function dialer(options: Partial<DialOptions> = {}) {
  const made = createDialer({ clock: systemClock, maxConnections: 2, maxQueued: 2_000, ...options });
  onTestFinished(() => made.close());
  return made;
}

function post(origin: string): Outgoing {
  return { origin, socketPath: null, method: "POST", path: "/", headers: {}, body: "{}", connectTimeoutMs: 60_000 };
}

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "it succeeded",
    (error: unknown) => error,
  );

/** A server that accepts connections and never shakes hands. */
const silentTls = ({ origin }: RawUpstream) => origin.replace("http:", "https:");

async function accepted(upstream: RawUpstream, connections: number): Promise<void> {
  while (upstream.connections < connections) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe("a caller who leaves", () => {
  it("while the handshake goes on closes the connection that was opened for it", async () => {
    const upstream = await startRawUpstream();
    const caller = new AbortController();
    const opened = dialer().open(post(silentTls(upstream)), caller.signal);
    await accepted(upstream, 1);
    caller.abort(reason);
    expect(await failureOf(opened)).toBe(reason);
    await upstream.allClosed();
  });

  it("while the handshake goes on leaves the connections of others alone", async () => {
    const upstream = await startRawUpstream();
    const caller = new AbortController();
    const { open } = dialer();
    const leaving = open(post(silentTls(upstream)), caller.signal);
    await accepted(upstream, 1);
    const staying = failureOf(open(post(silentTls(upstream)), never));
    await accepted(upstream, 2);
    caller.abort(reason);
    await failureOf(leaving);
    const first = await Promise.race([staying, new Promise((resolve) => setTimeout(resolve, 200, "still open"))]);
    expect(first).toBe("still open");
  });

  it("while a name is resolved opens no connection when the answer comes", async () => {
    const upstream = await startRawUpstream();
    const looking = Promise.withResolvers<() => void>();
    const caller = new AbortController();
    const port = new URL(upstream.origin).port;
    const { open } = dialer({
      lookup: (_name, _options, callback) =>
        looking.resolve(() => callback(null, [{ address: "127.0.0.1", family: 4 }])),
    });
    const opened = open(post(`http://provider.test:${port}`), caller.signal);
    const answerLookup = await looking.promise;
    caller.abort(reason);
    expect(await failureOf(opened)).toBe(reason);
    answerLookup();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(upstream.connections).toBe(0);
    const again = open(post(upstream.origin), never);
    await (await upstream.next()).write(answer(200, {}, "x"));
    expect((await again).status).toBe(200);
  });

  it("while all connections are taken sends nothing", async () => {
    const upstream = await startRawUpstream();
    const { open } = dialer({ maxConnections: 1, maxQueued: 8 });
    const running = open(post(upstream.origin), never);
    const asked = await upstream.next();
    for (let i = 0; i < 5; i++) {
      const caller = new AbortController();
      const queued = open(post(upstream.origin), caller.signal);
      caller.abort(reason);
      expect(await failureOf(queued)).toBe(reason);
    }
    const last = open(post(upstream.origin), never);
    await asked.write(answer(200, {}, "x"));
    for await (const _ of (await running).body);
    await (await upstream.next()).write(answer(200, {}, "y"));
    expect((await last).status).toBe(200);
    expect(upstream.requests).toBe(2);
  });

  it("leaves nothing behind, a thousand times while connecting", async () => {
    const upstream = await startRawUpstream();
    const { open } = dialer({ maxConnections: 50 });
    for (let round = 0; round < 50; round++) {
      const callers = Array.from({ length: 20 }, () => new AbortController());
      const failures = callers.map((caller) => failureOf(open(post(silentTls(upstream)), caller.signal)));
      if (round % 2 === 0) await accepted(upstream, upstream.connections + 1);
      for (const caller of callers) caller.abort(reason);
      expect(new Set(await Promise.all(failures))).toEqual(new Set([reason]));
    }
    await upstream.allClosed();
    const plain = open(post(upstream.origin), never);
    await (await upstream.next()).write(answer(200, {}, "x"));
    expect((await plain).status).toBe(200);
  });
});

describe("the bound on connecting", () => {
  it("ends a handshake on the injected clock, and the connection with it", async () => {
    const upstream = await startRawUpstream();
    const clock = createFakeClock();
    const failed = failureOf(dialer({ clock }).open({ ...post(silentTls(upstream)), connectTimeoutMs: 700 }, never));
    await accepted(upstream, 1);
    clock.advance(700);
    expect(await failed).toMatchObject({ code: "timeout", detail: { phase: "connect" } });
    await upstream.allClosed();
    expect(clock.timers).toBe(0);
  });

  it("ends the wait for a free connection as phase queue", async () => {
    const upstream = await startRawUpstream();
    const clock = createFakeClock();
    const { open } = dialer({ clock, maxConnections: 1 });
    void failureOf(open(post(upstream.origin), never));
    await upstream.next();
    const failed = failureOf(open({ ...post(upstream.origin), connectTimeoutMs: 700 }, never));
    clock.advance(700);
    expect(await failed).toMatchObject({ code: "timeout", detail: { phase: "queue" } });
    expect(upstream.requests).toBe(1);
  });
});
