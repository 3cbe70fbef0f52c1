import { expect, it } from "vitest";
import { LeasedAdmission } from "../../src/accounts/leased-admission.ts";
import { PlaceLedger, type PlaceLimits } from "../../src/accounts/place-ledger.ts";
import type { PlaceAnswer, PlaceAsk } from "../../src/accounts/place-messages.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { contextOf } from "../providers/sending.ts";
import { policy } from "../routing/parts.ts";
import { createRandom } from "../simulation/random.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Workers, a ledger, and channels between them that deliver in order, when they are told to. */
function sharing(workers: number, limits: PlaceLimits) {
  const clock = createFakeClock();
  const ledger = new PlaceLedger(limits);
  const counts = { running: 0, most: 0, messages: 0 };
  const members = Array.from({ length: workers }, () => {
    const up: PlaceAsk[] = [];
    const down: PlaceAnswer[] = [];
    const admission = new LeasedAdmission(clock, (ask) => up.push(ask));
    const holder = ledger.join((answer) => down.push(answer));
    let isDead = false;
    return {
      admission,
      deliverUp: () => !isDead && pass(up, holder.take),
      deliverDown: () => !isDead && pass(down, (answer) => admission.take(answer)),
      die: () => {
        isDead = true;
        holder.end();
      },
    };
  });
  function pass<T>(waiting: T[], take: (message: T) => void): boolean {
    const message = waiting.shift();
    if (message === undefined) return false;
    counts.messages++;
    take(message);
    return true;
  }
  /** Lets every message arrive, and what follows from it. */
  async function settled() {
    for (let i = 0; i < 1_000; i++) {
      await turn();
      if (!members.map((one) => [one.deliverUp(), one.deliverDown()].some(Boolean)).some(Boolean)) return;
    }
    throw new Error("the messages did not come to an end");
  }
  function enter(worker: number, { priority = 0, queueMs = 1_000, signal = new AbortController().signal } = {}) {
    const context = contextOf(signal, clock);
    const one = { state: "waiting", context, leave: () => {} };
    members[worker]?.admission.enter({ ...policy, queueMs, priority }, context).then(
      (leave) => {
        counts.most = Math.max(counts.most, ++counts.running);
        one.state = "running";
        one.leave = () => {
          if (one.state !== "running") return;
          one.state = "left";
          counts.running--;
          leave();
        };
      },
      (error: unknown) => {
        one.state = error instanceof GatewayError ? error.code : String(error);
      },
    );
    return one;
  }
  return { clock, ledger, members, counts, settled, enter };
}

it("lets no more in than one process would, and all of them, wherever they come", async () => {
  const { settled, enter, counts } = sharing(3, { maxInFlight: 100, maxQueued: 50 });
  await settled();
  const all = Array.from({ length: 160 }, (_, i) => enter(i % 3 === 0 ? 0 : 1));
  await settled();
  const inState = (state: string) => all.filter((one) => one.state === state).length;
  expect([inState("running"), inState("waiting"), inState("overloaded")]).toEqual([100, 50, 10]);
  for (const one of all) one.leave();
  await settled();
  expect([inState("running"), inState("waiting")]).toEqual([50, 0]);
  expect(counts.most).toBe(100);
});

it("a limit smaller than the number of workers holds too, and whoever comes first gets it", async () => {
  const { settled, enter } = sharing(4, { maxInFlight: 1, maxQueued: 0 });
  await settled();
  const first = enter(3);
  await settled();
  const second = enter(0);
  await settled();
  expect([first.state, second.state]).toEqual(["running", "overloaded"]);
  first.leave();
  await settled();
  const third = enter(1);
  await settled();
  expect(third.state).toBe("running");
});

it("a place that is at hand in one worker is not missed in another, without any queue", async () => {
  const { settled, enter } = sharing(2, { maxInFlight: 64, maxQueued: 0 });
  await settled();
  const all = Array.from({ length: 64 }, () => enter(0));
  await settled();
  expect(new Set(all.map(({ state }) => state))).toEqual(new Set(["running"]));
});

it("asks for none while there is plenty", async () => {
  const { settled, enter, counts } = sharing(2, { maxInFlight: 4_096, maxQueued: 10 });
  await settled();
  counts.messages = 0;
  for (let i = 0; i < 100; i++) {
    const one = enter(i % 2);
    await turn();
    expect(one.state).toBe("running");
    one.leave();
  }
  await settled();
  expect(counts.messages).toBe(0);
});

it("the larger priority enters first, in whichever worker it waits", async () => {
  const { settled, enter } = sharing(2, { maxInFlight: 1, maxQueued: 5 });
  await settled();
  const running = enter(0);
  await settled();
  const low = enter(0, { priority: -1 });
  const high = enter(1, { priority: 5 });
  await settled();
  running.leave();
  await settled();
  expect([low.state, high.state]).toEqual(["waiting", "running"]);
  expect(high.context.trail.last("queued")).toBeDefined();
  expect(running.context.trail.last("queued")).toBeUndefined();
});

it("time in the queue runs from when it stands there, not while a place is only asked for", async () => {
  const { settled, enter, clock } = sharing(2, { maxInFlight: 1, maxQueued: 5 });
  await settled();
  const running = enter(0, { queueMs: 0 });
  clock.advance(10);
  await settled();
  expect(running.state).toBe("running");
  const waiting = enter(1, { queueMs: 500 });
  await settled();
  clock.advance(499);
  await settled();
  expect(waiting.state).toBe("waiting");
  clock.advance(1);
  await settled();
  expect(waiting.state).toBe("timeout");
});

it("refuses by the head alone when nobody could even wait, and no longer when there is room", async () => {
  const { settled, enter, members } = sharing(2, { maxInFlight: 2, maxQueued: 0 });
  await settled();
  const running = [enter(0), enter(0)];
  await settled();
  enter(1);
  await settled();
  for (const { admission } of members) expect(() => admission.checkRoom()).toThrow(GatewayError);
  running[0]?.leave();
  await settled();
  for (const { admission } of members) expect(() => admission.checkRoom()).not.toThrow();
});

it("places of a worker that died are free again", async () => {
  const { settled, enter, members, counts } = sharing(2, { maxInFlight: 3, maxQueued: 5 });
  await settled();
  enter(0);
  enter(0);
  enter(0);
  await settled();
  const [one, other] = [enter(1), enter(1)];
  await settled();
  expect(one.state).toBe("waiting");
  members[0]?.die();
  counts.running -= 3;
  await settled();
  expect([one.state, other.state]).toEqual(["running", "running"]);
});

it("a smaller limit lets nobody in until enough have left", async () => {
  const { settled, enter, ledger } = sharing(2, { maxInFlight: 2, maxQueued: 5 });
  await settled();
  const [first, second] = [enter(0), enter(1)];
  await settled();
  ledger.limit({ maxInFlight: 1, maxQueued: 5 });
  const third = enter(1);
  await settled();
  first.leave();
  await settled();
  expect(third.state).toBe("waiting");
  second.leave();
  await settled();
  expect(third.state).toBe("running");
});

it.each(Array.from({ length: 40 }, (_, i) => i + 1))("holds in any order of events: seed %i", async (seed) => {
  const random = createRandom(seed);
  const pick = random.below;
  const workers = 1 + pick(4);
  const limits = { maxInFlight: 1 + pick(60), maxQueued: pick(8) };
  const { settled, enter, members, counts, clock } = sharing(workers, limits);
  const all: ReturnType<typeof enter>[] = [];
  const leaving: AbortController[] = [];
  for (let i = 0; i < 600; i++) {
    const what = pick(10);
    if (what < 3) {
      const controller = new AbortController();
      leaving.push(controller);
      all.push(enter(pick(workers), { priority: pick(3), queueMs: 50 + pick(200), signal: controller.signal }));
    } else if (what < 5) all[pick(all.length)]?.leave();
    else if (what === 5) leaving[pick(leaving.length)]?.abort(new GatewayError("canceled", "gone"));
    else if (what === 6) clock.advance(pick(20));
    else if (what < 9) members[pick(workers)]?.deliverUp();
    else members[pick(workers)]?.deliverDown();
    if (pick(4) === 0) await turn();
    expect(counts.running).toBeLessThanOrEqual(limits.maxInFlight);
  }
  await settled();
  const waiting = all.filter(({ state }) => state === "waiting").length;
  // Nobody waits beside a free place, and the queue keeps its bound.
  if (waiting > 0) expect(counts.running).toBe(limits.maxInFlight);
  expect(waiting).toBeLessThanOrEqual(limits.maxQueued);
  for (let i = 0; i < all.length && counts.running > 0; i++) {
    for (const one of all) one.leave();
    await settled();
  }
  // Not a place was lost on the way.
  const last = Array.from({ length: limits.maxInFlight }, (_, i) => enter(i % workers));
  await settled();
  expect(new Set(last.map(({ state }) => state))).toEqual(new Set(["running"]));
});
