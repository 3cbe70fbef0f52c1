import { describe, expect, it } from "vitest";
import type { Frame } from "../../src/domain/chat.ts";
import { type ErrorDetail, GatewayError } from "../../src/domain/errors.ts";
import type { Route, RoutePolicy } from "../../src/domain/route.ts";
import type { Target } from "../../src/domain/target.ts";
import { type AttemptParts, createAttempt, type Sender } from "../../src/routing/attempt.ts";
import { TargetStates } from "../../src/routing/target-states.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { completed, finished, started, text } from "../fakes/frames.ts";
import { createTurns } from "../fakes/turns.ts";
import { callOf, collect, contextOf, framesOf } from "../providers/sending.ts";
import { attemptParts, routeOf, targetNamed } from "./parts.ts";

const [a, b] = [targetNamed("a/m"), targetNamed("b/m")];
const whole: readonly Frame[] = [started(), text("Hi"), finished(), completed()];

/** What comes of a request to targets that fail as listed and then answer; each attempt with the time it began at. */
function request(fails: Readonly<Record<string, readonly GatewayError[]>>, more: Partial<RoutePolicy> = {}) {
  const clock = createFakeClock();
  const turns = createTurns(clock);
  const asked: string[] = [];
  const left = new Map(Object.entries(fails).map(([name, errors]) => [name, [...errors]]));
  const sender: Sender = {
    async *chat({ name }) {
      asked.push(`${name} ${clock.nowMs()}`);
      const error = left.get(name)?.shift();
      if (error) throw error;
      yield whole;
    },
    embed: async () => Promise.reject(new GatewayError("not_implemented", "no")),
    countTokens: async () => Promise.reject(new GatewayError("not_implemented", "no")),
  };
  const parts = attemptParts(sender, { clock });
  const caller = new AbortController();
  const send = (route: Route, deadlineMs: number | null = null) => {
    const context = { ...contextOf(caller.signal, clock), deadlineMs };
    return { context, got: collect(createAttempt(parts).chat(route, callOf(), context)) };
  };
  /** Everything up to the end, with as much time as it takes. */
  const run = async (targets: readonly Target[], deadlineMs: number | null = null) => {
    const { context, got } = send(routeOf(targets, more), deadlineMs);
    await turns.until(got);
    const last = (await got).at(-1);
    return { context, code: last instanceof GatewayError ? last.code : "ok", error: last };
  };
  return { clock, turns, asked, parts, caller, send, run };
}

const failure = (detail: ErrorDetail = { upstreamStatus: 503 }) =>
  new GatewayError("service_unavailable", "no", detail);
const limited = (retryAfterMs?: number) =>
  new GatewayError("rate_limit_exceeded", "slow down", {
    upstreamStatus: 429,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });

describe("a target that fails before its first content", () => {
  it("is asked again after a pause that grows, up to the bound on attempts", async () => {
    const { run, asked } = request({ "a/m": Array(9).fill(failure()) });
    expect((await run([a])).code).toBe("service_unavailable");
    // Half of 250, 500 and 1,000 ms: the random number is 0.5.
    expect(asked).toEqual(["a/m 0", "a/m 125", "a/m 375", "a/m 875"]);
  });

  it("is asked again only after all the others", async () => {
    const { run, asked } = request({ "a/m": [failure()], "b/m": [failure()] });
    const { code, context } = await run([a, b]);
    expect([code, asked]).toEqual(["ok", ["a/m 0", "b/m 0", "a/m 125"]]);
    const retried = context.trail.entries.flatMap((entry) => (entry.kind === "retried" ? [entry.how] : []));
    expect(retried).toEqual(["failover", "retry"]);
  });

  it("is left alone as long as it asked for, with some jitter on top", async () => {
    const { run, asked } = request({ "a/m": [limited(2_000)] });
    expect((await run([a])).code).toBe("ok");
    expect(asked).toEqual(["a/m 0", "a/m 2125"]);
  });

  it("is not waited for beyond the configured wait: the error says when to come again", async () => {
    const { run, asked } = request({ "a/m": [limited(10_001)] });
    expect((await run([a])).error).toMatchObject({ code: "rate_limit_exceeded", detail: { retryAfterMs: 10_001 } });
    expect(asked).toEqual(["a/m 0"]);
  });

  it("is not waited for beyond the caller's deadline", async () => {
    const within = request({ "a/m": [limited(2_000)] });
    expect((await within.run([a], 2_126)).code).toBe("ok");
    const beyond = request({ "a/m": [limited(2_000)] });
    expect((await beyond.run([a], 2_125)).code).toBe("rate_limit_exceeded");
    expect(beyond.clock.nowMs()).toBe(0);
  });

  it("gives way to the next at once when it asks for a wait", async () => {
    const { run, asked } = request({ "a/m": [limited(2_000)] });
    expect((await run([a, b])).code).toBe("ok");
    expect(asked).toEqual(["a/m 0", "b/m 0"]);
  });

  it.each<[string, GatewayError]>([
    ["it does not want to be", failure({ upstreamStatus: 503, retryable: false })],
    ["its quota is spent", new GatewayError("insufficient_quota", "no", { upstreamStatus: 429 })],
    ["the request is at fault", new GatewayError("invalid_value", "no", { upstreamStatus: 400, retryable: true })],
    ["it refuses the key", new GatewayError("upstream_auth", "no", { upstreamStatus: 401 })],
    ["nobody knows what became of the request", new GatewayError("upstream_error", "reset")],
    ["a bound passed after it was sent", new GatewayError("timeout", "slow", { phase: "first_byte" })],
  ])("is not asked again when %s", async (_, error) => {
    const { run, asked } = request({ "a/m": [error] });
    expect((await run([a])).code).toBe(error.code);
    expect(asked).toEqual(["a/m 0"]);
  });

  it("is asked again after a reset or a bound where that is configured, or where it says so itself", async () => {
    const reset = new GatewayError("upstream_error", "reset");
    const configured = request({ "a/m": [reset] }, { retryAfterSent: true });
    expect((await configured.run([a])).code).toBe("ok");
    const invited = request({ "a/m": [new GatewayError("upstream_error", "no", { retryable: true })] });
    expect((await invited.run([a])).code).toBe("ok");
  });

  it("is asked again once after a reset or a bound, and no more, over all targets", async () => {
    const reset = new GatewayError("upstream_error", "reset");
    const alone = request({ "a/m": Array(9).fill(reset) }, { retryAfterSent: true });
    expect((await alone.run([a])).code).toBe("upstream_error");
    expect(alone.asked).toEqual(["a/m 0", "a/m 125"]);
    const two = request({ "a/m": Array(9).fill(reset), "b/m": Array(9).fill(reset) }, { retryAfterSent: true });
    await two.run([a, b]);
    expect(two.asked).toEqual(["a/m 0", "b/m 0", "a/m 125"]);
    const unlike = request({ "a/m": [reset, failure(), failure()] }, { retryAfterSent: true });
    expect((await unlike.run([a])).code).toBe("ok");
  });

  it("is asked no more often than the caller wants", async () => {
    const { send, turns, asked } = request({ "a/m": Array(9).fill(failure()) }, { maxAttempts: 3 });
    const { got } = send(routeOf([a], { maxAttempts: 2 }));
    await turns.until(got);
    expect(asked).toHaveLength(2);
  });
});

describe("the pause before a retry", () => {
  it("ends at once when the caller leaves, and nothing more is sent", async () => {
    const { send, turns, asked, caller, clock } = request({ "a/m": [limited(5_000)] });
    const { got } = send(routeOf([a]));
    await turns.pass(100);
    const reason = new GatewayError("canceled", "gone");
    caller.abort(reason);
    await turns.settle();
    expect((await got).at(-1)).toBe(reason);
    expect(asked).toEqual(["a/m 0"]);
    expect(clock.timers).toBe(0);
  });
});

describe("an outage", () => {
  it("is not amplified beyond the budget of retries", async () => {
    const { parts, turns, asked } = request({ "a/m": Array(9_999).fill(failure()) });
    const open: AttemptParts = {
      ...parts,
      states: new TargetStates(parts.clock, { failures: 1e9, openMs: 1, slowMs: null }),
    };
    const attempt = createAttempt(open);
    for (let i = 0; i < 200; i++) await turns.until(collect(attempt.chat(routeOf([a]), callOf(), contextOf())));
    const seconds = turns.clock.nowMs() / 1_000;
    // Each request once, and retries: a tenth of the requests and three a second, over the window at its fullest.
    expect(asked.length - 200).toBeLessThanOrEqual(0.1 * 200 + 3 * (seconds + 10));
    expect(asked.length).toBeGreaterThan(200);
  });

  it("opens the circuit: requests fail at once, say when to come again, and one probe closes it", async () => {
    const { parts, turns, asked, clock } = request({ "a/m": Array(5).fill(failure()) });
    const attempt = createAttempt(parts);
    const send = async () => {
      const got = collect(attempt.chat(routeOf([a], { maxAttempts: 1 }), callOf(), contextOf()));
      await turns.until(got);
      return (await got).at(-1);
    };
    for (let i = 0; i < 5; i++) await send();
    expect(await send()).toMatchObject({ code: "service_unavailable", detail: { retryAfterMs: 30_000 } });
    expect(asked).toHaveLength(5);
    clock.advance(30_000);
    expect(await send()).toMatchObject([{ case: "started" }, {}, {}, {}]);
    expect(asked).toHaveLength(6);
    await send();
    expect(asked).toHaveLength(7);
  });

  it("of one target leaves it out while others serve, and says so", async () => {
    const { parts, turns, asked } = request({ "a/m": Array(5).fill(failure()) });
    const attempt = createAttempt(parts);
    const send = async () => {
      const context = contextOf();
      await turns.until(collect(attempt.chat(routeOf([a, b]), callOf(), context)));
      return context;
    };
    for (let i = 0; i < 5; i++) await send();
    asked.length = 0;
    const context = await send();
    expect(asked).toEqual([expect.stringMatching(/^b\/m/)]);
    expect(context.trail.last("skipped")).toMatchObject({ target: { name: "a/m" }, reason: "circuit_open" });
    expect(context.trail.count("skipped")).toBe(1);
  });

  it("is told of once, also where the route has already told it of all keys", async () => {
    const { parts, turns } = request({ "a/m": Array(5).fill(failure()) });
    const attempt = createAttempt(parts);
    const context = contextOf();
    const send = (targets: readonly Target[], of = contextOf()) =>
      turns.until(collect(attempt.chat(routeOf(targets), callOf(), of)));
    for (let i = 0; i < 5; i++) await send([a, b]);
    context.trail.note({ kind: "skipped", target: a, reason: "circuit_open" });
    await send([{ ...a, key: "k1" }, { ...a, key: "k2" }, b], context);
    expect(context.trail.count("skipped")).toBe(1);
  });

  it("of one request counts once, however often it was repeated", async () => {
    const { run, parts } = request({ "a/m": Array(9).fill(failure()) });
    await run([a]);
    expect(parts.states.of(a).circuit.failures).toBe(1);
  });

  it("is not what a caller's departure is taken for", async () => {
    const { parts, caller, send, turns } = request({ "a/m": [] });
    caller.abort(new GatewayError("canceled", "gone"));
    const { got } = send(routeOf([a]));
    await turns.until(got);
    expect(parts.states.of(a).circuit.failures).toBe(0);
    expect(parts.states.of(a).inFlight).toBe(0);
  });
});

describe("a prompt that is too long", () => {
  it("goes to a model with a larger window, and to no other", async () => {
    const windows = (size: number) => ({ facts: { contextWindow: size } });
    const [small, smaller, large] = [
      targetNamed("a/m", windows(100)),
      targetNamed("b/m", windows(50)),
      targetNamed("c/m", windows(200)),
    ];
    const tooLong = new GatewayError("context_length_exceeded", "too long", { upstreamStatus: 400 });
    const { run, asked } = request({ "a/m": [tooLong] });
    expect((await run([small, smaller, large])).code).toBe("ok");
    expect(asked).toEqual(["a/m 0", "c/m 0"]);
    const later = request({ "a/m": [tooLong], "c/m": [failure()] });
    expect((await later.run([small, large, smaller])).code).toBe("ok");
    expect(later.asked).toEqual(["a/m 0", "c/m 0", "c/m 125"]);
    const alone = request({ "a/m": [tooLong] });
    expect((await alone.run([small, smaller])).code).toBe("context_length_exceeded");
  });
});

describe("a prompt that was filtered", () => {
  it("goes elsewhere only where that is configured", async () => {
    const filtered = new GatewayError("content_filter", "no", { upstreamStatus: 400 });
    expect((await request({ "a/m": [filtered] }).run([a, b])).code).toBe("content_filter");
    const configured = request({ "a/m": [filtered] }, { failOver: new Set(["content_filter"]) });
    expect((await configured.run([a, b])).code).toBe("ok");
  });
});

describe("a key that is refused or limited", () => {
  it("gives way to the next key of the same instance, and a server that is down does not", async () => {
    const [one, two] = [targetNamed("a/m", { key: "k1" }), targetNamed("a/m", { key: "k2" })];
    const refused = new GatewayError("upstream_auth", "no", { upstreamStatus: 401 });
    expect((await request({ "a/m": [refused] }).run([one, two])).code).toBe("ok");
    expect((await request({ "a/m": [limited()] }).run([one, two])).code).toBe("ok");
    const down = request({ "a/m": [failure(), failure()], "b/m": [] });
    const { context } = await down.run([one, two, b]);
    expect(down.asked).toEqual(["a/m 0", "b/m 0"]);
    expect(framesOf([whole]).length).toBe(4);
    expect(context.trail.count("retried")).toBe(1);
  });
});
