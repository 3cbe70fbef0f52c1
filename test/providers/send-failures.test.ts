import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/domain/errors.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { answer, head, lastPiece, piece, startRawUpstream, streamHead } from "../fakes/upstream.ts";
import {
  answered,
  bounds,
  callOf,
  collect,
  done,
  failureOf,
  framesOf,
  hi,
  startSender,
  stop,
  targetOf,
  whole,
} from "./sending.ts";

describe("a failed call", () => {
  const limited = JSON.stringify({ error: { message: "slow down", code: "rate_limit_exceeded" } });

  it("names the target, the status and the provider's request", async () => {
    const { upstream, chat, context } = await startSender();
    const failed = failureOf(chat());
    await answered(upstream.next(), answer(429, { "x-request-id": "up-1", "retry-after": "2" }, limited));
    expect(await failed).toMatchObject({
      code: "rate_limit_exceeded",
      detail: {
        provider: "openai-east",
        model: "gpt-4o",
        upstreamStatus: 429,
        upstreamRequestId: "up-1",
        retryAfterMs: 2000,
      },
    });
    expect(context.trail.last("attempt_ended")).toMatchObject({ upstreamStatus: 429, upstreamRequestId: "up-1" });
  });

  it.each(["openai", "anthropic"])(
    "is left alone as long as it asks for with 408 and 504, at %s too",
    async (provider) => {
      for (const status of [408, 504]) {
        const { upstream, chat } = await startSender({ provider });
        const failed = failureOf(chat());
        await answered(upstream.next(), answer(status, { "retry-after": "2" }, "{}"));
        expect(await failed).toMatchObject({ code: "timeout", detail: { retryAfterMs: 2_000 } });
      }
    },
  );

  it.each([
    ["its own clock", { date: "Thu, 01 Jan 2026 10:00:00 GMT" }, 7_000],
    ["ours where it does not tell the time", {}, 36_007_000],
  ])("is asked to wait until a date by %s", async (_, date, retryAfterMs) => {
    const { upstream, chat } = await startSender({}, createFakeClock(Date.UTC(2026, 0, 1)));
    const failed = failureOf(chat());
    const headers = { "retry-after": "Thu, 01 Jan 2026 10:00:07 GMT", ...date };
    await answered(upstream.next(), answer(429, headers, limited));
    expect(await failed).toMatchObject({ code: "rate_limit_exceeded", detail: { retryAfterMs } });
  });

  it("keeps its status when its body is endless", async () => {
    const { upstream, chat } = await startSender();
    const failed = failureOf(chat());
    const asked = await answered(upstream.next(), head(429, { "transfer-encoding": "chunked" }));
    let more = true;
    for (let turn = 0; more && turn < 1000; turn++) more = await asked.write(piece("x".repeat(10_000)));
    expect(await failed).toMatchObject({ code: "rate_limit_exceeded" });
    await asked.closed;
  });

  it("keeps its status when its body is cut", async () => {
    const { upstream, chat } = await startSender();
    const failed = failureOf(chat());
    (await answered(upstream.next(), `${head(429, { "content-length": "100" })}{"err`)).end();
    expect(await failed).toMatchObject({ code: "rate_limit_exceeded" });
  });

  it("keeps its status when its body does not come", async () => {
    const clock = createFakeClock();
    const { upstream, chat } = await startSender({}, clock);
    const failed = failureOf(chat(callOf({}, false)));
    const asked = await answered(upstream.next(), head(429, { "content-length": "100" }));
    // One timer bounds the attempt, the other the body of the error.
    await expect.poll(() => clock.timers).toBe(2);
    clock.advance(5_000);
    expect(await failed).toMatchObject({ code: "rate_limit_exceeded" });
    await asked.closed;
    expect(clock.timers).toBe(0);
  });

  it("keeps its status when its body is compressed", async () => {
    const { upstream, chat } = await startSender();
    const failed = failureOf(chat());
    const body = gzipSync(limited);
    const top = head(429, { "content-encoding": "gzip", "content-length": String(body.length) });
    await answered(upstream.next(), top, body);
    expect(await failed).toMatchObject({
      code: "rate_limit_exceeded",
      message: "The provider answered with HTTP 429.",
    });
  });

  it("is a redirect, which is not followed", async () => {
    const { upstream, chat } = await startSender();
    const trap = await startRawUpstream();
    const failed = failureOf(chat());
    await answered(upstream.next(), answer(307, { location: `${trap.origin}/v1/chat/completions` }, ""));
    expect(await failed).toMatchObject({ code: "upstream_error", detail: { upstreamStatus: 307 } });
    expect(trap.connections).toBe(0);
  });

  it("cannot reach its provider", async () => {
    const { sender, instance, context } = await startSender({ baseUrl: "http://127.0.0.1:1/v1" });
    const failed = await failureOf(sender.chat(targetOf(instance), callOf(), context));
    expect(failed).toMatchObject({ code: "service_unavailable", detail: { provider: "openai-east" } });
    expect(context.trail.last("attempt_ended")).not.toHaveProperty("upstreamStatus");
  });
});

describe("a bound", () => {
  it("on the first byte ends a stream whose head does not come", async () => {
    const clock = createFakeClock();
    const { upstream, chat } = await startSender({}, clock);
    const failed = failureOf(chat());
    const asked = await upstream.next();
    clock.advance(bounds.firstByteMs);
    expect(await failed).toMatchObject({ code: "timeout", detail: { phase: "first_byte", provider: "openai-east" } });
    await asked.closed;
    expect(clock.timers).toBe(0);
  });

  it("on the first byte leaves calls alone that do not stream, whose head comes last", async () => {
    const clock = createFakeClock();
    const { upstream, chat } = await startSender({}, clock);
    const got = collect(chat(callOf({}, false)));
    const asked = await upstream.next();
    clock.advance(bounds.totalMs - 1);
    await asked.write(answer(200, { "content-type": "application/json" }, whole));
    expect(framesOf(await got).at(-1)?.case).toBe("completed");
  });

  it("on the whole ends them too", async () => {
    const clock = createFakeClock();
    const { upstream, chat } = await startSender({}, clock);
    const failed = failureOf(chat(callOf({}, false)));
    const asked = await upstream.next();
    clock.advance(bounds.totalMs);
    expect(await failed).toMatchObject({ code: "timeout", detail: { phase: "total" } });
    await asked.closed;
  });

  it("on silence does not count the time that the reader takes over what it has", async () => {
    const clock = createFakeClock();
    const { upstream, chat } = await startSender({}, clock);
    const reader = chat()[Symbol.asyncIterator]();
    const first = reader.next();
    const asked = await answered(upstream.next(), streamHead, hi);
    await first;
    clock.advance(2 * bounds.idleMs);
    await asked.write(Buffer.concat([stop, done, lastPiece].map((bytes) => Buffer.from(bytes))));
    const rest = await collect({ [Symbol.asyncIterator]: () => reader });
    expect(framesOf(rest).at(-1)?.case).toBe("completed");
    expect(clock.timers).toBe(0);
  });

  it("on silence ends a stream that stalls", async () => {
    const clock = createFakeClock();
    const { upstream, chat } = await startSender({}, clock);
    const reader = chat()[Symbol.asyncIterator]();
    const first = reader.next();
    const asked = await answered(upstream.next(), streamHead, hi);
    await first;
    const second = reader.next();
    clock.advance(bounds.idleMs);
    await expect(second).rejects.toMatchObject({ code: "timeout", detail: { phase: "idle" } });
    await asked.closed;
  });

  it("on silence waits while the reader is busy, and no longer", async () => {
    const clock = createFakeClock();
    const { upstream, chat } = await startSender({}, clock);
    const reader = chat()[Symbol.asyncIterator]();
    const first = reader.next();
    const asked = await answered(upstream.next(), streamHead, hi);
    await first;
    clock.advance(bounds.idleMs);
    const second = reader.next();
    await asked.write(hi);
    expect((await second).value).toMatchObject([{ case: "textDelta" }]);
    clock.advance(bounds.idleMs);
    const third = reader.next();
    clock.advance(bounds.idleMs - 1);
    expect(asked.gone).toBe(false);
    clock.advance(1);
    await expect(third).rejects.toMatchObject({ code: "timeout", detail: { phase: "idle" } });
    await asked.closed;
    expect(clock.timers).toBe(0);
  });
});

describe("edge case 149: when nobody reads any more", () => {
  const gone = new GatewayError("canceled", "The caller went away.");

  it.each([
    ["before the head", true, ""],
    ["before the first token", true, streamHead],
    ["in the middle of the stream", true, Buffer.concat([Buffer.from(streamHead), hi])],
    ["in a call that does not stream", false, ""],
  ])("%s, the provider's connection is closed", async (_, stream, bytes) => {
    const { upstream, chat, caller, context } = await startSender();
    const got = collect(chat(callOf({}, stream)));
    const asked = await answered(upstream.next(), bytes);
    caller.abort(gone);
    await asked.closed;
    expect((await got).at(-1)).toMatchObject({ code: "canceled" });
    expect(context.trail.last("attempt_ended")).toMatchObject({ outcome: "canceled" });
  });

  it("because the reader left the loop, the provider's connection is closed", async () => {
    const { upstream, chat, context } = await startSender();
    const asked = answered(upstream.next(), streamHead, hi);
    for await (const _ of chat()) break;
    await (await asked).closed;
    expect(context.trail.last("attempt_ended")).toMatchObject({ outcome: "canceled" });
  });
});

describe("attack 13: the key", () => {
  it("goes to the configured host alone, whatever the caller writes", async () => {
    const { upstream, chat, target, sender, context } = await startSender();
    const trap = await startRawUpstream();
    const call = callOf({ model: trap.origin });
    call.request.metadata = { api_base: trap.origin, base_url: trap.origin };
    call.request.providerOptions = { openai: JSON.stringify({ api_base: trap.origin, base_url: trap.origin }) };
    const got = collect(chat(call));
    await answered(upstream.next(), streamHead, hi, stop, done, lastPiece);
    await got;
    const odd = collect(sender.chat({ ...target, model: `//${new URL(trap.origin).host}/` }, callOf(), context));
    await answered(upstream.next(), streamHead, hi, stop, done, lastPiece);
    await odd;
    expect([upstream.requests, trap.connections]).toEqual([2, 0]);
  });
});
