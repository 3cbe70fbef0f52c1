import { describe, expect, it } from "vitest";
import { backoffMs } from "../../src/routing/backoff.ts";
import { budgets, RetryBudget } from "../../src/routing/retry-budget.ts";
import { createFakeClock } from "../fakes/clock.ts";

describe("back-off", () => {
  it("spreads evenly between nothing and a ceiling that doubles up to 8 s", () => {
    expect([0, 1, 2, 3, 4, 5, 6, 100].map((retry) => backoffMs(retry, () => 1))).toEqual([
      250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000,
    ]);
    expect(backoffMs(3, () => 0)).toBe(0);
    expect(backoffMs(3, () => 0.25)).toBe(500);
  });
});

describe("a retry budget", () => {
  const spent = (budget: RetryBudget) => {
    let count = 0;
    while (count < 10_000 && budget.spend()) count++;
    return count;
  };

  it("allows three retries a second over ten seconds to a gateway without traffic", () => {
    const clock = createFakeClock();
    expect(spent(new RetryBudget(clock, 0.1))).toBe(30);
  });

  it("adds a share of the requests of the last ten seconds", () => {
    const clock = createFakeClock();
    const budget = new RetryBudget(clock, 0.1);
    for (let i = 0; i < 1_000; i++) budget.earn();
    expect(spent(budget)).toBe(130);
    expect(budget.spend()).toBe(false);
  });

  it("forgets what is older than ten seconds, retries and requests alike", () => {
    const clock = createFakeClock();
    const budget = new RetryBudget(clock, 0.1);
    for (let i = 0; i < 1_000; i++) budget.earn();
    expect(spent(budget)).toBe(130);
    clock.advance(9_000);
    expect(budget.spend()).toBe(false);
    clock.advance(1_000);
    expect(spent(budget)).toBe(30);
    clock.advance(1_000_000);
    expect(spent(budget)).toBe(30);
  });

  it("is one for each instance: the outage of one takes no retries of another", () => {
    const budgetOf = budgets(createFakeClock(), 0);
    expect(spent(budgetOf("a"))).toBe(30);
    expect(spent(budgetOf("b"))).toBe(30);
    expect(spent(budgetOf("a"))).toBe(0);
  });
});
