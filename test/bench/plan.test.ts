import { describe, expect, it } from "vitest";
import { secondsFor } from "../../bench/peers.ts";
import { planSweep } from "../../bench/plan.ts";

const extent = { cells: 60, fixedSeconds: 60, warmSeconds: 0.4 };

/** What a plan takes, less what the load generator itself needs. */
function secondsOf({ rounds, seconds }: ReturnType<typeof planSweep>): number {
  return extent.fixedSeconds + extent.cells * rounds * (seconds + extent.warmSeconds);
}

describe("the plan of a sweep", () => {
  it.each([3, 5, 8, 15, 60])("fits %d minutes", (minutes) => {
    expect(secondsOf(planSweep(minutes, extent))).toBeLessThanOrEqual(minutes * 60);
  });

  it("takes more rounds before it takes longer ones, and then no more than five", () => {
    expect(planSweep(4, extent).rounds).toBe(2);
    expect(planSweep(8, extent).rounds).toBe(5);
    expect(planSweep(60, extent)).toEqual({ rounds: 5, seconds: 4 });
  });

  it("refuses a time in which nothing can be measured, and says what it takes", () => {
    expect(() => planSweep(1, extent)).toThrow("60 cells take at least 3 minutes.");
  });
});

describe("the time for a peer", () => {
  it("lets each connection be served, and a half more", () => {
    expect(secondsFor(96, 64)).toBe(1);
  });

  it("is bounded for those who serve next to nobody", () => {
    expect(secondsFor(0.1, 64)).toBe(8);
  });
});
