import { describe, expect, it } from "vitest";
import type { Frame } from "../../src/domain/chat.ts";
import { answer, head, lastPiece, piece, streamHead } from "../fakes/upstream.ts";
import {
  answered,
  callOf,
  chunk,
  collect,
  done,
  failureOf,
  framesOf,
  hi,
  startSender,
  stop,
  whole,
} from "./sending.ts";

const casesOf = (frames: readonly Frame[]) => frames.map((frame) => frame.case);

describe("a request to a provider", () => {
  it("goes to the instance's base URL with its credential and headers", async () => {
    const { upstream, chat } = await startSender({ headers: { "openai-organization": "org-1", "user-agent": "mine" } });
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
    const { upstream, chat } = await startSender({ keys: [] });
    const got = collect(chat());
    const asked = await answered(upstream.next(), streamHead, hi, stop, done, lastPiece);
    await got;
    expect(asked.headers).not.toHaveProperty("authorization");
  });

  it("is not sent when it cannot be translated", async () => {
    const { upstream, chat, context } = await startSender({ provider: "anthropic" });
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
    const { upstream, chat } = await startSender();
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
    const { upstream, chat } = await startSender({ simulated: true });
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
    const { upstream, chat } = await startSender();
    const got = collect(chat());
    await answered(upstream.next(), streamHead, chunk({ content: "x".repeat(40) }), stop, done, lastPiece);
    const last = framesOf(await got).at(-1);
    expect(last?.case === "completed" && last.value.usage).toMatchObject({ outputTokens: 10, estimated: true });
  });

  it("keeps the provider's count where there is one", async () => {
    const { upstream, chat } = await startSender();
    const got = collect(chat());
    const usage = { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 };
    const counted = piece(`data: ${JSON.stringify({ id: "c1", choices: [], usage })}\n\n`);
    await answered(upstream.next(), streamHead, hi, stop, counted, done, lastPiece);
    const last = framesOf(await got).at(-1);
    expect(last?.case === "completed" && last.value.usage).toMatchObject({ inputTokens: 3, estimated: false });
  });

  it("begins with a notice for each setting that the target did not get", async () => {
    const { upstream, chat, context } = await startSender({ wire: "exact" });
    const got = collect(chat(callOf({ topK: 5 })));
    await answered(upstream.next(), streamHead, hi, stop, done, lastPiece);
    const [first] = framesOf(await got);
    expect(first).toMatchObject({ case: "notice", value: { code: "dropped_field", field: "top_k" } });
    expect(context.trail.last("loss")?.losses).toMatchObject([{ field: "top_k", action: "dropped" }]);
  });

  it("leaves its connection to the next call, although the body ends later", async () => {
    const { upstream, chat } = await startSender();
    for (let call = 0; call < 3; call++) {
      const got = collect(chat());
      const asked = await answered(upstream.next(), streamHead, hi, stop, done);
      expect(framesOf(await got).at(-1)?.case).toBe("completed");
      await asked.write(lastPiece);
    }
    expect([upstream.requests, upstream.connections]).toEqual([3, 1]);
  });

  it("edge case 19: as one JSON body to a stream request is a stream of one batch", async () => {
    const { upstream, chat } = await startSender();
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
      const { upstream, chat, context } = await startSender();
      const failed = failureOf(chat(callOf({}, stream)));
      await answered(upstream.next(), answer(200, { "content-type": "text/html" }, "<html>Sign in</html>"));
      expect(await failed).toMatchObject({ code: "upstream_error" });
      expect((await failed).message).not.toContain("<html>");
      expect(context.trail.last("attempt_ended")).toMatchObject({ outcome: "upstream_error", upstreamStatus: 200 });
    },
  );

  it("that is compressed against the request is an error", async () => {
    const { upstream, chat } = await startSender();
    const failed = failureOf(chat());
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    const asked = await answered(upstream.next(), head(200, { ...headers, "content-length": "1000" }));
    expect(await failed).toMatchObject({ code: "upstream_error", message: expect.stringContaining("compressed") });
    await asked.closed;
  });

  it("that is cut gives what had come, then the error", async () => {
    const { upstream, chat, context } = await startSender();
    const got = collect(chat());
    (await answered(upstream.next(), streamHead, hi)).reset();
    const all = await got;
    expect(casesOf(framesOf(all))).toContain("textDelta");
    expect(all.at(-1)).toMatchObject({ code: "upstream_cut", detail: { provider: "openai-east", model: "gpt-4o" } });
    expect(context.trail.last("attempt_ended")).toMatchObject({ outcome: "upstream_cut" });
  });

  it("gives what was said before an error in the same read", async () => {
    const { upstream, chat } = await startSender();
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
    const { upstream, chat, context } = await startSender();
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
    expect(kinds).toEqual(["attempt", "sent", "rate_limit", "answered", "streaming", "attempt_ended"]);
    expect(context.trail.last("rate_limit")?.headers).toEqual({ "x-ratelimit-remaining-tokens": "7" });
    expect(context.trail.last("attempt_ended")).toMatchObject({ outcome: "ok", upstreamStatus: 200 });
  });

  it("does not tell of losses at a target that failed", async () => {
    const { upstream, chat, context } = await startSender({ wire: "exact" });
    const failed = failureOf(chat(callOf({ topK: 5 })));
    await answered(upstream.next(), answer(503, {}, ""));
    await failed;
    expect(context.trail.count("loss")).toBe(0);
  });
});
