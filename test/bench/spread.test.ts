import { describe, expect, it } from "vitest";
import { differences, fitLine, ratios, spread } from "../../bench/spread.ts";

describe("spread", () => {
  it("is the middle and the middle half, whatever the order", () => {
    expect(spread([5, 1, 4, 2, 3])).toEqual({ median: 3, low: 2, high: 4 });
  });

  it("lies between the two nearest values of an even number", () => {
    expect(spread([1, 2, 3, 4])).toEqual({ median: 2.5, low: 1.75, high: 3.25 });
  });

  it("of one value is that value, and of none is no number", () => {
    expect(spread([7])).toEqual({ median: 7, low: 7, high: 7 });
    expect(spread([]).median).toBeNaN();
  });
});

describe("ratios and differences", () => {
  it("compare values of the same round, so that a slow round is slow for both", () => {
    expect(ratios([20, 60], [10, 30])).toEqual([2, 2]);
    expect(differences([20, 60], [10, 30])).toEqual([10, 30]);
  });

  it("leave out rounds that one side lacks, and those that took no time", () => {
    expect(ratios([20, 60, 80], [0, 30])).toEqual([2]);
    expect(differences([20, 60], [])).toEqual([]);
  });
});

describe("fitLine", () => {
  it("finds the line that points lie on", () => {
    const { slope, intercept, furthest } = fitLine([1, 10, 100, 1_000].map((x) => ({ x, y: 50 + 3 * x })));
    expect(slope).toBeCloseTo(3);
    expect(intercept).toBeCloseTo(50);
    expect(furthest).toBeCloseTo(0);
  });

  it("tells how far the worst point lies off, as a share", () => {
    const points = [1, 2, 3, 4].map((x) => ({ x, y: x === 4 ? 80 : 10 * x }));
    expect(fitLine(points).furthest).toBeGreaterThan(0.2);
  });

  it("lets the small points count as much as the large ones", () => {
    const line = fitLine([
      { x: 1, y: 100 },
      { x: 2, y: 101 },
      { x: 1_000, y: 1_500 },
    ]);
    expect(line.intercept + line.slope).toBeCloseTo(100, 0);
  });
});
