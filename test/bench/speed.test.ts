import { describe, expect, it } from "vitest";
import type { Series } from "../../bench/bench.ts";
import type { Measured } from "../../bench/load.ts";
import { againName, bareName, buildsTable, cpuRatio, speedTable } from "../../bench/speed.ts";

/** Rounds of one cell, by their CPU time a request. */
function series(name: string, ...cpu: readonly number[]): Series {
  return { name, rounds: cpu.map(round) };
}

function round(cpu: number): Measured {
  return {
    n: 100,
    errors: 0,
    rps: 1_000,
    p50_us: 1_000,
    p99_us: 2_000,
    p999_us: 3_000,
    ttfb_p50_us: 500 + cpu,
    gw_cpu_us_per_req: cpu,
    gw_cpu_cores: 1,
    rss_peak_mb: 100,
    load_cpu_cores: 1,
  };
}

const rounds = [series(bareName, 50, 100, 60), series(againName, 50, 110, 60), series("REST", 75, 150, 90)];

describe("the ratio to the bare pass-through", () => {
  it("is that of each round, whose median is not moved by a slow one", () => {
    expect(cpuRatio(rounds, "REST", bareName)).toEqual({ median: 1.5, low: 1.5, high: 1.5 });
  });

  it("is no number where one of the two was not measured", () => {
    expect(cpuRatio(rounds, "gRPC", bareName).median).toBeNaN();
  });
});

describe("the table of the goals", () => {
  it("says of each path whether its goal is reached, and has none for the controls", () => {
    const { rows } = speedTable({ kind: "unary", series: [...rounds, series("gRPC", 150, 300, 180)] });
    expect(rows.map((row) => [row[0], row[2], row[3], row[4]])).toEqual([
      [bareName, "1.00 (1.00–1.00)", "", ""],
      [againName, "1.00 (1.00–1.05)", "", ""],
      ["REST", "1.50 (1.50–1.50)", "1.60", "yes"],
      ["gRPC", "3.00 (3.00–3.00)", "2.30", "no"],
    ]);
  });

  it("has a row as long as its head, for streams with the first event beside bare's", () => {
    const { head, rows } = speedTable({ kind: "paced", series: rounds });
    expect(rows.map(({ length }) => length)).toEqual(rows.map(() => head.length));
    expect(rows.find(([name]) => name === "REST")?.at(-1)).toBe("0.030");
  });
});

describe("the table of two builds", () => {
  it("divides this build by the older one, below the same division of what is equal", () => {
    const { rows } = buildsTable({ kind: "unary", series: [...rounds, series("REST, older build", 150, 300, 180)] });
    expect(rows.map((row) => [row[0], row[3]])).toEqual([
      [againName, "1.00 (1.00–1.05)"],
      ["REST", "0.50 (0.50–0.50)"],
    ]);
  });
});
