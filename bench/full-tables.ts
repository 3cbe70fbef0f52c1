import type { AxisResult, FullResult } from "./full.ts";
import type { Measured } from "./load.ts";
import { figure, milliseconds, ratioText, type Table } from "./report.ts";
import { fitLine, ratios, type Spread, spread } from "./spread.ts";

const cpu = (round: Measured) => round.gw_cpu_us_per_req;

/** Everything of the long run. */
export function fullTables(result: FullResult): readonly Table[] {
  const tables = [...result.axes.map(axisTable), growthTable(result), featuresTable(result)];
  return tables.filter(({ rows }) => rows.length > 0);
}

/** One line a value: gateway and bare pass-through side by side. */
export function axisTable({ title, unit, what, points }: AxisResult): Table {
  const values = [...new Set(points.map(({ value }) => value))];
  const find = (value: number, subject: string) =>
    points.find((point) => point.value === value && point.subject === subject)?.rounds;
  const hasBare = points.some(({ subject }) => subject === "bare");
  const rows = values.map((value) => {
    const [rounds = [], bare] = [find(value, "gateway"), find(value, "bare")];
    const middle = (pick: (round: Measured) => number) => spread(rounds.map(pick)).median;
    return [
      value.toLocaleString("en-US"),
      figure(middle(cpu)),
      ...(hasBare ? [figure(spread((bare ?? []).map(cpu)).median), ratioText(cpuRatioOf(rounds, bare ?? []))] : []),
      figure(middle((round) => round.rps)),
      milliseconds(middle((round) => round.p50_us)),
      milliseconds(middle((round) => round.p99_us)),
      figure(middle((round) => round.rss_peak_mb)),
    ];
  });
  const bares = hasBare ? ["bare µs", "× bare"] : [];
  return { title, head: [unit, `CPU µs/${what}`, ...bares, `${what}s/s`, "p50 ms", "p99 ms", "RSS MB"], rows };
}

function cpuRatioOf(rounds: readonly Measured[], base: readonly Measured[]): Spread {
  return spread(ratios(rounds.map(cpu), base.map(cpu)));
}

/** What is to be linear, in bytes and events, and what is to be constant, in everything that is only configured. */
const linear = ["prompt", "events"];
const constant = ["models", "virtual-models", "keys"];

/** How cost grows: lines through the points that should lie on one, and last points by first ones where none should grow. */
export function growthTable({ axes }: Pick<FullResult, "axes">): Table {
  const rows = axes.flatMap((axis) => {
    if (linear.includes(axis.name)) return [linearRow(axis, "gateway"), linearRow(axis, "bare")];
    return constant.includes(axis.name) ? [constantRow(axis)] : [];
  });
  return {
    title: "How cost grows",
    head: ["", "from", "to", "CPU µs at both", "grows by", "furthest from the line"],
    rows,
  };
}

function linearRow({ title, unit, points }: AxisResult, subject: string): readonly string[] {
  const line = medians(points, subject);
  const { slope, intercept, furthest } = fitLine(line);
  const by = `${figure(intercept)} + ${figure(slope)} µs for each of the ${unit}`;
  return [`${title}, ${subject}`, ...endsOf(line), by, `${(furthest * 100).toFixed(0)} %`];
}

function constantRow({ title, points }: AxisResult): readonly string[] {
  const sorted = points.toSorted((one, other) => one.value - other.value);
  const [first, last] = [sorted[0]?.rounds ?? [], sorted.at(-1)?.rounds ?? []];
  return [title, ...endsOf(medians(points, "gateway")), `× ${ratioText(cpuRatioOf(last, first))}`, ""];
}

/** CPU of one subject along an axis. */
export function medians(
  points: AxisResult["points"],
  subject: string,
): readonly { readonly x: number; readonly y: number }[] {
  return points
    .filter((point) => point.subject === subject)
    .map(({ value, rounds }) => ({ x: value, y: spread(rounds.map(cpu)).median }))
    .toSorted((one, other) => one.x - other.x);
}

function endsOf(line: readonly { readonly x: number; readonly y: number }[]): readonly string[] {
  const [first, last] = [line[0], line.at(-1)];
  if (first === undefined || last === undefined) return ["", "", ""];
  const [from, to] = [first.x, last.x].map((x) => x.toLocaleString("en-US"));
  return [from ?? "", to ?? "", `${figure(first.y)} and ${figure(last.y)}`];
}

/** What each feature costs, as a multiple of the same without it. */
export function featuresTable({ features }: Pick<FullResult, "features">): Table {
  const rows = features
    .filter(({ name, comparedWith }) => name !== comparedWith)
    .map(({ name, comparedWith, kind, rounds }) => {
      const base = features.find((one) => one.name === comparedWith && one.kind === kind)?.rounds ?? [];
      const added = spread(rounds.map(cpu)).median - spread(base.map(cpu)).median;
      return [
        name,
        kind,
        comparedWith,
        figure(spread(rounds.map(cpu)).median),
        `${added < 0 ? "−" : "+"}${figure(Math.abs(added))}`,
        ratioText(cpuRatioOf(rounds, base)),
      ];
    });
  return { title: "Features", head: ["", "kind", "compared with", "CPU µs", "added", "×"], rows };
}
