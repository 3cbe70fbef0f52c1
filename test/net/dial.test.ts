import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/domain/clock.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { createDialer, type Dialer, type DialOptions, type Outgoing } from "../../src/net/dial.ts";
import type { Incoming } from "../../src/net/incoming.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { answer, head, lastPiece, piece, startRawUpstream, streamHead } from "../fakes/upstream.ts";

function dialer(options: Partial<DialOptions> = {}): Dialer {
  const made = createDialer({
    clock: systemClock,
    maxConnections: 8,
    maxQueued: 8,
    ...options,
  });
  onTestFinished(() => made.close());
  return made;
}

function post(origin: string, more: Partial<Outgoing> = {}): Outgoing {
  return {
    origin,
    socketPath: null,
    method: "POST",
    path: "/v1/chat",
    headers: { "content-type": "application/json" },
    body: '{"a":"é"}',
    connectTimeoutMs: 5_000,
    ...more,
  };
}

const never = new AbortController().signal;

async function textOf(incoming: Incoming): Promise<string> {
  let text = "";
  for await (const chunks of incoming.body) text += Buffer.concat(chunks).toString();
  return text;
}

/** The error that a promise fails with. */
async function failureOf(promise: Promise<unknown>): Promise<GatewayError> {
  const thrown: unknown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(GatewayError);
  return thrown as GatewayError; // Asserted in the line above.
}

describe("an answer", () => {
  it("arrives with its head in lower case, repeated headers joined, and its whole body", async () => {
    const upstream = await startRawUpstream();
    const opened = dialer().open(post(upstream.origin), never);
    const asked = await upstream.next();
    await asked.write("HTTP/1.1 201 Made\r\nX-One: 1\r\nX-ONE: 2\r\nContent-Length: 5\r\n\r\nhello");
    const incoming = await opened;
    expect(asked).toMatchObject({ method: "POST", path: "/v1/chat", body: '{"a":"é"}' });
    expect(asked.headers).toMatchObject({ "content-type": "application/json", "content-length": "10" });
    expect(incoming.status).toBe(201);
    expect(incoming.headers["x-one"]).toBe("1, 2");
    expect(await textOf(incoming)).toBe("hello");
  });

  it("comes piece by piece, as the provider sends it", async () => {
    const upstream = await startRawUpstream();
    const opened = dialer().open(post(upstream.origin), never);
    const asked = await upstream.next();
    await asked.write(streamHead);
    const reader = (await opened).body[Symbol.asyncIterator]();
    for (const word of ["one", "two"]) {
      await asked.write(piece(word));
      const read = await reader.next();
      expect(Buffer.concat(read.value ?? []).toString()).toBe(word);
    }
    await asked.write(lastPiece);
    expect((await reader.next()).done).toBe(true);
  });

  it("that comes in one read is given in one batch", async () => {
    const upstream = await startRawUpstream();
    const opened = dialer().open(post(upstream.origin), never);
    await (await upstream.next()).write(Buffer.concat([Buffer.from(streamHead), piece("a"), piece("b"), piece("c")]));
    const reader = (await opened).body[Symbol.asyncIterator]();
    expect((await reader.next()).value).toHaveLength(3);
  });

  it("may be announced by interim answers", async () => {
    const upstream = await startRawUpstream();
    const opened = dialer().open(post(upstream.origin), never);
    await (await upstream.next()).write(`HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${answer(200, {}, "x")}`);
    expect((await opened).status).toBe(200);
  });

  it("of the last century ends with its connection", async () => {
    const upstream = await startRawUpstream();
    const opened = dialer().open(post(upstream.origin), never);
    const asked = await upstream.next();
    await asked.write("HTTP/1.0 200 OK\r\n\r\nall of it");
    asked.end();
    expect(await textOf(await opened)).toBe("all of it");
  });

  it("that redirects is handed over, and nothing is asked elsewhere (attacks 16 and 18)", async () => {
    const [upstream, trap] = [await startRawUpstream(), await startRawUpstream()];
    const request = post(upstream.origin, { headers: { authorization: "Bearer sk-provider" } });
    const opened = dialer().open(request, never);
    await (await upstream.next()).write(answer(302, { location: `${trap.origin}/steal` }, ""));
    expect((await opened).status).toBe(302);
    expect([upstream.requests, trap.connections]).toEqual([1, 0]);
  });
});

describe("connections", () => {
  it("serve one call after another", async () => {
    const upstream = await startRawUpstream();
    const { open } = dialer({ maxConnections: 1 });
    for (let call = 0; call < 3; call++) {
      const opened = open(post(upstream.origin), never);
      await (await upstream.next()).write(answer(200, {}, "x"));
      await textOf(await opened);
    }
    expect([upstream.requests, upstream.connections]).toEqual([3, 1]);
  });

  it("are no more than allowed; further calls wait their turn", async () => {
    const upstream = await startRawUpstream();
    const { open } = dialer({ maxConnections: 1 });
    const first = open(post(upstream.origin), never);
    const second = open(post(upstream.origin, { path: "/second" }), never);
    const asked = await upstream.next();
    expect(upstream.requests).toBe(1);
    await asked.write(answer(200, {}, "x"));
    await textOf(await first);
    const next = await upstream.next();
    expect(next).toMatchObject({ path: "/second", connection: 0 });
    await next.write(answer(200, {}, "y"));
    expect(await textOf(await second)).toBe("y");
  });

  it("have a line of bounded length before them", async () => {
    const upstream = await startRawUpstream();
    const { open } = dialer({ maxConnections: 1, maxQueued: 1 });
    const calls = [open(post(upstream.origin), never), open(post(upstream.origin), never)];
    expect(await failureOf(open(post(upstream.origin), never))).toMatchObject({ code: "overloaded" });
    for (const call of calls) {
      await (await upstream.next()).write(answer(200, {}, "x"));
      await textOf(await call);
    }
    const later = open(post(upstream.origin), never);
    await (await upstream.next()).write(answer(200, {}, "room again"));
    expect(await textOf(await later)).toBe("room again");
  });

  it("go through a Unix socket where one is configured", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dial-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const socketPath = join(folder, "upstream");
    const upstream = await startRawUpstream(socketPath);
    const opened = dialer().open(post("http://simulator", { socketPath }), never);
    const asked = await upstream.next();
    await asked.write(answer(200, {}, "x"));
    expect(await textOf(await opened)).toBe("x");
    expect(asked.headers.host).toBe("simulator");
  });

  it("cannot be turned to another host by a path", async () => {
    const [upstream, trap] = [await startRawUpstream(), await startRawUpstream()];
    const { open } = dialer();
    expect((await failureOf(open(post(upstream.origin, { path: `${trap.origin}/x` }), never))).code).toBe("internal");
    const opened = open(post(upstream.origin, { path: `//${new URL(trap.origin).host}/x` }), never);
    await (await upstream.next()).write(answer(200, {}, "here"));
    expect(await textOf(await opened)).toBe("here");
    expect(trap.connections).toBe(0);
  });

  it("are never made for a header that HTTP does not allow (attack 20)", async () => {
    const upstream = await startRawUpstream();
    const { open } = dialer();
    for (const value of ["a\r\nx-admin: 1", "a\nb", "a\0b"]) {
      const failed = await failureOf(open(post(upstream.origin, { headers: { "x-user": value } }), never));
      expect(failed.code).toBe("internal");
      expect(failed.message).not.toContain("x-admin");
    }
    expect(upstream.requests).toBe(0);
  });
});

describe("a reader that has enough", () => {
  it("closes the connection by leaving the loop", async () => {
    const upstream = await startRawUpstream();
    const opened = dialer().open(post(upstream.origin), never);
    const asked = await upstream.next();
    await asked.write(Buffer.concat([Buffer.from(streamHead), piece("x")]));
    for await (const _ of (await opened).body) break;
    await asked.closed;
  });

  it("keeps the connection by a release, when the rest comes soon and is short", async () => {
    const upstream = await startRawUpstream();
    const { open } = dialer({ maxConnections: 1 });
    const opened = open(post(upstream.origin), never);
    const asked = await upstream.next();
    await asked.write(Buffer.concat([Buffer.from(streamHead), piece("x")]));
    const incoming = await opened;
    for await (const _ of incoming.body) {
      incoming.release();
      break;
    }
    await asked.write(Buffer.concat([piece("rest"), Buffer.from(lastPiece)]));
    const again = open(post(upstream.origin), never);
    const second = await upstream.next();
    expect(second.connection).toBe(0);
    await second.write(answer(200, {}, "y"));
    expect(await textOf(await again)).toBe("y");
  });

  it("gives a released connection up when the rest is long", async () => {
    const upstream = await startRawUpstream();
    const opened = dialer().open(post(upstream.origin), never);
    const asked = await upstream.next();
    await asked.write(streamHead);
    (await opened).release();
    await asked.write(piece("x".repeat(70_000)));
    await asked.closed;
  });

  it("gives a released connection up when the rest does not come", async () => {
    const clock = createFakeClock();
    const upstream = await startRawUpstream();
    const opened = dialer({ clock }).open(post(upstream.origin), never);
    const asked = await upstream.next();
    await asked.write(streamHead);
    (await opened).release();
    clock.advance(999);
    expect(asked.gone).toBe(false);
    clock.advance(1);
    await asked.closed;
    expect(clock.timers).toBe(0);
  });
});

describe("attack 37: a reader that is slow", () => {
  it("holds the provider back, and then gets every byte in order", async () => {
    const upstream = await startRawUpstream();
    const opened = dialer().open(post(upstream.origin), never);
    const asked = await upstream.next();
    const pieces = 600;
    let taken = 0;
    await asked.write(streamHead);
    const writing = (async () => {
      for (; taken < pieces; taken++) await asked.write(piece(String(taken).padStart(100_000, ".")));
      await asked.write(lastPiece);
    })();
    const incoming = await opened;
    // The kernel's buffers fill up, then nothing moves any more.
    for (let seen = -1, still = 0; still < 300; still++) {
      if (taken !== seen) still = 0;
      seen = taken;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(taken).toBeLessThan(pieces);
    let bytes = 0;
    let largest = 0;
    let tail = "";
    for await (const chunks of incoming.body) {
      const batch = Buffer.concat(chunks);
      bytes += batch.length;
      largest = Math.max(largest, batch.length);
      tail = batch.toString("latin1", Math.max(0, batch.length - 10));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writing;
    expect(bytes).toBe(pieces * 100_000);
    expect(tail.endsWith(String(pieces - 1))).toBe(true);
    expect(largest).toBeLessThanOrEqual(128 * 1024);
  });
});

describe("an abort", () => {
  const reason = new GatewayError("canceled", "The caller went away.");

  it("before anything was done opens nothing", async () => {
    const upstream = await startRawUpstream();
    expect(await failureOf(dialer().open(post(upstream.origin), AbortSignal.abort(reason)))).toBe(reason);
    expect(upstream.connections).toBe(0);
  });

  it("of a call that waits for a connection takes it out, unsent", async () => {
    const upstream = await startRawUpstream();
    const { open } = dialer({ maxConnections: 1 });
    const caller = new AbortController();
    const first = open(post(upstream.origin), never);
    const second = open(post(upstream.origin, { path: "/second" }), caller.signal);
    const third = open(post(upstream.origin, { path: "/third" }), never);
    const asked = await upstream.next();
    caller.abort(reason);
    expect(await failureOf(second)).toBe(reason);
    await asked.write(answer(200, {}, "x"));
    await textOf(await first);
    const next = await upstream.next();
    expect(next.path).toBe("/third");
    await next.write(answer(200, {}, "x"));
    await textOf(await third);
    expect(upstream.requests).toBe(2);
  });

  it("while connecting ends the wait", async () => {
    const upstream = await startRawUpstream();
    const caller = new AbortController();
    // The TLS handshake is never answered.
    const opened = dialer().open(post(upstream.origin.replace("http:", "https:")), caller.signal);
    await expect.poll(() => upstream.connections).toBe(1);
    caller.abort(reason);
    expect(await failureOf(opened)).toBe(reason);
  });

  it.each([
    ["while waiting for the head", ""],
    ["in the middle of the head", "HTTP/1.1 200 OK\r\ncontent-ty"],
  ])("%s closes the connection", async (_, bytes) => {
    const upstream = await startRawUpstream();
    const caller = new AbortController();
    const opened = dialer().open(post(upstream.origin), caller.signal);
    const asked = await upstream.next();
    await asked.write(bytes);
    caller.abort(reason);
    expect(await failureOf(opened)).toBe(reason);
    await asked.closed;
  });

  it("in the middle of the body closes the connection and ends the reading", async () => {
    const upstream = await startRawUpstream();
    const caller = new AbortController();
    const opened = dialer().open(post(upstream.origin), caller.signal);
    const asked = await upstream.next();
    await asked.write(streamHead);
    const reading = textOf(await opened);
    await asked.write(piece("x"));
    caller.abort(reason);
    expect(await failureOf(reading)).toBe(reason);
    await asked.closed;
  });

  it("after the end changes nothing", async () => {
    const upstream = await startRawUpstream();
    const caller = new AbortController();
    const { open } = dialer({ maxConnections: 1 });
    const opened = open(post(upstream.origin), caller.signal);
    await (await upstream.next()).write(answer(200, {}, "x"));
    const incoming = await opened;
    expect(await textOf(incoming)).toBe("x");
    caller.abort(reason);
    const again = open(post(upstream.origin), never);
    const second = await upstream.next();
    expect(second.connection).toBe(0);
    await second.write(answer(200, {}, "y"));
    await textOf(await again);
  });
});

describe("a provider that fails", () => {
  it("to listen is unavailable", async () => {
    const failed = await failureOf(dialer().open(post("http://127.0.0.1:1"), never));
    expect(failed).toMatchObject({ code: "service_unavailable" });
    expect(failed.cause).toMatchObject({ code: "ECONNREFUSED" });
  });

  it("to exist is unavailable", async () => {
    const failed = await failureOf(dialer().open(post("http://nowhere.invalid"), never));
    expect(failed).toMatchObject({ code: "service_unavailable" });
  });

  it("to finish a TLS handshake in time is a timeout of phase connect", async () => {
    const upstream = await startRawUpstream();
    const https = upstream.origin.replace("http:", "https:");
    const opened = dialer().open(post(https, { connectTimeoutMs: 100 }), never);
    expect(await failureOf(opened)).toMatchObject({ code: "timeout", detail: { phase: "connect" } });
    await upstream.allClosed();
  });

  it.each(["end", "reset"] as const)("before its head (%s) is an error of the provider", async (how) => {
    const upstream = await startRawUpstream();
    const opened = dialer().open(post(upstream.origin), never);
    (await upstream.next())[how]();
    expect(await failureOf(opened)).toMatchObject({ code: "upstream_error" });
    expect(upstream.requests).toBe(1);
  });

  it("to speak HTTP is an error of the provider", async () => {
    const upstream = await startRawUpstream();
    const opened = dialer().open(post(upstream.origin), never);
    await (await upstream.next()).write("SSH-2.0-OpenSSH_9.9\r\n");
    expect(await failureOf(opened)).toMatchObject({ code: "upstream_error" });
  });

  it("by a head above the limit is an error of the provider", async () => {
    const upstream = await startRawUpstream();
    const opened = dialer().open(post(upstream.origin), never);
    await (await upstream.next()).write(head(200, { "x-large": "x".repeat(70_000) }));
    expect(await failureOf(opened)).toMatchObject({ code: "upstream_error" });
  });

  it.each(["end", "reset"] as const)("in the body (%s) cuts the answer after what had come", async (how) => {
    const upstream = await startRawUpstream();
    const opened = dialer().open(post(upstream.origin), never);
    const asked = await upstream.next();
    await asked.write(Buffer.concat([Buffer.from(streamHead), piece("half")]));
    const reader = (await opened).body[Symbol.asyncIterator]();
    expect(Buffer.concat((await reader.next()).value ?? []).toString()).toBe("half");
    asked[how]();
    expect(await failureOf(reader.next())).toMatchObject({ code: "upstream_cut" });
  });

  it("to send as much as it said cuts the answer", async () => {
    const upstream = await startRawUpstream();
    const opened = dialer().open(post(upstream.origin), never);
    const asked = await upstream.next();
    await asked.write(`${head(200, { "content-length": "10" })}short`);
    const reading = textOf(await opened);
    asked.end();
    expect(await failureOf(reading)).toMatchObject({ code: "upstream_cut" });
  });

  it("is told from a gateway that closes its connections", async () => {
    const upstream = await startRawUpstream();
    const { open, close } = dialer();
    const opened = open(post(upstream.origin), never);
    const asked = await upstream.next();
    await close();
    expect(await failureOf(opened)).toMatchObject({ code: "service_unavailable" });
    await asked.closed;
  });
});
