import { describe, expect, it } from "vitest";
import { linearScale, logScale, tickText } from "../../bench/chart-scale.ts";
import { drawBars, drawLines } from "../../bench/chart-svg.ts";

describe("a linear scale", () => {
  it.each([
    [5.4, [0, 1, 2, 3, 4, 5, 6]],
    [0.9, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [16_485, [0, 5_000, 10_000, 15_000, 20_000]],
    [6, [0, 1, 2, 3, 4, 5, 6]],
  ])("to %d has round steps from zero to beyond it", (most, ticks) => {
    expect(linearScale(most, 100).ticks).toEqual(ticks);
  });

  it("places values in proportion, the last tick at its end", () => {
    const scale = linearScale(6, 300);
    expect([0, 3, 6].map(scale.at)).toEqual([0, 150, 300]);
  });
});

describe("a logarithmic scale", () => {
  it("begins with the power of ten below all values and ends with the largest", () => {
    const scale = logScale([17, 53_000], 100);
    expect(scale.ticks).toEqual([10, 100, 1_000, 10_000]);
    expect([scale.at(10), scale.at(53_000)]).toEqual([0, 100]);
  });

  it("gives each power of ten the same length, and one value a scale of its own", () => {
    const scale = logScale([1, 1_000], 300);
    expect([1, 10, 100, 1_000].map((value) => Math.round(scale.at(value)))).toEqual([0, 100, 200, 300]);
    expect(logScale([10], 100).ticks).toEqual([10, 100]);
  });
});

it("writes ticks without digits that say nothing", () => {
  expect([0, 0.5, 12_000].map(tickText)).toEqual(["0", "0.5", "12,000"]);
});

describe("a chart", () => {
  const bars = drawBars({
    title: "Cost <of> & all",
    axis: "× bare",
    isLog: false,
    legend: ["unary"],
    mark: "goal",
    groups: [{ name: "REST", bars: [{ value: 3, low: 2.5, high: 3.5, mark: 1.5, text: "3.00" }] }],
  });

  it("draws a bar as long as its value, with the middle half and the goal on it", () => {
    // 640 units are the axis from 0 to 4.
    expect(bars).toMatch(/<rect x="150" y="85" width="480" height="12" class="fill1"\/>/);
    expect(bars).toMatch(/<line x1="550" [^>]*x2="710" [^>]*class="spread"/);
    expect(bars).toMatch(/<line x1="390" [^>]*class="goal"/);
  });

  it("names its axes, and escapes what it writes", () => {
    expect(bars).toContain(">× bare<");
    expect(bars).toContain(">Cost &lt;of> &amp; all<");
  });

  it("has colours for light and for dark pages", () => {
    expect(bars).toContain("@media (prefers-color-scheme: dark)");
  });

  it("draws a line through its points, upwards from below", () => {
    const svg = drawLines({
      title: "Growth",
      xAxis: "events",
      yAxis: "µs",
      isXLog: true,
      isYLog: false,
      series: [
        {
          name: "gateway",
          points: [
            { x: 1, y: 0 },
            { x: 10, y: 3 },
            { x: 100, y: 6 },
          ],
        },
      ],
    });
    expect(svg).toContain('<polyline points="150,384 470,234 790,84" class="line1"/>');
    expect(svg).toContain(">events<");
    expect(svg).toContain(">µs<");
  });
});
