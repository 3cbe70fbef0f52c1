import { type Bench, type Cell, interleave, type Series } from "./bench.ts";
import { createCase, type Path, paths } from "./cases.ts";
import type { Measured } from "./load.ts";
import { figure, type Table } from "./report.ts";
import type { Server } from "./servers.ts";
import { againName, bareName, valuesOf } from "./speed.ts";
import { differences, spread } from "./spread.ts";

export interface FirstByteResult {
  readonly unary: readonly Series[];
  readonly streams: readonly Series[];
}

/** How much later the first byte comes when nobody else asks: one connection, one request at a time. */
export async function measureFirstByte(bench: Bench, gateway: Server): Promise<FirstByteResult> {
  const measured = async (kind: "unary" | "streams") => {
    const cell = (name: string, server: Server, path: Path): Cell => ({
      name,
      server,
      case: createCase(bench.folder, path, kind),
    });
    const cells = [
      cell(bareName, bench.bare, "REST"),
      cell(againName, bench.bare, "REST"),
      ...paths.map((path) => cell(path, gateway, path)),
    ];
    return interleave(bench, cells, {
      title: `First byte, ${kind}`,
      rounds: Math.min(3, bench.rounds),
      warmUpSeconds: 0.3,
      load: { connections: 1, warmSeconds: 0.1, seconds: bench.seconds / 2 },
    });
  };
  return { unary: await measured("unary"), streams: await measured("streams") };
}

export function firstByteTable({ unary, streams }: FirstByteResult): Table {
  const added = (series: readonly Series[], name: string, pick: (round: Measured) => number) =>
    name === bareName
      ? spread(valuesOf(series, name, pick)).median
      : spread(differences(valuesOf(series, name, pick), valuesOf(series, bareName, pick))).median;
  const rows = unary.map(({ name }) => [
    name === bareName ? `${name}, in full` : name,
    ...[
      added(unary, name, (round) => round.p50_us),
      added(unary, name, (round) => round.p99_us),
      added(streams, name, (round) => round.ttfb_p50_us ?? Number.NaN),
      added(streams, name, (round) => round.ttfb_p99_us ?? Number.NaN),
    ].map(figure),
  ]);
  return {
    title: "First byte at low load: µs added to the bare pass-through's",
    head: ["", "unary p50 µs", "unary p99 µs", "first event p50 µs", "first event p99 µs"],
    rows,
  };
}
