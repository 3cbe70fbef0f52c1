import { type Bench, type Cell, interleave, type Series } from "./bench.ts";
import { createCase, type Kind, type Path } from "./cases.ts";
import type { Load, Measured } from "./load.ts";
import { figure, milliseconds, ratioText, type Table } from "./report.ts";
import type { Server } from "./servers.ts";
import { differences, ratios, type Spread, spread } from "./spread.ts";

export const bareName = "bare pass-through";
export const againName = "bare again (A/A)";

/** Goals of the project: CPU for a request, as a multiple of what the bare pass-through takes. */
export const goals: Readonly<Record<Path, Readonly<Record<Kind, number>>>> = {
  REST: { unary: 1.6, streams: 1.25, paced: 1.3 },
  "REST translated": { unary: 1.9, streams: 2.0, paced: 1.6 },
  "Connect JSON": { unary: 2.0, streams: 1.6, paced: 1.5 },
  "Connect binary": { unary: 2.0, streams: 1.6, paced: 1.5 },
  gRPC: { unary: 2.3, streams: 1.9, paced: 1.8 },
  "gRPC-Web": { unary: 2.3, streams: 1.9, paced: 1.8 },
};

export const kindTitles: Readonly<Record<Kind, string>> = {
  unary: "Unary",
  streams: "Streams of 64 events, back to back",
  paced: "200 streams of 64 events, 20 ms apart",
};

/** A paced stream takes 1.3 s: the first ones are spread over as much, so that as many begin as end at any time. */
const pacedLoad: Partial<Load> = { connections: 200, warmSeconds: 1.5, rampSeconds: 1.26 };

export interface SpeedResult {
  readonly kind: Kind;
  readonly series: readonly Series[];
}

/** What a request costs on each path, beside the bare pass-through, which is asked in OpenAI's dialect over HTTP/1.1. */
export async function measureSpeed(
  bench: Bench,
  gateway: Server,
  { kind, paths }: { readonly kind: Kind; readonly paths: readonly Path[] },
): Promise<SpeedResult> {
  const cells = [...controls(bench, kind), ...paths.map((path) => cellOf(bench, gateway, path, kind))];
  return { kind, series: await rounds(bench, cells, kind) };
}

/** The same paths of two builds. They do the same work and no other: what a process has seen changes what it costs. */
export async function compareBuilds(
  bench: Bench,
  { gateway, older }: { readonly gateway: Server; readonly older: Server },
  { kind, paths }: { readonly kind: Kind; readonly paths: readonly Path[] },
): Promise<SpeedResult> {
  const cells = paths.flatMap((path) => {
    const older_ = cellOf(bench, older, path, kind);
    return [cellOf(bench, gateway, path, kind), { ...older_, name: olderName(path) }];
  });
  return { kind, series: await rounds(bench, [...controls(bench, kind), ...cells], kind) };
}

function olderName(path: string): string {
  return `${path}, older build`;
}

export function controls({ folder, bare }: Bench, kind: Kind): readonly Cell[] {
  const one = createCase(folder, "REST", kind);
  return [bareName, againName].map((name) => ({ name, case: one, server: bare }));
}

export function cellOf({ folder }: Bench, server: Server, path: Path, kind: Kind): Cell {
  return { name: path, case: createCase(folder, path, kind), server };
}

function rounds(bench: Bench, cells: readonly Cell[], kind: Kind): Promise<readonly Series[]> {
  const isPaced = kind === "paced";
  return interleave(bench, cells, {
    title: kindTitles[kind],
    // A round of paced streams takes twice as long and differs less from the next.
    rounds: isPaced ? Math.ceil(bench.rounds * 0.6) : bench.rounds,
    warmUpSeconds: 1.5,
    load: { seconds: bench.seconds, ...(isPaced && pacedLoad) },
  });
}

/** CPU of each round as a multiple of that of another series. */
export function cpuRatio(series: readonly Series[], name: string, base: string): Spread {
  return spread(ratios(valuesOf(series, name, cpu), valuesOf(series, base, cpu)));
}

/** The median of one figure over the rounds of a series. */
export function middle(series: readonly Series[], name: string, pick: (round: Measured) => number): number {
  return spread(valuesOf(series, name, pick)).median;
}

export function valuesOf(
  series: readonly Series[],
  name: string,
  pick: (round: Measured) => number,
): readonly number[] {
  return series.find((one) => one.name === name)?.rounds.map(pick) ?? [];
}

const cpu = (round: Measured) => round.gw_cpu_us_per_req;
const firstEvent = (round: Measured) => round.ttfb_p50_us ?? Number.NaN;

/** One line a path: its cost, what that is to the bare pass-through's, and the goal. */
export function speedTable({ kind, series }: SpeedResult): Table {
  const isStream = kind !== "unary";
  const firsts = isStream ? ["first event p50 ms", "− bare's"] : [];
  const rows = series.map(({ name }) => {
    const goal = goalOf(name, kind);
    const ratio = cpuRatio(series, name, bareName);
    const later = spread(
      differences(valuesOf(series, name, firstEvent), valuesOf(series, bareName, firstEvent)),
    ).median;
    return [
      name,
      figure(middle(series, name, cpu)),
      ratioText(ratio),
      goal === undefined ? "" : goal.toFixed(2),
      goal === undefined ? "" : ratio.median <= goal ? "yes" : "no",
      figure(middle(series, name, (round) => round.rps)),
      milliseconds(middle(series, name, (round) => round.p50_us)),
      milliseconds(middle(series, name, (round) => round.p99_us)),
      ...(isStream ? [milliseconds(middle(series, name, firstEvent)), milliseconds(later)] : []),
    ];
  });
  const what = isStream ? "stream" : "request";
  const head = [`CPU µs/${what}`, "× bare", "goal ≤", "reached", `${what}s/s`, "p50 ms", "p99 ms", ...firsts];
  return { title: kindTitles[kind], head: ["", ...head], rows };
}

/** One line a path: this build by the older one. The A/A row tells what chance alone does. */
export function buildsTable({ kind, series }: SpeedResult): Table {
  const isOlder = (name: string) => series.some((one) => one.name === olderName(name));
  const rows = series
    .filter(({ name }) => isOlder(name))
    .map(({ name }) => [
      name,
      figure(middle(series, name, cpu)),
      figure(middle(series, olderName(name), cpu)),
      ratioText(cpuRatio(series, name, olderName(name))),
      ratioText(cpuRatio(series, name, bareName)),
    ]);
  const bare = middle(series, bareName, cpu);
  const again = middle(series, againName, cpu);
  const control = [againName, figure(again), figure(bare), ratioText(cpuRatio(series, againName, bareName)), ""];
  const head = ["", "CPU µs, this build", "older build", "this ÷ older", "this × bare"];
  return { title: `${kindTitles[kind]}: two builds`, head, rows: [control, ...rows] };
}

function goalOf(name: string, kind: Kind): number | undefined {
  const found = Object.entries(goals).find(([path]) => path === name);
  return found?.[1][kind];
}
