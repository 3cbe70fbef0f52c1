import { parseArgs } from "node:util";
import { type Bench, machineOf, machineText, withBench } from "./bench.ts";
import { kinds, type Path, paths } from "./cases.ts";
import { firstByteTable, measureFirstByte } from "./first-byte.ts";
import { latencyTable, measureLatency } from "./latency.ts";
import { measureMemory, memoryTable } from "./memory.ts";
import { measureReady, readyTable } from "./ready.ts";
import { type Table, textOf } from "./report.ts";
import { type BenchResult, writeResult } from "./results.ts";
import { startGateway } from "./servers.ts";
import { buildsTable, compareBuilds, measureSpeed, type SpeedResult, speedTable } from "./speed.ts";
import { measureWorkers, workersTable } from "./workers.ts";

/** Parts of a run. All but the last belong to the usual one. */
const parts = [...kinds, "first-byte", "memory", "ready", "workers", "latency"] as const;
type Part = (typeof parts)[number];

export const usualParts: readonly Part[] = parts.filter((part) => part !== "latency");
export const allParts: readonly Part[] = parts;

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
    ...(result.firstByte ? [firstByteTable(result.firstByte)] : []),
    ...(result.memory ? [memoryTable(result.memory)] : []),
    ...(result.ready ? [readyTable(result.ready)] : []),
    ...(result.workers ? [workersTable(result.workers)] : []),
    ...result.latency.map(latencyTable),
  ];
}

const help = `npm run bench -- [options]: what the gateway costs, beside a bare pass-through in the same rounds.

--only <parts>      of ${parts.join(", ")}; all but the last by default
--paths <paths>     of ${paths.join(", ")}; all by default
--rounds <number>   interleaved rounds; 5 by default, 9 and more for figures that are to be quoted
--seconds <number>  of each measurement; 1.2 by default
--against <bundle>  compares another build (its dist/trunkline.mjs) with this one, on all paths
--publish           measures everything and renews docs/benchmarks.md, in less than 25 minutes
--minutes <number>  of those for the sweeps; 8 by default
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      paths: { type: "string" },
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "1.2" },
      minutes: { type: "string", default: "8" },
      against: { type: "string" },
      publish: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(help);
  const options = { rounds: Number(values.rounds), seconds: Number(values.seconds) };
  if (values.publish) {
    // Loaded only then: it brings the peers and the charts.
    const { publish } = await import("./publish.ts");
    return publish({ ...options, minutes: Number(values.minutes) });
  }
  const { against } = values;
  const wish = {
    parts: values.only === undefined ? usualParts : chosen(values.only, parts),
    paths: values.paths === undefined ? paths : chosen(values.paths, paths),
    ...(against !== undefined && { against }),
  };
  const result = await withBench(options, (bench) => runBench(bench, wish));
  const tables = tablesOf(result, against !== undefined).map(textOf);
  const about = `${machineText(result.machine)}; ${options.rounds} rounds of ${options.seconds} s; medians (middle half).`;
  console.log([about, ...tables].join("\n\n"));
  console.log(`\nAll rounds: ${writeResult("bench", result)}`);
}

function chosen<T extends string>(list: string, known: readonly T[]): readonly T[] {
  return list.split(",").map((wanted) => {
    const found = known.find((one) => one.toLowerCase() === wanted.trim().toLowerCase());
    if (found === undefined) throw new Error(`"${wanted}" is none of ${known.join(", ")}.`);
    return found;
  });
}

if (import.meta.main) await main();
