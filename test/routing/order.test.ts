import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/domain/errors.ts";
import type { ProviderKey } from "../../src/domain/instance.ts";
import { Secret } from "../../src/domain/secret.ts";
import type { Target } from "../../src/domain/target.ts";
import { Lanes } from "../../src/routing/lanes.ts";
import { type OrderBy, preferred } from "../../src/routing/order.ts";
import { TargetStates } from "../../src/routing/target-states.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { breaker, targetNamed } from "./parts.ts";

const [a, b, c] = [targetNamed("a/m"), targetNamed("b/m"), targetNamed("c/m")];

/** Numbers that look random and are the same each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function ordering(keys: Readonly<Record<string, readonly ProviderKey[]>> = {}) {
  const clock = createFakeClock();
  const states = new TargetStates(clock, breaker);
  const parts = { states, random: seeded(1), keysOf: (instance: string) => keys[instance] ?? [] };
  const by: OrderBy = { strategy: "ordered", stickTo: null, inputTokens: 0, outputTokens: 0 };
  const lanes = (targets: readonly Target[], more: Partial<OrderBy> = {}) => {
    const wanted = { ...by, ...more };
    return new Lanes([{ targets: preferred(targets, wanted, parts), stickTo: wanted.stickTo }], parts);
  };
  const names = (targets: readonly Target[], more: Partial<OrderBy> = {}) => [...lanes(targets, more)].map(nameOf);
  return { clock, states, names, lanes };
}

const nameOf = ({ name, key }: Target) => (key === undefined ? name : `${name}#${key}`);

const fail = (states: TargetStates, target: Target, error = new GatewayError("upstream_cut", "cut")) =>
  states.watch(target, true).failed(error);

/** Lets a target answer once, after so many milliseconds. */
function answer({ clock, states }: ReturnType<typeof ordering>, target: Target, ms: number) {
  const watch = states.watch(target, true);
  clock.advance(ms);
  watch.firstToken();
  watch.succeeded();
}

describe("ordered", () => {
  it("keeps the configured order, whatever a session says", () => {
    const { names } = ordering();
    expect(names([a, b, c])).toEqual(["a/m", "b/m", "c/m"]);
    expect(names([a, b, c], { stickTo: "x" })).toEqual(["a/m", "b/m", "c/m"]);
  });

  it("puts those that asked to be left alone behind, and those with an open circuit last", () => {
    const { clock, states, names } = ordering();
    for (let i = 0; i < breaker.failures; i++) fail(states, a);
    fail(states, b, new GatewayError("rate_limit_exceeded", "later", { retryAfterMs: 2_000 }));
    expect(names([a, b, c])).toEqual(["c/m", "b/m", "a/m"]);
    clock.advance(2_000);
    expect(names([a, b, c])).toEqual(["b/m", "c/m", "a/m"]);
    clock.advance(breaker.openMs);
    expect(names([a, b, c])).toEqual(["a/m", "b/m", "c/m"]);
  });
});

describe("an instance with one key", () => {
  it.each(["upstream_auth", "insufficient_quota"] as const)("comes behind for a time after %s", (code) => {
    const { clock, states, names } = ordering();
    fail(states, a, new GatewayError(code, "no", { upstreamStatus: 401 }));
    expect(names([a, b])).toEqual(["b/m", "a/m"]);
    expect(states.of(a).circuit.failures).toBe(0);
    clock.advance(breaker.openMs);
    expect(names([a, b])).toEqual(["a/m", "b/m"]);
  });
});

describe("weighted", () => {
  it("asks each first as often as its weight says", () => {
    const { names } = ordering();
    const weighted = [
      { ...a, weight: 1 },
      { ...b, weight: 3 },
      { ...c, weight: 0 },
    ];
    const firsts = { "a/m": 0, "b/m": 0, "c/m": 0 };
    for (let i = 0; i < 4_000; i++) {
      const [first = ""] = names(weighted, { strategy: "weighted" });
      firsts[first as keyof typeof firsts]++;
    }
    expect(firsts["c/m"]).toBe(0);
    expect(firsts["b/m"] / firsts["a/m"]).toBeGreaterThan(2.7);
    expect(firsts["b/m"] / firsts["a/m"]).toBeLessThan(3.3);
  });

  it("asks the same one first for the same session, and moves only its own sessions when one goes", () => {
    const { names } = ordering();
    const firstOf = (session: string, among: readonly Target[]) =>
      names(among, { strategy: "weighted", stickTo: session })[0];
    const sessions = Array.from({ length: 300 }, (_, i) => `session-${i}`);
    const before = sessions.map((session) => firstOf(session, [a, b, c]));
    expect(sessions.map((session) => firstOf(session, [a, b, c]))).toEqual(before);
    expect(new Set(before).size).toBe(3);
    const after = sessions.map((session) => firstOf(session, [a, b]));
    for (const [i, first] of before.entries()) if (first !== "c/m") expect(after[i]).toBe(first);
  });
});

describe("least-latency", () => {
  it("asks the quickest first, and one without recent figures before it, one request at a time", () => {
    const bench = ordering();
    for (let i = 0; i < 10; i++) {
      answer(bench, a, 300);
      answer(bench, b, 100);
    }
    expect(bench.names([a, b], { strategy: "least-latency" })).toEqual(["b/m", "a/m"]);
    expect(bench.names([a, b, c], { strategy: "least-latency" })).toEqual(["c/m", "b/m", "a/m"]);
    bench.states.watch(c, true);
    expect(bench.names([a, b, c], { strategy: "least-latency" })).toEqual(["b/m", "a/m", "c/m"]);
    bench.clock.advance(60_001);
    answer(bench, a, 300);
    expect(bench.names([a, b], { strategy: "least-latency" })).toEqual(["b/m", "a/m"]);
  });

  it("counts failures as time", () => {
    const bench = ordering();
    for (let i = 0; i < 10; i++) {
      answer(bench, a, 150);
      answer(bench, b, 100);
    }
    for (let i = 0; i < 3; i++) fail(bench.states, b);
    expect(bench.names([a, b], { strategy: "least-latency" })).toEqual(["a/m", "b/m"]);
  });
});

describe("least-busy", () => {
  it("asks the one with the fewest attempts under way for its weight", () => {
    const { states, names } = ordering();
    const first = states.watch(a, true);
    states.watch(b, true);
    states.watch(b, true);
    expect(names([a, b], { strategy: "least-busy" })).toEqual(["a/m", "b/m"]);
    expect(names([a, { ...b, weight: 4 }], { strategy: "least-busy" })).toEqual(["b/m", "a/m"]);
    first.left();
    first.left();
    expect(names([b, a], { strategy: "least-busy" })).toEqual(["a/m", "b/m"]);
  });

  it("asks one without a share of the requests last, though nothing is under way there", () => {
    const { states, names } = ordering();
    states.watch(b, true);
    expect(names([{ ...a, weight: 0 }, b], { strategy: "least-busy" })).toEqual(["b/m", "a/m"]);
  });
});

describe("cheapest", () => {
  it("asks the one whose prices are lowest for the request, and unknown prices last", () => {
    const { names } = ordering();
    const dearIn = { ...a, facts: { prices: { inputNanoUsd: 9, outputNanoUsd: 1, version: "1" } } };
    const dearOut = { ...b, facts: { prices: { inputNanoUsd: 1, outputNanoUsd: 9, version: "1" } } };
    const strategy = "cheapest";
    expect(names([c, dearIn, dearOut], { strategy, inputTokens: 10, outputTokens: 1 })).toEqual(["b/m", "a/m", "c/m"]);
    expect(names([c, dearIn, dearOut], { strategy, inputTokens: 1, outputTokens: 10 })).toEqual(["a/m", "b/m", "c/m"]);
  });
});

describe("an instance with several keys", () => {
  const key = (name: string, weight = 1): ProviderKey => ({ name, weight, secret: new Secret(`sk-${name}`) });

  it("is asked with each, by weight, and one that asked to be left alone comes last", () => {
    const { states, names } = ordering({ a: [key("k1", 0), key("k2")] });
    expect(names([a])).toEqual(["a/m#k2", "a/m#k1"]);
    fail(states, { ...a, key: "k2" }, new GatewayError("rate_limit_exceeded", "later", { retryAfterMs: 1_000 }));
    expect(names([a])).toEqual(["a/m#k1", "a/m#k2"]);
    // The limit was of that model; the key serves others.
    expect(names([targetNamed("a/n")])).toEqual(["a/n#k2", "a/n#k1"]);
  });

  it("leaves a refused key alone for every model, and the target's circuit as it was", () => {
    const { states, names } = ordering({ a: [key("k1", 0), key("k2")] });
    for (let i = 0; i < breaker.failures; i++) {
      fail(states, { ...a, key: "k2" }, new GatewayError("upstream_auth", "no", { upstreamStatus: 401 }));
    }
    expect(names([targetNamed("a/n")])).toEqual(["a/n#k1", "a/n#k2"]);
    expect(states.of(a).circuit.state).toBe("closed");
    expect(states.sights()).toContainEqual({ instance: "a", key: "k2", state: "open", inFlight: 0 });
  });

  it("has the same order each time that it is read", () => {
    const { lanes } = ordering({ a: Array.from({ length: 64 }, (_, i) => key(`k${i}`)) });
    const order = lanes([a, b]);
    const [first] = order;
    const names = [...order].map(nameOf);
    expect(first && nameOf(first)).toBe(names[0]);
    expect([...order].map(nameOf)).toEqual(names);
    expect([new Set(names).size, names.at(-1)]).toEqual([65, "b/m"]);
  });

  it("names the keys and targets that are out, unless all are", () => {
    const { states, lanes, clock } = ordering({ a: [key("k1"), key("k2")] });
    const refuse = (name: string) => {
      const refused = new GatewayError("upstream_auth", "no", { upstreamStatus: 401 });
      for (let i = 0; i < breaker.failures; i++) fail(states, { ...a, key: name }, refused);
    };
    refuse("k1");
    expect(lanes([a]).out.map(nameOf)).toEqual(["a/m#k1"]);
    refuse("k2");
    expect(lanes([a]).out).toEqual([]);
    expect(lanes([b, a]).out.map(nameOf)).toEqual(["a/m#k1", "a/m#k2"]);
    clock.advance(breaker.openMs);
    expect(lanes([b, a]).out).toEqual([]);
  });

  it("keeps a session's key, and moves only its own sessions when one goes", () => {
    const keys = Array.from({ length: 16 }, (_, i) => key(`k${i}`));
    const firsts = (among: readonly ProviderKey[]) => {
      const { names } = ordering({ a: among });
      return Array.from({ length: 400 }, (_, i) => names([a], { stickTo: `session-${i}` })[0]);
    };
    const before = firsts(keys);
    expect(firsts(keys)).toEqual(before);
    expect(new Set(before).size).toBe(16);
    for (const [i, first] of firsts(keys.slice(1)).entries()) if (before[i] !== "a/m#k0") expect(first).toBe(before[i]);
  });
});
