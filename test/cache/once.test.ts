import { describe, expect, it } from "vitest";
import { LossPolicy } from "../../gen/trunkline/v1/chat_pb.ts";
import { createOnce, type OnceOptions } from "../../src/cache/once.ts";
import type { ChatCall, Frame } from "../../src/domain/chat.ts";
import type { RequestContext, TrailEntry } from "../../src/domain/context.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { completed, finished, started, text } from "../fakes/frames.ts";
import { callOf, collect, contextOf, framesOf } from "../providers/sending.ts";
import { targetNamed } from "../routing/parts.ts";

const caller = { name: "master", id: "m" };
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Answers that are given piece by piece, by hand. */
function sharing(options: Partial<OnceOptions> = {}) {
  const clock = createFakeClock();
  const once = createOnce({ clock, ttlMs: 60_000, maxBytes: 1_000_000, ...options });
  const lives: {
    own: RequestContext;
    say(...frames: Frame[]): void;
    end(): void;
    fail(error: Error): void;
    said: number;
  }[] = [];
  async function* life(own: RequestContext): AsyncIterable<readonly Frame[]> {
    const pieces: (readonly Frame[] | Error | null)[] = [];
    let wake = () => {};
    const put = (piece: readonly Frame[] | Error | null) => {
      pieces.push(piece);
      wake();
    };
    const one = { own, said: 0, say: (...frames: Frame[]) => put(frames), end: () => put(null), fail: put };
    lives.push(one);
    own.signal.addEventListener("abort", () => put(own.signal.reason), { once: true });
    for (;;) {
      const piece = pieces.shift();
      if (piece === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else if (piece === null) return;
      else if (piece instanceof Error) throw piece;
      else {
        one.said++;
        yield piece;
      }
    }
  }
  const ask = (key: string | undefined, more: { call?: ChatCall; id?: string } = {}) => {
    const leaving = new AbortController();
    const context = { ...contextOf(leaving.signal, clock), ...(key !== undefined && { idempotencyKey: key }) };
    const got = collect(once.keyed(more.call ?? callOf(), { ...caller, id: more.id ?? "m" }, context, life));
    return { context, got, leave: () => leaving.abort(new GatewayError("canceled", "gone")) };
  };
  return { clock, once, lives, life, ask };
}

const answer = [started(), text("Hi"), finished(), completed()];
const textOf = (got: Awaited<ReturnType<typeof collect>>) =>
  framesOf(got)
    .map((frame) => (frame.case === "textDelta" ? frame.value : ""))
    .join("");

describe("requests with the same idempotency key", () => {
  it("share one answer while it is made: all of it, whenever they came", async () => {
    const { ask, lives } = sharing();
    const first = ask("k");
    await turn();
    lives[0]?.say(started(), text("Hel"));
    await turn();
    const second = ask("k");
    await turn();
    lives[0]?.say(text("lo"), finished(), completed());
    lives[0]?.end();
    expect(textOf(await first.got)).toBe("Hello");
    expect(await second.got).toEqual(await first.got);
    expect(lives).toHaveLength(1);
    expect(first.context.trail.last("replayed")).toBeUndefined();
    expect(second.context.trail.last("replayed")).toMatchObject({ status: "joined", of: "req_1" });
  });

  it("get the finished answer again for a time", async () => {
    const { ask, lives, clock } = sharing();
    const first = ask("k");
    await turn();
    lives[0]?.say(...answer);
    lives[0]?.end();
    await first.got;
    clock.advance(59_999);
    const second = ask("k");
    expect(await second.got).toEqual(await first.got);
    expect(second.context.trail.last("replayed")).toMatchObject({ status: "replayed" });
    clock.advance(1);
    void ask("k");
    await turn();
    expect(lives).toHaveLength(2);
  });

  it("must be the same request", async () => {
    const { ask, lives } = sharing();
    void ask("k");
    await turn();
    const other = ask("k", { call: callOf({ model: "other" }) });
    expect((await other.got).at(-1)).toMatchObject({ code: "idempotency_key_reused" });
    const whole = ask("k", { call: callOf({}, false) });
    expect((await whole.got).at(-1)).toMatchObject({ code: "idempotency_key_reused" });
    expect(lives).toHaveLength(1);
  });

  it("must be the same in what headers say, too: the caller's text is not all that was asked for", async () => {
    const { ask, lives } = sharing();
    const source = { dialect: "openai-chat", bytes: Buffer.from("{}"), members: new Map(), unknown: [] } as const;
    const withPolicy = (lossPolicy: LossPolicy) => {
      const { request, stream } = callOf();
      return { request: { ...request, lossPolicy }, stream, source };
    };
    void ask("k", { call: withPolicy(LossPolicy.REPORT) });
    await turn();
    const strict = ask("k", { call: withPolicy(LossPolicy.REFUSE) });
    expect((await strict.got).at(-1)).toMatchObject({ code: "idempotency_key_reused" });
    expect(lives).toHaveLength(1);
  });

  it("is made anew for who comes back at once, while the one that everybody left is still ending", async () => {
    const { once, lives, life, clock } = sharing();
    const ended: (() => void)[] = [];
    async function* lingering(own: RequestContext): AsyncIterable<readonly Frame[]> {
      try {
        yield* life(own);
      } finally {
        if (own.signal.aborted) await new Promise<void>((resolve) => ended.push(resolve));
      }
    }
    const ask = (signal: AbortSignal) => {
      const context = { ...contextOf(signal, clock), idempotencyKey: "k" };
      return collect(once.keyed(callOf(), caller, context, lingering));
    };
    const leaving = new AbortController();
    const first = ask(leaving.signal);
    await turn();
    leaving.abort(new GatewayError("canceled", "gone"));
    await first;
    const second = ask(new AbortController().signal);
    await turn();
    expect(lives).toHaveLength(2);
    lives[1]?.say(...answer);
    // The end of the one that was left takes nothing from the one that replaced it.
    for (const end of ended) end();
    await turn();
    const third = ask(new AbortController().signal);
    await turn();
    lives[1]?.end();
    expect([textOf(await second), textOf(await third)]).toEqual(["Hi", "Hi"]);
    expect(lives).toHaveLength(2);
  });

  it("of different callers have nothing to do with each other", async () => {
    const { ask, lives } = sharing();
    void ask("k", { id: "m" });
    void ask("k", { id: "n", call: callOf({ model: "other" }) });
    await turn();
    expect(lives).toHaveLength(2);
  });

  it("fail together, and the next one is made anew", async () => {
    const { ask, lives } = sharing();
    const [first, second] = [ask("k"), ask("k")];
    await turn();
    const failure = new GatewayError("overloaded", "later");
    lives[0]?.fail(failure);
    expect([(await first.got).at(-1), (await second.got).at(-1)]).toEqual([failure, failure]);
    const third = ask("k");
    await turn();
    lives[1]?.say(...answer);
    lives[1]?.end();
    expect(textOf(await third.got)).toBe("Hi");
  });

  it("are left one by one; only when the last has gone is the provider's call aborted", async () => {
    const { ask, lives } = sharing();
    const [first, second] = [ask("k"), ask("k")];
    await turn();
    const streaming = { kind: "streaming", target: targetNamed("a/m"), sizes: { outputChars: 2, reasoningChars: 0 } };
    first.context.trail.note(streaming as TrailEntry);
    lives[0]?.say(started(), text("Hi"));
    await turn();
    first.leave();
    await turn();
    expect((await first.got).at(-1)).toMatchObject({ code: "canceled" });
    expect(lives[0]?.own.signal.aborted).toBe(false);
    // What it uses counts with somebody who is still there.
    expect(first.context.trail.last("replayed")).toMatchObject({ status: "joined" });
    expect(second.context.trail.count("adopted")).toBe(1);
    expect(second.context.trail.last("streaming")).toBe(streaming);
    second.leave();
    expect(lives[0]?.own.signal.aborted).toBe(true);
    expect((await second.got).at(-1)).toMatchObject({ code: "canceled" });
  });

  it("slow the provider down when the slowest of them reads slowly", async () => {
    const { once, lives, life, clock } = sharing();
    const context = { ...contextOf(undefined, clock), idempotencyKey: "k" };
    const slow = once.keyed(callOf(), caller, context, life)[Symbol.asyncIterator]();
    void slow.next();
    await turn();
    for (let i = 0; i < 20; i++) lives[0]?.say(text("x".repeat(16_384)));
    await turn();
    // A little more than 32 KiB each: one has been read, and the fourth ahead of it was too much.
    expect(lives[0]?.said).toBe(5);
    await slow.next();
    await turn();
    expect(lives[0]?.said).toBe(6);
    await slow.return?.();
    expect(lives[0]?.own.signal.aborted).toBe(true);
  });

  it("are not kept beyond the memory for it, the oldest go first; an answer that is too long is not kept at all", async () => {
    const { ask, lives } = sharing({ maxBytes: 30_000 });
    for (const [i, key] of ["a", "b"].entries()) {
      const one = ask(key);
      await turn();
      lives[i]?.say(text("x".repeat(10_000)), finished(), completed());
      lives[i]?.end();
      await one.got;
    }
    void ask("b");
    void ask("a");
    await turn();
    expect(lives).toHaveLength(3);
    const long = ask("long");
    await turn();
    for (let i = 0; i < 5; i++) lives[3]?.say(text("x".repeat(500_000)));
    await turn();
    await turn();
    const late = ask("long");
    expect((await late.got).at(-1)).toMatchObject({ code: "conflict", detail: { retryAfterMs: 1_000 } });
    lives[3]?.end();
    expect(framesOf(await long.got)).toHaveLength(5);
  });

  it.each(["two words", "é", "x".repeat(256), "\n"])("refuses %j as a key", async (key) => {
    const { ask, lives } = sharing();
    expect((await ask(key).got).at(-1)).toMatchObject({ code: "invalid_value", detail: { param: "idempotency-key" } });
    expect(lives).toHaveLength(0);
  });
});

describe("a request without a key", () => {
  it("is its own", async () => {
    const { ask, lives } = sharing();
    void ask(undefined);
    void ask(undefined);
    await turn();
    expect(lives).toHaveLength(2);
  });
});

describe("single flight", () => {
  const deterministic = () => {
    const call = callOf();
    return { ...call, request: { ...call.request, temperature: 0 } };
  };

  it("makes identical deterministic requests of one caller once, and forgets the answer", async () => {
    const { once, lives, life, clock } = sharing();
    const ask = (call: ChatCall, id = "m") =>
      collect(once.single(call, { ...caller, id }, contextOf(undefined, clock), life));
    const [first, second] = [ask(deterministic()), ask(deterministic())];
    void ask(deterministic(), "n");
    void ask(callOf());
    void ask(callOf());
    await turn();
    expect(lives).toHaveLength(4);
    lives[0]?.say(...answer);
    lives[0]?.end();
    expect(await first).toEqual(await second);
    void ask(deterministic());
    await turn();
    expect(lives).toHaveLength(5);
  });
});
