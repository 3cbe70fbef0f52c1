import { describe, expect, it } from "vitest";
import { metricTable } from "../../src/telemetry/metric-table.ts";
import { Tally } from "../../src/telemetry/tally.ts";

describe("a tally", () => {
  it("adds counters and gauges up by their labels", () => {
    const tally = new Tally();
    tally.record("inFlight", 1, { "gen_ai.operation.name": "chat", "trunkline.protocol": "rest" });
    tally.record("inFlight", 1, { "gen_ai.operation.name": "chat", "trunkline.protocol": "grpc" });
    tally.record("inFlight", -1, { "trunkline.protocol": "rest", "gen_ai.operation.name": "chat" });
    expect(tally.series("inFlight").map(({ value }) => value)).toEqual([0, 1]);
  });

  it("tells an absent label from an empty one", () => {
    const tally = new Tally();
    tally.record("clientDuration", 1, { "error.type": "" });
    tally.record("clientDuration", 1, {});
    expect(tally.series("clientDuration")).toHaveLength(2);
  });

  it("counts a value in the first bucket whose bound it does not pass", () => {
    const tally = new Tally();
    const { buckets } = metricTable.overhead;
    const bound = buckets[3] ?? Number.NaN;
    for (const value of [0, bound, bound + 1e-9, 1e9]) tally.record("overhead", value, {});
    const [series] = tally.series("overhead");
    const expected = Array(buckets.length + 1).fill(0);
    expected[0] = 1;
    expected[3] = 1;
    expected[4] = 1;
    expected[buckets.length] = 1;
    expect(series?.distribution).toEqual({ count: 4, sum: bound + bound + 1e-9 + 1e9, buckets: expected });
  });

  it("loses no record, however many come before anybody looks", () => {
    const tally = new Tally();
    for (let i = 0; i < 100_000; i++) tally.record("retriesRefused", 1, { "trunkline.instance": "a" });
    expect(tally.series("retriesRefused").map(({ value }) => value)).toEqual([100_000]);
  });

  it("adds up in one series what comes after the 2,000th, so that labels cannot fill the memory", () => {
    const tally = new Tally();
    for (let i = 0; i < 5_000; i++) tally.record("retriesRefused", 1, { "trunkline.instance": `i${i}` });
    const series = tally.series("retriesRefused");
    expect(series).toHaveLength(2_001);
    expect(series.at(-1)).toMatchObject({ labels: { "otel.metric.overflow": "true" }, value: 3_000 });
  });
});
