import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Frame } from "../../src/domain/chat.ts";
import { type Clock, systemClock } from "../../src/domain/clock.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import type { ProviderInstance } from "../../src/domain/instance.ts";
import { createDialer } from "../../src/net/dial.ts";
import { providerOf } from "../../src/providers/catalog.ts";
import { Sender } from "../../src/providers/send.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { type Asked, answer, head, lastPiece, piece, startRawUpstream, streamHead } from "../fakes/upstream.ts";
import { bounds, callOf, collect, contextOf, failureOf, framesOf, instanceAt, targetOf } from "./sending.ts";

const chunk = (delta: unknown, finish: string | null = null) =>
  piece(
    `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "gpt-4o", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`,
  );
const hi = chunk({ role: "assistant", content: "Hi" });
const stop = chunk({}, "stop");
const done = piece("data: [DONE]\n\n");
const whole = JSON.stringify({
  id: "c1",
  object: "chat.completion",
  created: 1,
  model: "gpt-4o",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
});

/** A sender for one instance at a raw upstream. */
async function start(more: Partial<ProviderInstance> = {}, clock: Clock = systemClock) {
  const upstream = await startRawUpstream();
  const dialer = createDialer({ clock, connectTimeoutMs: 5000, maxConnections: 1, maxQueued: 8 });
  onTestFinished(() => dialer.close());
  const instance = instanceAt(`${upstream.origin}/v1`, more);
  const sender = new Sender({ dialer, clock, bounds, instances: new Map([[instance.name, instance]]), providerOf });
  const caller = new AbortController();
  const context = contextOf(caller.signal, clock);
  const target = targetOf(instance);
  return {
    upstream,
    sender,
    instance,
    target,
    context,
    caller,
    chat: (call = callOf()) => sender.chat(target, call, context),
  };
}

async function answered(asked: Promise<Asked>, ...pieces: (string | Uint8Array)[]): Promise<Asked> {
  const one = await asked;
  for (const bytes of pieces) await one.write(bytes);
  return one;
}

const casesOf = (frames: readonly Frame[]) => frames.map((frame) => frame.case);

describe("a request to a provider", () => {
  it("goes to the instance's base URL with its credential and headers", async () => {
    const { upstream, chat } = await start({ headers: { "openai-organization": "org-1", "user-agent": "mine" } });
    const got = collect(chat());
    const asked = await answered(upstream.next(), streamHead, hi, stop, done, lastPiece);
    await got;
    expect(asked).toMatchObject({ method: "POST", path: "/v1/chat/completions" });
    expect(asked.headers).toMatchObject({
      authorization: "Bearer sk-upstream",
      "content-type": "application/json",
      "accept-encoding": "identity",
      "openai-organization": "org-1",
      "user-agent": "mine",
    });
    expect(JSON.parse(asked.body)).toMatchObject({ model: "gpt-4o", stream: true });
  });

  it("has no credential where none is configured", async () => {
    const { upstream, chat } = await start({ apiKey: null });
    const got = collect(chat());
    const asked = await answered(upstream.next(), streamHead, hi, stop, done, lastPiece);
    await got;
    expect(asked.headers).not.toHaveProperty("authorization");
  });

  it("is not sent when it cannot be translated", async () => {
    const { upstream, chat, context } = await start({ provider: "anthropic" });
    const call = callOf();
    call.request.choiceCount = 2;
    const failed = await failureOf(chat(call));
    expect(failed).toMatchObject({ code: expect.stringMatching(/^unsupported_/), detail: { field: "choice_count" } });
    expect(upstream.connections).toBe(0);
    expect(context.trail.entries.map(({ kind }) => kind)).toEqual(["attempt", "attempt_ended"]);
    expect(context.trail.last("attempt_ended")?.outcome).toBe(failed.code);
  });
});

describe("an answer", () => {
  it("comes as one batch of frames for each network read", async () => {
    const { upstream, chat } = await start();
    const reader = chat()[Symbol.asyncIterator]();
    const first = reader.next();
    const asked = await answered(upstream.next(), streamHead, hi);
    expect(casesOf((await first).value)).toEqual(["started", "textDelta"]);
    await asked.write(Buffer.concat([chunk({ content: "a" }), chunk({ content: "b" })]));
    expect(casesOf((await reader.next()).value)).toEqual(["textDelta", "textDelta"]);
    await asked.write(Buffer.concat([stop, done, Buffer.from(lastPiece)]));
    const rest = casesOf((await reader.next()).value);
    expect(rest.at(-1)).toBe("completed");
    expect((await reader.next()).done).toBe(true);
  });

  it("says who served it, at its begin and its end", async () => {
    const { upstream, chat } = await start({ simulated: true });
    const got = collect(chat());
    const top = { "content-type": "text/event-stream", "x-request-id": "up-7", "transfer-encoding": "chunked" };
    await answered(upstream.next(), head(200, top), hi, stop, done, lastPiece);
    const servedBy = { provider: "openai", instance: "openai-east", model: "gpt-4o", upstreamRequestId: "up-7" };
    for (const frame of framesOf(await got)) {
      if (frame.case === "started" || frame.case === "completed") {
        expect(frame.value.servedBy).toMatchObject({ ...servedBy, attempts: 1, simulated: true });
      }
    }
    expect(casesOf(framesOf(await got))).toContain("started");
  });

  it("gets an estimate of its usage where the provider counted nothing", async () => {
    const { upstream, chat } = await start();
    const got = collect(chat());
    await answered(upstream.next(), streamHead, chunk({ content: "x".repeat(40) }), stop, done, lastPiece);
    const last = framesOf(await got).at(-1);
    expect(last?.case === "completed" && last.value.usage).toMatchObject({ outputTokens: 10, estimated: true });
  });

  it("keeps the provider's count where there is one", async () => {
    const { upstream, chat } = await start();
    const got = collect(chat());
    const usage = { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 };
    const counted = piece(`data: ${JSON.stringify({ id: "c1", choices: [], usage })}\n\n`);
    await answered(upstream.next(), streamHead, hi, stop, counted, done, lastPiece);
    const last = framesOf(await got).at(-1);
    expect(last?.case === "completed" && last.value.usage).toMatchObject({ inputTokens: 3, estimated: false });
  });

  it("begins with a notice for each setting that the target did not get", async () => {
    const { upstream, chat, context } = await start({ wire: "exact" });
    const got = collect(chat(callOf({ topK: 5 })));
    await answered(upstream.next(), streamHead, hi, stop, done, lastPiece);
    const [first] = framesOf(await got);
    expect(first).toMatchObject({ case: "notice", value: { code: "dropped_field", field: "top_k" } });
    expect(context.trail.last("loss")?.losses).toMatchObject([{ field: "top_k", action: "dropped" }]);
  });

  it("leaves its connection to the next call, although the body ends later", async () => {
    const { upstream, chat } = await start();
    for (let call = 0; call < 3; call++) {
      const got = collect(chat());
      const asked = await answered(upstream.next(), streamHead, hi, stop, done);
      expect(framesOf(await got).at(-1)?.case).toBe("completed");
      await asked.write(lastPiece);
    }
    expect([upstream.requests, upstream.connections]).toEqual([3, 1]);
  });

  it("edge case 19: as one JSON body to a stream request is a stream of one batch", async () => {
    const { upstream, chat } = await start();
    const got = collect(chat());
    await answered(upstream.next(), answer(200, { "content-type": "application/json" }, whole));
    const batches = await got;
    expect(batches).toHaveLength(1);
    expect(framesOf(batches)[0]?.case).toBe("started");
    expect(framesOf(batches).at(-1)?.case).toBe("completed");
  });

  it.each([true, false])(
    "edge case 20: that is a web page under status 200 is an error (stream: %s)",
    async (stream) => {
      const { upstream, chat, context } = await start();
      const failed = failureOf(chat(callOf({}, stream)));
      await answered(upstream.next(), answer(200, { "content-type": "text/html" }, "<html>Sign in</html>"));
      expect(await failed).toMatchObject({ code: "upstream_error" });
      expect((await failed).message).not.toContain("<html>");
      expect(context.trail.last("attempt_ended")).toMatchObject({ outcome: "upstream_error", upstreamStatus: 200 });
    },
  );

  it("that is compressed against the request is an error", async () => {
    const { upstream, chat } = await start();
    const failed = failureOf(chat());
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    const asked = await answered(upstream.next(), head(200, { ...headers, "content-length": "1000" }));
    expect(await failed).toMatchObject({ code: "upstream_error", message: expect.stringContaining("compressed") });
    await asked.closed;
  });

  it("that is cut gives what had come, then the error", async () => {
    const { upstream, chat, context } = await start();
    const got = collect(chat());
    (await answered(upstream.next(), streamHead, hi)).reset();
    const all = await got;
    expect(casesOf(framesOf(all))).toContain("textDelta");
    expect(all.at(-1)).toMatchObject({ code: "upstream_cut", detail: { provider: "openai-east", model: "gpt-4o" } });
    expect(context.trail.last("attempt_ended")).toMatchObject({ outcome: "upstream_cut" });
  });

  it("gives what was said before an error in the same read", async () => {
    const { upstream, chat } = await start();
    const got = collect(chat());
    const failure = piece('data: {"error":{"message":"boom","type":"server_error"}}\n\n');
    await answered(upstream.next(), streamHead, Buffer.concat([hi, failure]));
    const all = await got;
    expect(casesOf(framesOf(all))).toContain("textDelta");
    expect(all.at(-1)).toMatchObject({ code: "upstream_error" });
  });
});

describe("the trail of an attempt", () => {
  it("says what was tried, sent and answered, with the rate-limit headers that are allowed", async () => {
    const { upstream, chat, context } = await start();
    const got = collect(chat());
    const headers = {
      "x-ratelimit-remaining-tokens": "7",
      "set-cookie": "a=b",
      "openai-organization": "secret-org",
      "content-type": "application/json",
    };
    await answered(upstream.next(), answer(200, headers, whole));
    await got;
    const kinds = context.trail.entries.map(({ kind }) => kind);
    expect(kinds).toEqual(["attempt", "sent", "rate_limit", "answered", "attempt_ended"]);
    expect(context.trail.last("rate_limit")?.headers).toEqual({ "x-ratelimit-remaining-tokens": "7" });
    expect(context.trail.last("attempt_ended")).toMatchObject({ outcome: "ok", upstreamStatus: 200 });
  });

  it("does not tell of losses at a target that failed", async () => {
    const { upstream, chat, context } = await start({ wire: "exact" });
    const failed = failureOf(chat(callOf({ topK: 5 })));
    await answered(upstream.next(), answer(503, {}, ""));
    await failed;
    expect(context.trail.count("loss")).toBe(0);
  });
});

describe("a failed call", () => {
  const limited = JSON.stringify({ error: { message: "slow down", code: "rate_limit_exceeded" } });

  it("names the target, the status and the provider's request", async () => {
    const { upstream, chat, context } = await start();
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

  it("keeps its status when its body is endless", async () => {
    const { upstream, chat } = await start();
    const failed = failureOf(chat());
    const asked = await answered(upstream.next(), head(429, { "transfer-encoding": "chunked" }));
    let more = true;
    for (let turn = 0; more && turn < 1000; turn++) more = await asked.write(piece("x".repeat(10_000)));
    expect(await failed).toMatchObject({ code: "rate_limit_exceeded" });
    await asked.closed;
  });

  it("keeps its status when its body is cut", async () => {
    const { upstream, chat } = await start();
    const failed = failureOf(chat());
    (await answered(upstream.next(), `${head(429, { "content-length": "100" })}{"err`)).end();
    expect(await failed).toMatchObject({ code: "rate_limit_exceeded" });
  });

  it("keeps its status when its body does not come", async () => {
    const clock = createFakeClock();
    const { upstream, chat } = await start({}, clock);
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
    const { upstream, chat } = await start();
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
    const { upstream, chat } = await start();
    const trap = await startRawUpstream();
    const failed = failureOf(chat());
    await answered(upstream.next(), answer(307, { location: `${trap.origin}/v1/chat/completions` }, ""));
    expect(await failed).toMatchObject({ code: "upstream_error", detail: { upstreamStatus: 307 } });
    expect(trap.connections).toBe(0);
  });

  it("cannot reach its provider", async () => {
    const { sender, instance, context } = await start({ baseUrl: "http://127.0.0.1:1/v1" });
    const failed = await failureOf(sender.chat(targetOf(instance), callOf(), context));
    expect(failed).toMatchObject({ code: "service_unavailable", detail: { provider: "openai-east" } });
    expect(context.trail.last("attempt_ended")).not.toHaveProperty("upstreamStatus");
  });
});

describe("a bound", () => {
  it("on the first byte ends a stream whose head does not come", async () => {
    const clock = createFakeClock();
    const { upstream, chat } = await start({}, clock);
    const failed = failureOf(chat());
    const asked = await upstream.next();
    clock.advance(bounds.firstByteMs);
    expect(await failed).toMatchObject({ code: "timeout", detail: { phase: "first_byte", provider: "openai-east" } });
    await asked.closed;
    expect(clock.timers).toBe(0);
  });

  it("on the first byte leaves calls alone that do not stream, whose head comes last", async () => {
    const clock = createFakeClock();
    const { upstream, chat } = await start({}, clock);
    const got = collect(chat(callOf({}, false)));
    const asked = await upstream.next();
    clock.advance(bounds.totalMs - 1);
    await asked.write(answer(200, { "content-type": "application/json" }, whole));
    expect(framesOf(await got).at(-1)?.case).toBe("completed");
  });

  it("on the whole ends them too", async () => {
    const clock = createFakeClock();
    const { upstream, chat } = await start({}, clock);
    const failed = failureOf(chat(callOf({}, false)));
    const asked = await upstream.next();
    clock.advance(bounds.totalMs);
    expect(await failed).toMatchObject({ code: "timeout", detail: { phase: "total" } });
    await asked.closed;
  });

  it("on silence ends a stream that stalls", async () => {
    const clock = createFakeClock();
    const { upstream, chat } = await start({}, clock);
    const reader = chat()[Symbol.asyncIterator]();
    const first = reader.next();
    const asked = await answered(upstream.next(), streamHead, hi);
    await first;
    const second = reader.next();
    clock.advance(bounds.idleMs);
    await expect(second).rejects.toMatchObject({ code: "timeout", detail: { phase: "idle" } });
    await asked.closed;
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
    const { upstream, chat, caller, context } = await start();
    const got = collect(chat(callOf({}, stream)));
    const asked = await answered(upstream.next(), bytes);
    caller.abort(gone);
    await asked.closed;
    expect((await got).at(-1)).toMatchObject({ code: "canceled" });
    expect(context.trail.last("attempt_ended")).toMatchObject({ outcome: "canceled" });
  });

  it("because the reader left the loop, the provider's connection is closed", async () => {
    const { upstream, chat, context } = await start();
    const asked = answered(upstream.next(), streamHead, hi);
    for await (const _ of chat()) break;
    await (await asked).closed;
    expect(context.trail.last("attempt_ended")).toMatchObject({ outcome: "canceled" });
  });
});

describe("attack 13: the key", () => {
  it("goes to the configured host alone, whatever the caller writes", async () => {
    const { upstream, chat, target, sender, context } = await start();
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
