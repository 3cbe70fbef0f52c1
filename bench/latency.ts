import { type Bench, say } from "./bench.ts";
import { createCase } from "./cases.ts";
import { type Measured, measure, measureGood, usualLoad } from "./load.ts";
import { milliseconds, type Table } from "./report.ts";
import type { Server } from "./servers.ts";
import { spread } from "./spread.ts";

const shares = [0.25, 0.5, 0.75] as const;
/** At most so many requests at once; those beyond wait, and their wait counts. */
const connections = 1_024;

export interface LatencyResult {
  readonly kind: "unary" | "streams";
  /** Requests a second of a closed loop with 64 connections. */
  readonly saturation: number;
  readonly points: readonly LatencyPoint[];
}

export interface LatencyPoint {
  readonly share: number;
  readonly rate: number;
  readonly name: "bare" | "gateway";
  readonly rounds: readonly Measured[];
}

/**
 * Latency under load, in an open loop: requests start when they are due, as those of independent callers do, and not when
 * an earlier one has been answered. A latency counts from when its request was due. Bare and gateway get the same rates.
 */
export async function measureLatency(bench: Bench, gateway: Server, kind: "unary" | "streams"): Promise<LatencyResult> {
  const { loadProgram, folder, bare } = bench;
  const one = createCase(folder, "REST", kind);
  const saturated = { ...usualLoad, seconds: bench.seconds * 2 };
  say(`Latency under load, ${kind}: warming up`);
  for (const server of [bare, gateway]) await measureGood(loadProgram, one, server, { ...usualLoad, seconds: 2 });
  const saturation = (await measureGood(loadProgram, one, gateway, saturated)).rps;
  const subjects = [
    { name: "bare", server: bare },
    { name: "gateway", server: gateway },
  ] as const;
  const points = new Map(
    shares.flatMap((share) =>
      subjects.map(
        (subject) => [{ share, rate: Math.round(saturation * share), ...subject }, [] as Measured[]] as const,
      ),
    ),
  );
  const rounds = Math.min(3, bench.rounds);
  for (let round = 1; round <= rounds; round++) {
    say(`Latency under load, ${kind}: round ${round} of ${rounds}`);
    for (const [{ server, rate }, series] of points) {
      const load = { ...usualLoad, connections, warmSeconds: 0.5, seconds: bench.seconds * 2, rate };
      series.push(await measure(loadProgram, one, server, load));
    }
  }
  const measured = [...points].map(([{ share, rate, name }, series]) => ({ share, rate, name, rounds: series }));
  return { kind, saturation, points: measured };
}

export function latencyTable({ kind, saturation, points }: LatencyResult): Table {
  const middle = (rounds: readonly Measured[], pick: (round: Measured) => number | undefined) =>
    spread(rounds.map((round) => pick(round) ?? Number.NaN)).median;
  const rows = points.map(({ share, rate, name, rounds }) => [
    `${share * 100} %, ${name}`,
    rate.toLocaleString("en-US"),
    milliseconds(middle(rounds, (round) => round.p50_us)),
    milliseconds(middle(rounds, (round) => round.p99_us)),
    milliseconds(middle(rounds, (round) => round.p999_us)),
    ...(kind === "streams" ? [milliseconds(middle(rounds, (round) => round.ttfb_p99_us))] : []),
    String(rounds.reduce((sum, { errors, unfinished = 0 }) => sum + errors + unfinished, 0)),
  ]);
  const firsts = kind === "streams" ? ["first event p99 ms"] : [];
  return {
    title: `Latency under load, ${kind}: shares of ${saturation.toFixed(0)} a second`,
    head: ["", "a second", "p50 ms", "p99 ms", "p99.9 ms", ...firsts, "failed"],
    rows,
  };
}
