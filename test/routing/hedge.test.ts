import { describe, expect, it } from "vitest";
import type { Frame } from "../../src/domain/chat.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import type { RoutePolicy } from "../../src/domain/route.ts";
import type { Target } from "../../src/domain/target.ts";
import { createAttempt, type Sender } from "../../src/routing/attempt.ts";
import { pause } from "../../src/routing/pause.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { completed, finished, started, text } from "../fakes/frames.ts";
import { createTurns } from "../fakes/turns.ts";
import { callOf, collect, contextOf, framesOf } from "../providers/sending.ts";
import { attemptParts, routeOf, targetNamed } from "./parts.ts";

const [a, b] = [targetNamed("a/m"), targetNamed("b/m")];

/** Targets that answer with their own name after some time, or fail then. Milliseconds. */
function racing(times: Readonly<Record<string, number>>, fails: readonly string[] = []) {
  const clock = createFakeClock();
  const turns = createTurns(clock);
  const log: string[] = [];
  const sender: Sender = {
    async *chat(target, _call, { signal, trail }) {
      const { name } = target;
      log.push(`${name} begun ${clock.nowMs()}`);
      try {
        trail.note({ kind: "answered", target, atMs: clock.nowMs(), model: "m", simulated: false });
        trail.note({ kind: "streaming", target, sizes: { outputChars: 0, reasoningChars: 0 } });
        yield [started(name)];
        await pause(times[name] ?? 0, clock, signal);
        if (fails.includes(name)) throw new GatewayError("upstream_cut", `${name} failed`);
        yield [text(name)];
        await pause(10, clock, signal);
        yield [finished(), completed()];
        log.push(`${name} done`);
      } catch (thrown) {
        log.push(`${name} ended ${clock.nowMs()} ${thrown instanceof GatewayError ? thrown.code : "?"}`);
        throw thrown;
      }
    },
    embed: async () => Promise.reject(new GatewayError("not_implemented", "no")),
    countTokens: async () => Promise.reject(new GatewayError("not_implemented", "no")),
  };
  const parts = attemptParts(sender, { clock });
  const attempt = createAttempt(parts);
  const run = async (targets: readonly Target[], more: Partial<RoutePolicy> = {}) => {
    const context = contextOf(undefined, clock);
    const got = collect(attempt.chat(routeOf(targets, { hedge: { afterMs: 100 }, ...more }), callOf(), context));
    await turns.until(got);
    const all = await got;
    return { context, texts: textsOf(framesOf(all)), last: all.at(-1) };
  };
  return { clock, turns, log, parts, attempt, run };
}

const textsOf = (frames: readonly Frame[]) =>
  frames.flatMap((frame) =>
    frame.case === "textDelta" ? [frame.value] : frame.case === "started" ? [frame.value.id] : [],
  );

describe("a hedged request", () => {
  it("asks nobody else while the first answers in time", async () => {
    const { run, log } = racing({ "a/m": 75, "b/m": 0 });
    expect((await run([a, b])).texts).toEqual(["a/m", "a/m"]);
    expect(log).toEqual(["a/m begun 0", "a/m done"]);
  });

  it("is answered by whoever has content first; the other is aborted at once and is no failure", async () => {
    const { run, log, parts } = racing({ "a/m": 500, "b/m": 50 });
    const { texts, context } = await run([a, b]);
    expect(texts).toEqual(["b/m", "b/m"]);
    expect(log).toEqual(["a/m begun 0", "b/m begun 100", "a/m ended 150 canceled", "b/m done"]);
    expect(context.trail.entries.some((entry) => entry.kind === "retried" && entry.how === "hedge")).toBe(true);
    expect([parts.states.of(a).circuit.failures, parts.states.of(a).inFlight, parts.states.of(b).inFlight]).toEqual([
      0, 0, 0,
    ]);
  });

  it("stays with the first when it is quicker after all", async () => {
    const { run, log } = racing({ "a/m": 125, "b/m": 500 });
    expect((await run([a, b])).texts).toEqual(["a/m", "a/m"]);
    expect(log).toContain("b/m ended 125 canceled");
  });

  it.each([
    ["the first", { "a/m": 125, "b/m": 500 }, "a/m"],
    ["the second", { "a/m": 500, "b/m": 50 }, "b/m"],
  ])("is said to be answered by %s when its content came first, whoever had begun last", async (_, times, name) => {
    const { context } = await racing(times).run([a, b]);
    expect(context.trail.last("answered")?.target.name).toBe(name);
    expect(context.trail.last("streaming")?.target.name).toBe(name);
  });

  it("goes on with the second when the first fails, and fails when both do", async () => {
    const rescued = racing({ "a/m": 150, "b/m": 200 }, ["a/m"]);
    expect((await rescued.run([a, b])).texts).toEqual(["b/m", "b/m"]);
    expect(rescued.parts.states.of(a).circuit.failures).toBe(1);
    const lost = racing({ "a/m": 150, "b/m": 200 }, ["a/m", "b/m"]);
    expect((await lost.run([a, b])).last).toMatchObject({ code: "upstream_cut", message: "b/m failed" });
  });

  it("has nobody to ask beside the only target, nor beyond the attempts or the budget", async () => {
    const alone = racing({ "a/m": 500 });
    expect((await alone.run([a])).texts).toEqual(["a/m", "a/m"]);
    const bounded = racing({ "a/m": 500, "b/m": 0 });
    await bounded.run([a, b], { maxAttempts: 1 });
    expect(bounded.log).toEqual(["a/m begun 0", "a/m done"]);
    const spent = racing({ "a/m": 500, "b/m": 0 });
    while (spent.parts.budgetOf("b").spend());
    await spent.run([a, b]);
    expect(spent.log).toEqual(["a/m begun 0", "a/m done"]);
  });

  it("waits as long as 95 of 100 answers of that target take, once it has seen enough of them", async () => {
    const { run, log, parts, clock } = racing({ "a/m": 1_000, "b/m": 0 });
    const afterMs = null;
    await run([a, b], { hedge: { afterMs } });
    expect(log).toEqual(["a/m begun 0", "a/m done"]);
    for (let i = 1; i <= 20; i++) parts.states.of(a).sawFirstToken(i * 10, true);
    log.length = 0;
    const beganMs = clock.nowMs();
    await run([a, b], { hedge: { afterMs } });
    // 21 samples, one of 1,000 ms: the 20th is 200.
    expect(log[1]).toBe(`b/m begun ${beganMs + 200}`);
  });

  it("remembers of a target that was outrun that it takes at least so long", async () => {
    const { run, parts } = racing({ "a/m": 500, "b/m": 50 });
    for (let i = 0; i < 20; i++) await run([a, b]);
    // 100 ms alone and 50 beside the other; nothing is known of how much longer it would have been.
    expect(parts.states.of(a).p95Ms(true)).toBe(150);
    const second = racing({ "a/m": 125, "b/m": 500 });
    for (let i = 0; i < 20; i++) await second.run([a, b]);
    expect(second.parts.states.of(b).p95Ms(true)).toBeNull();
  });

  it("ends both attempts when the caller leaves", async () => {
    const { attempt, turns, log, clock } = racing({ "a/m": 500, "b/m": 500 });
    const caller = new AbortController();
    const route = routeOf([a, b], { hedge: { afterMs: 100 } });
    const got = collect(attempt.chat(route, callOf(), contextOf(caller.signal, clock)));
    await turns.pass(200);
    caller.abort(new GatewayError("canceled", "gone"));
    await turns.settle();
    expect((await got).at(-1)).toMatchObject({ message: "gone" });
    expect(log.filter((line) => line.includes("ended 200")).length).toBe(2);
    expect(clock.timers).toBe(0);
  });
});
