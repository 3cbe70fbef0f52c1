import { kinds, paths } from "./cases.ts";
import { type Bar, drawBars, drawLines } from "./chart-svg.ts";
import type { AxisResult, FullResult } from "./full.ts";
import { medians } from "./full-tables.ts";
import type { LatencyResult } from "./latency.ts";
import type { Measured } from "./load.ts";
import type { PeersResult } from "./peers.ts";
import { figure } from "./report.ts";
import type { BenchResult, Published } from "./results.ts";
import { bareName, cpuRatio, goals, kindTitles, valuesOf } from "./speed.ts";
import { spread } from "./spread.ts";

/** The charts of a published run, by file name. */
export function drawCharts({ bench, full, peers }: Published): Readonly<Record<string, string>> {
  const [unary] = bench.latency;
  const connections = axisOf(full, "connections-unary");
  return {
    "speed.svg": speedChart(bench),
    ...(unary && { "latency.svg": latencyChart(unary) }),
    "peers.svg": peersChart(peers),
    ...(connections && { "connections.svg": connectionsChart(connections) }),
    ...growthCharts(full),
  };
}

function speedChart({ speed }: BenchResult): string {
  return drawBars({
    title: "CPU for a request, as a multiple of the bare pass-through's",
    axis: "× bare pass-through (median; the thin line is the middle half of the rounds)",
    isLog: false,
    legend: kinds.map((kind) => kindTitles[kind]),
    mark: "goal",
    groups: paths.map((path) => ({
      name: path,
      bars: kinds.map((kind) => {
        const ratio = cpuRatio(speed.find((one) => one.kind === kind)?.series ?? [], path, bareName);
        return {
          value: ratio.median,
          low: ratio.low,
          high: ratio.high,
          mark: goals[path][kind],
          text: ratio.median.toFixed(2),
        };
      }),
    })),
  });
}

function latencyChart({ points, saturation }: LatencyResult): string {
  const middle = (pick: (round: Measured) => number, name: string) =>
    points
      .filter((point) => point.name === name)
      .map(({ share, rounds }) => ({ x: share * 100, y: spread(rounds.map(pick)).median / 1_000 }));
  const [p50, p99] = [(round: Measured) => round.p50_us, (round: Measured) => round.p99_us];
  return drawLines({
    title: "Latency under load, whole answers, open loop",
    xAxis: `load, % of ${saturation.toFixed(0)} requests a second`,
    yAxis: "ms from when a request was due",
    isXLog: false,
    isYLog: false,
    series: [
      { name: "gateway p50", points: middle(p50, "gateway") },
      { name: "gateway p99", points: middle(p99, "gateway") },
      { name: "bare p50", points: middle(p50, "bare") },
      { name: "bare p99", points: middle(p99, "bare") },
    ],
  });
}

function peersChart({ kinds: measured, peers }: PeersResult): string {
  const bar = (kind: "unary" | "streams", name: string): Bar => {
    const series = measured.find((one) => one.kind === kind)?.series ?? [];
    const { median, low, high } = spread(valuesOf(series, name, (round) => round.gw_cpu_us_per_req));
    return { value: median, low, high, text: figure(median) };
  };
  const present = peers.filter(({ missing }) => missing === undefined).map(({ name }) => name);
  return drawBars({
    title: "CPU for a request, in front of the same provider",
    axis: "µs of CPU (each line of the grid is ten times the one before)",
    isLog: true,
    legend: ["whole answer", "stream of 64 events"],
    groups: present
      .map((name) => ({ name, bars: [bar("unary", name), bar("streams", name)] }))
      .toSorted((one, other) => (one.bars[0]?.value ?? 0) - (other.bars[0]?.value ?? 0)),
  });
}

function connectionsChart({ points }: AxisResult): string {
  const rps = (subject: string) =>
    points
      .filter((point) => point.subject === subject)
      .map(({ value, rounds }) => ({ x: value, y: spread(rounds.map((round) => round.rps)).median }));
  return drawLines({
    title: "Served a second, by connections",
    xAxis: "connections, each with one request at a time",
    yAxis: "requests a second",
    isXLog: true,
    isYLog: false,
    series: [
      { name: "gateway", points: rps("gateway") },
      { name: "bare pass-through", points: rps("bare") },
    ],
  });
}

function growthCharts(full: FullResult): Readonly<Record<string, string>> {
  const grown = [
    { name: "prompt", title: "Cost of a prompt", xAxis: "KiB of prompt" },
    { name: "events", title: "Cost of a stream", xAxis: "events of the stream" },
  ].flatMap(({ name, title, xAxis }) => {
    const axis = axisOf(full, name);
    if (axis === undefined) return [];
    const series = [
      { name: "gateway", points: medians(axis.points, "gateway") },
      { name: "bare pass-through", points: medians(axis.points, "bare") },
    ];
    const chart = { title, xAxis, yAxis: "µs of CPU", isXLog: true, isYLog: true, series };
    return [[`growth-${name}.svg`, drawLines(chart)] as const];
  });
  const configured = ["models", "virtual-models", "keys"].flatMap((name) => axisOf(full, name) ?? []);
  const constant = drawLines({
    title: "Cost of a request, by how much is configured",
    xAxis: "configured",
    yAxis: "µs of CPU for a request",
    isXLog: true,
    isYLog: false,
    series: configured.map(({ title, points }) => ({ name: title, points: medians(points, "gateway") })),
  });
  return { ...Object.fromEntries(grown), ...(configured.length > 0 && { "growth-configured.svg": constant }) };
}

function axisOf({ axes }: FullResult, name: string): AxisResult | undefined {
  return axes.find((axis) => axis.name === name);
}
