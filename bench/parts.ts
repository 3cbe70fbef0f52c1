import { type Bench, machineOf } from "./bench.ts";
import { kinds, type Path } from "./cases.ts";
import { firstByteTable, measureFirstByte } from "./first-byte.ts";
import { latencyTable, measureLatency } from "./latency.ts";
import { measureMemory, memoryTable } from "./memory.ts";
import { measureReady, readyTable } from "./ready.ts";
import type { Table } from "./report.ts";
import type { BenchResult } from "./results.ts";
import { startGateway } from "./servers.ts";
import { buildsTable, compareBuilds, measureSpeed, type SpeedResult, speedTable } from "./speed.ts";
import { measureSteady, steadyTable } from "./steady.ts";
import { measureWorkers, workersTable } from "./workers.ts";

/** Parts of a run. All but the last belong to the usual one. */
export const parts = [...kinds, "steady", "first-byte", "memory", "ready", "workers", "latency"] as const;
export type Part = (typeof parts)[number];

export const usualParts: readonly Part[] = parts.filter((part) => part !== "latency");

export interface Wish {
  readonly parts: readonly Part[];
  readonly paths: readonly Path[];
  /** Bundle of an older build: only compared with this one. */
  readonly against?: string;
}

/** Measures what is wished for, part after part. */
export async function runBench(bench: Bench, wish: Wish): Promise<BenchResult> {
  const { upstream, folder, rounds, seconds } = bench;
  const has = (part: Part) => wish.parts.includes(part);
  await using started = new AsyncDisposableStack();
  const gateway = await startGateway(upstream, { dataDir: folder });
  started.defer(gateway.stop);
  const speed: SpeedResult[] = [];
  const wishedKinds = kinds.filter(has);
  const result = { machine: machineOf(), rounds, seconds, speed, latency: [] };
  if (wish.against !== undefined) {
    const older = await startGateway(upstream, { dataDir: folder, program: wish.against });
    started.defer(older.stop);
    for (const kind of wishedKinds)
      speed.push(await compareBuilds(bench, { gateway, older }, { kind, paths: wish.paths }));
    return result;
  }
  for (const kind of wishedKinds) speed.push(await measureSpeed(bench, gateway, { kind, paths: wish.paths }));
  return {
    ...result,
    ...(has("steady") && { steady: await measureSteady(bench, gateway, wish.paths) }),
    ...(has("first-byte") && { firstByte: await measureFirstByte(bench, gateway) }),
    ...(has("memory") && { memory: await measureMemory(bench) }),
    ...(has("ready") && { ready: await measureReady(bench) }),
    ...(has("workers") && { workers: await measureWorkers(bench) }),
    latency: has("latency")
      ? [await measureLatency(bench, gateway, "unary"), await measureLatency(bench, gateway, "streams")]
      : [],
  };
}

/** What was measured, in the order in which it is read. */
export function tablesOf(result: BenchResult, isComparison: boolean): readonly Table[] {
  return [
    ...result.speed.map(isComparison ? buildsTable : speedTable),
    ...(result.steady ? [steadyTable(result.steady)] : []),
    ...(result.firstByte ? [firstByteTable(result.firstByte)] : []),
    ...(result.memory ? [memoryTable(result.memory)] : []),
    ...(result.ready ? [readyTable(result.ready)] : []),
    ...(result.workers ? [workersTable(result.workers)] : []),
    ...result.latency.map(latencyTable),
  ];
}
