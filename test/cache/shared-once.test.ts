import { deserialize, serialize } from "node:v8";
import { describe, expect, it } from "vitest";
import type { KeyAnswer, KeyAsk } from "../../src/cache/key-messages.ts";
import { KeyOwners } from "../../src/cache/key-owners.ts";
import { createOnce } from "../../src/cache/once.ts";
import { SharedOnce } from "../../src/cache/shared-once.ts";
import type { ChatCall, Frame } from "../../src/domain/chat.ts";
import { withWire } from "../../src/domain/chat.ts";
import type { RequestContext } from "../../src/domain/context.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { callStarted, completed, finished, started, text, usage } from "../fakes/frames.ts";
import { callOf, collect, contextOf, framesOf, instanceAt, targetOf } from "../providers/sending.ts";
import { createRandom } from "../simulation/random.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** An answer that is given piece by piece, by hand. */
interface Life {
  readonly worker: number;
  readonly own: RequestContext;
  say(...frames: Frame[]): void;
  end(): void;
  fail(error: GatewayError): void;
  said: number;
  over: boolean;
}

/** Workers that share their keys, over channels that serialize as those between processes do. */
function sharing(workers: number, { ttlMs = 60_000, maxBytes = 1_000_000, byHand = false } = {}) {
  const clock = createFakeClock();
  const owners = new KeyOwners();
  const lives: Life[] = [];
  const members = Array.from({ length: workers }, (_, worker) => {
    const up: KeyAsk[] = [];
    const down: KeyAnswer[] = [];
    let isDead = false;
    const ask = (message: KeyAsk) => {
      up.push(deserialize(serialize(message)) as KeyAsk);
      if (!byHand) queueMicrotask(deliverUp);
    };
    const { log } = contextOf();
    const once = new SharedOnce({
      own: (forgotten) => createOnce({ clock, ttlMs, maxBytes, forgotten }),
      ask,
      log,
    });
    const member = owners.join((message) => {
      down.push(deserialize(serialize(message)) as KeyAnswer);
      if (!byHand) setImmediate(deliverDown);
    });
    const deliverUp = () => {
      const message = isDead ? undefined : up.shift();
      if (message) member.take(message);
      return message !== undefined;
    };
    const deliverDown = () => {
      const message = isDead ? undefined : down.shift();
      if (message) once.take(message);
      return message !== undefined;
    };
    const die = () => {
      isDead = true;
      member.end();
    };
    return { worker, once, deliverUp, deliverDown, die };
  });
  const lifeIn = (worker: number) =>
    async function* life(own: RequestContext): AsyncIterable<readonly Frame[]> {
      const pieces: (readonly Frame[] | GatewayError | null)[] = [];
      let wake = () => {};
      const put = (piece: (typeof pieces)[number]) => {
        pieces.push(piece);
        wake();
      };
      const one: Life = {
        worker,
        own,
        said: 0,
        over: false,
        say: (...frames) => put(frames),
        end: () => put(null),
        fail: put,
      };
      lives.push(one);
      own.signal.addEventListener("abort", () => put(own.signal.reason), { once: true });
      try {
        for (;;) {
          const piece = pieces.shift();
          if (piece === undefined) {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          } else if (piece === null) return;
          else if (piece instanceof GatewayError) throw piece;
          else {
            one.said++;
            yield piece;
          }
        }
      } finally {
        one.over = true;
      }
    };
  function ask(worker: number, key: string | undefined, more: { call?: ChatCall } = {}) {
    const leaving = new AbortController();
    const context = { ...contextOf(leaving.signal, clock), ...(key !== undefined && { idempotencyKey: key }) };
    const once = members[worker]?.once;
    if (once === undefined) throw new Error("there is no such worker");
    const answer = once.keyed(more.call ?? callOf(), { name: "master", id: "m" }, context, lifeIn(worker));
    const one = { context, answer, isSettled: false, leave: () => leaving.abort(new GatewayError("canceled", "gone")) };
    const got = () => {
      const collected = collect(answer);
      void collected.then(() => {
        one.isSettled = true;
      });
      return collected;
    };
    return Object.assign(one, { got });
  }
  const settled = async () => {
    for (let i = 0; i < 50; i++) await turn();
  };
  return { clock, members, lives, ask, settled };
}

const whole = [started(), text("Hi"), finished(), completed()];
const textOf = (got: Awaited<ReturnType<typeof collect>>) =>
  framesOf(got)
    .map((frame) => (frame.case === "textDelta" ? frame.value : ""))
    .join("");

describe("requests with the same idempotency key in different workers", () => {
  it("share one answer while it is made: all of it, whenever they came", async () => {
    const { ask, lives, settled } = sharing(3);
    const first = ask(0, "k").got();
    await settled();
    lives[0]?.say(started(), text("Hel"));
    await settled();
    const second = ask(1, "k");
    const third = ask(2, "k");
    const others = [second.got(), third.got()];
    await settled();
    lives[0]?.say(text("lo"), finished(), completed());
    lives[0]?.end();
    expect(textOf(await first)).toBe("Hello");
    for (const other of others) expect(await other).toEqual(await first);
    expect(lives).toHaveLength(1);
    expect(second.context.trail.last("replayed")).toMatchObject({ status: "joined", of: "req_1" });
  });

  it("get the finished answer again for a time, and then a new one", async () => {
    const { ask, lives, clock, settled } = sharing(2);
    const first = ask(0, "k").got();
    await settled();
    const target = targetOf(instanceAt("http://127.0.0.1:9"));
    lives[0]?.own.trail.note({ kind: "answered", target, atMs: 1, model: "m", simulated: false });
    lives[0]?.say(...whole);
    lives[0]?.end();
    await first;
    const second = ask(1, "k");
    expect(await second.got()).toEqual(await first);
    expect(second.context.trail.last("replayed")).toMatchObject({ status: "replayed" });
    expect(second.context.trail.last("answered")).toMatchObject({ target });
    clock.advance(60_000);
    void ask(1, "k").got();
    await settled();
    expect(lives.map(({ worker }) => worker)).toEqual([0, 1]);
  });

  it("must be the same request", async () => {
    const { ask, lives, settled } = sharing(2);
    void ask(0, "k").got();
    await settled();
    const other = await ask(1, "k", { call: callOf({ model: "other" }) }).got();
    expect(other.at(-1)).toMatchObject({ code: "idempotency_key_reused" });
    expect(lives).toHaveLength(1);
  });

  it("arrive at the same moment: one of them makes the answer", async () => {
    const { ask, lives, settled } = sharing(3);
    const all = [ask(0, "k"), ask(1, "k"), ask(2, "k"), ask(1, "k")].map((one) => one.got());
    await settled();
    expect(lives).toHaveLength(1);
    lives[0]?.say(...whole);
    lives[0]?.end();
    for (const got of await Promise.all(all)) expect(textOf(got)).toBe("Hi");
  });

  it("fail together, and the next one is made anew, anywhere", async () => {
    const { ask, lives, settled } = sharing(2);
    const all = [ask(0, "k").got(), ask(1, "k").got()];
    await settled();
    lives[0]?.fail(new GatewayError("overloaded", "busy", { retryAfterMs: 5 }));
    for (const got of await Promise.all(all)) {
      expect(got.at(-1)).toMatchObject({ code: "overloaded", message: "busy", detail: { retryAfterMs: 5 } });
    }
    await settled();
    void ask(1, "k").got();
    await settled();
    expect(lives.map(({ worker }) => worker)).toEqual([0, 1]);
  });

  it("the answer goes on for the reader elsewhere when its own request is left, and counts there", async () => {
    const { ask, lives, settled } = sharing(2);
    const first = ask(0, "k");
    void first.got();
    await settled();
    const second = ask(1, "k");
    const got = second.got();
    await settled();
    first.leave();
    await settled();
    expect(lives[0]?.own.signal.aborted).toBe(false);
    lives[0]?.say(...whole);
    lives[0]?.end();
    expect(textOf(await got)).toBe("Hi");
    expect(second.context.trail.entries.map(({ kind }) => kind)).toEqual(["replayed", "adopted"]);
  });

  it("the answer is aborted when the last reader has gone, wherever it was", async () => {
    const { ask, lives, settled } = sharing(2);
    const [first, second] = [ask(0, "k"), ask(1, "k")];
    void first.got();
    await settled();
    void second.got();
    await settled();
    first.leave();
    second.leave();
    await settled();
    expect(lives[0]?.own.signal.aborted).toBe(true);
    void ask(1, "k").got();
    await settled();
    expect(lives.map(({ worker }) => worker)).toEqual([0, 1]);
  });

  it("a slow reader elsewhere slows the answer as one here does", async () => {
    const { ask, lives, settled } = sharing(2);
    const fast = ask(0, "k").got();
    await settled();
    const slow = ask(1, "k").answer[Symbol.asyncIterator]();
    void slow.next();
    await settled();
    for (let i = 0; i < 100; i++) lives[0]?.say(text("x".repeat(8 * 1024)));
    lives[0]?.say(finished(), completed());
    lives[0]?.end();
    await settled();
    const ahead = lives[0]?.said ?? 0;
    // Twice 128 KiB of text, which takes two bytes a character.
    expect(ahead).toBeLessThan(40);
    for (let next = await slow.next(); !next.done; ) next = await slow.next();
    expect(textOf(await fast)).toHaveLength(100 * 8 * 1024);
  });

  it("readers of a worker that died get a typed error, and the key is free", async () => {
    const { ask, lives, members, settled } = sharing(2);
    void ask(0, "k").got();
    await settled();
    const reader = ask(1, "k").got();
    await settled();
    lives[0]?.say(started(), text("Hel"));
    await settled();
    members[0]?.die();
    const got = await reader;
    expect(textOf(got)).toBe("Hel");
    expect(got.at(-1)).toMatchObject({ code: "service_unavailable", detail: { retryable: true } });
    void ask(1, "k").got();
    await settled();
    expect(lives.map(({ worker }) => worker)).toEqual([0, 1]);
  });

  it("whoever has heard nothing when the register is lost makes its own answer; who has is told", async () => {
    const { ask, lives, members, settled } = sharing(2, { byHand: true });
    const first = ask(0, "k").got();
    await settled();
    members[0]?.once.lose();
    await settled();
    lives[0]?.say(...whole);
    lives[0]?.end();
    expect(textOf(await first)).toBe("Hi");
  });

  it("every kind of frame arrives as it was sent, the provider's own bytes shared as they were", async () => {
    const { ask, lives, settled } = sharing(2);
    const frames = [
      started(),
      ...withWire([callStarted(0, "c", "f"), usage(1, 2)], "openai-chat", "data: {}\n\n"),
      { case: "mediaDelta", value: new Uint8Array([1, 2]), choice: 0, part: 0 } as const,
      completed({ input: 1, output: 2 }),
    ];
    void ask(0, "k").got();
    await settled();
    const reader = ask(1, "k").got();
    await settled();
    lives[0]?.say(...frames);
    lives[0]?.end();
    const got = framesOf(await reader);
    expect(got).toStrictEqual(frames);
    expect(got[1]?.wire).toBe(got[2]?.wire);
  });
});

it("a worker knows when nobody elsewhere reads from it any more", async () => {
  const { ask, lives, members, settled } = sharing(2);
  void ask(0, "k").got();
  await settled();
  void ask(1, "k").got();
  await settled();
  let isUnread = false;
  void members[0]?.once.unread().then(() => {
    isUnread = true;
  });
  await settled();
  expect(isUnread).toBe(false);
  lives[0]?.say(...whole);
  lives[0]?.end();
  await settled();
  expect(isUnread).toBe(true);
});

it.each(Array.from({ length: 60 }, (_, i) => i + 1))(
  "one answer a key at a time, and everybody gets an end: seed %i",
  async (seed) => {
    const random = createRandom(seed);
    const workers = 2 + random.below(3);
    const { ask, lives, members, clock } = sharing(workers, { byHand: true, ttlMs: 1 + random.below(50) });
    const all: ReturnType<typeof ask>[] = [];
    const keyOfLife = new Map<Life, string>();
    const begin = (worker: number, key: string) => {
      const one = ask(worker, key, { call: callOf({ model: key }) });
      all.push(one);
      void one.got();
    };
    const check = () => {
      for (const life of lives) keyOfLife.set(life, keyOfLife.get(life) ?? life.own.idempotencyKey ?? "");
      const running = lives.filter(({ over, own }) => !over && !own.signal.aborted).map((life) => keyOfLife.get(life));
      expect(new Set(running).size).toBe(running.length);
    };
    for (let i = 0; i < 400; i++) {
      const worker = random.below(workers);
      switch (random.below(9)) {
        case 0:
        case 1:
          begin(worker, `k${random.below(3)}`);
          break;
        case 2:
          all[random.below(Math.max(1, all.length))]?.leave();
          break;
        case 3:
          clock.advance(random.below(30));
          break;
        case 4: {
          const life = lives.findLast(({ over }) => !over);
          if (random.chance(0.8)) life?.say(...whole);
          else life?.fail(new GatewayError("overloaded", "busy"));
          life?.end();
          break;
        }
        default:
          if (random.chance(0.5)) members[worker]?.deliverUp();
          else members[worker]?.deliverDown();
      }
      if (random.chance(0.6)) await turn();
      check();
    }
    for (let i = 0; i < 3_000 && !all.every(({ isSettled }) => isSettled); i++) {
      for (const { deliverUp, deliverDown } of members) {
        deliverUp();
        deliverDown();
      }
      if (i % 10 === 0) for (const life of lives) if (!life.over) life.end();
      await turn();
      check();
    }
    expect(all.filter(({ isSettled }) => !isSettled)).toEqual([]);
  },
);
