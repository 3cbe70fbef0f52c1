import { describe, expect, it } from "vitest";
import type { ProviderKey } from "../../src/domain/instance.ts";
import { Secret } from "../../src/domain/secret.ts";
import { KeyRing } from "../../src/routing/key-ring.ts";

const keysOf = (weights: readonly number[]): readonly ProviderKey[] =>
  weights.map((weight, i) => ({ name: `k${i}`, weight, secret: new Secret("sk") }));

/** Numbers that look random and are the same each time (mulberry32). */
function seeded(seed: number) {
  let state = seed;
  let draws = 0;
  const random = () => {
    draws++;
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { random, draws: () => draws };
}

const all = () => true;

/**
 * How often each of the first two places went to each key, and how often that was to be expected: the second place by
 * weight among those that the first has left.
 */
function firstTwo(weights: readonly number[], counts: (name: string) => boolean, rounds: number) {
  const ring = new KeyRing(keysOf(weights));
  const { random } = seeded(weights.length);
  const seen = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    const [first, second] = ring.drawn(random, counts);
    seen.set(`${first} ${second}`, (seen.get(`${first} ${second}`) ?? 0) + 1);
  }
  const weightOf = weights.map((weight, i) => (counts(`k${i}`) ? weight : 0));
  const total = weightOf.reduce((sum, weight) => sum + weight, 0);
  let chiSquare = 0;
  let cells = 0;
  for (const [i, one] of weightOf.entries()) {
    for (const [j, other] of weightOf.entries()) {
      if (i === j || one === 0 || other === 0) continue;
      const expected = (rounds * one * other) / (total * (total - one));
      chiSquare += ((seen.get(`k${i} k${j}`) ?? 0) - expected) ** 2 / expected;
      cells++;
    }
  }
  // About its mean of `cells - 1` it spreads by the root of twice that: five of these never happen by chance.
  return { seen, chiSquare, bound: cells - 1 + 5 * Math.sqrt(2 * (cells - 1)) };
}

describe("keys that are drawn", () => {
  it.each([
    ["of equal weight", [1, 1, 1, 1]],
    ["of two", [1, 9]],
    ["where one has nearly all of the weight", [1000, 1, 2, 3]],
    ["of fractions", [0.5, 0.25, 2.75]],
    ["in larger numbers", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
  ])("come first and second as often as their weights say: %s", (_, weights) => {
    const { chiSquare, bound } = firstTwo(weights, all, 40_000);
    expect(chiSquare).toBeLessThan(bound);
  });

  it("come as often as their weights say among those that count", () => {
    const counts = (name: string) => name !== "k0" && name !== "k3";
    const { seen, chiSquare, bound } = firstTwo([50, 1, 2, 50, 3], counts, 40_000);
    expect(chiSquare).toBeLessThan(bound);
    expect([...seen.keys()].filter((pair) => /k0|k3/.test(pair))).toEqual([]);
  });

  it("come once each, those without weight last and in their order", () => {
    const { random } = seeded(3);
    const ring = new KeyRing(keysOf([0, 3, 0, 1, 2]));
    for (let round = 0; round < 200; round++) {
      const names = [...ring.drawn(random, all)];
      expect(names.slice(0, 3).sort()).toEqual(["k1", "k3", "k4"]);
      expect(names.slice(3)).toEqual(["k0", "k2"]);
    }
    expect([...new KeyRing(keysOf([0, 0])).drawn(random, all)]).toEqual(["k0", "k1"]);
  });

  it("cost one draw for the first, however many there are", () => {
    const { random, draws } = seeded(4);
    const ring = new KeyRing(keysOf(Array.from({ length: 64 }, (_, i) => 1 + (i % 5))));
    for (let round = 0; round < 100; round++) ring.drawn(random, all).next();
    expect(draws()).toBe(100);
  });
});
