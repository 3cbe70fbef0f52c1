import { type Bench, interleave, type Series } from "./bench.ts";
import type { Path } from "./cases.ts";
import { figure, milliseconds, ratioText, type Table } from "./report.ts";
import type { Server } from "./servers.ts";
import { bareName, cellOf, controls, cpuRatio, goals, middle } from "./speed.ts";

/** Requests a second for everybody: less than half of what the slowest path serves on two cores. */
const rate = 1_500;
/** At most so many requests at once. */
const connections = 256;

export interface SteadyResult {
  readonly rate: number;
  readonly series: readonly Series[];
}

/**
 * Unary requests at the same rate for all. In a closed loop each serves as many as it can: the bare pass-through keeps the
 * load generator and the mock so busy that they never sleep, and does not pay for waking them, as who serves fewer does. At
 * one rate all of them pay for the same number of wake-ups, as in front of callers that do not wait for one another.
 */
export async function measureSteady(bench: Bench, gateway: Server, paths: readonly Path[]): Promise<SteadyResult> {
  const cells = [...controls(bench, "unary"), ...paths.map((path) => cellOf(bench, gateway, path, "unary"))];
  const load = { connections, rate, warmSeconds: 0.5, seconds: bench.seconds };
  const series = await interleave(bench, cells, {
    title: "Unary at one rate",
    rounds: bench.rounds,
    warmUpSeconds: 1.5,
    load,
  });
  return { rate, series };
}

/** One line a path: its cost, and what that is to the bare pass-through's at the same rate. */
export function steadyTable({ rate: aSecond, series }: SteadyResult): Table {
  const cpu = (name: string) => middle(series, name, (round) => round.gw_cpu_us_per_req);
  const rows = series.map(({ name }) => [
    name,
    figure(cpu(name)),
    figure(cpu(name) - cpu(bareName)),
    ratioText(cpuRatio(series, name, bareName)),
    goals[name as Path]?.unary.toFixed(2) ?? "", // The names of the controls are no paths and have no goal.
    milliseconds(middle(series, name, (round) => round.p50_us)),
    milliseconds(middle(series, name, (round) => round.p99_us)),
  ]);
  const head = ["", "CPU µs/request", "− bare's", "× bare", "goal of saturation ≤", "p50 ms", "p99 ms"];
  return { title: `Unary, ${aSecond.toLocaleString("en-US")} a second for all`, head, rows };
}
