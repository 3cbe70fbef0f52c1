import { parseArgs } from "node:util";
import { type Axis, createAxes, type Point, sweptModels } from "./axes.ts";
import { type Bench, type Cell, interleave, type Machine, machineOf, machineText, say, withBench } from "./bench.ts";
import { features, startFeatures } from "./features.ts";
import { fullTables } from "./full-tables.ts";
import { type Measured, usualLoad } from "./load.ts";
import { overheadSeconds, type Plan, planSweep } from "./plan.ts";
import { textOf } from "./report.ts";
import { writeResult } from "./results.ts";
import { type Server, startGateway } from "./servers.ts";

export interface AxisResult extends Pick<Axis, "name" | "title" | "unit" | "what"> {
  readonly points: readonly (Point & { readonly rounds: readonly Measured[] })[];
}

export interface FeatureResult {
  readonly name: string;
  readonly comparedWith: string;
  readonly kind: "unary" | "streams";
  readonly rounds: readonly Measured[];
}

export interface FullResult {
  readonly machine: Machine;
  readonly rounds: number;
  readonly seconds: number;
  readonly axes: readonly AxisResult[];
  readonly features: readonly FeatureResult[];
}

/** Before the first round, for each point: less where the gateway is warm already. Seconds. */
const [warmAgain, warmFresh] = [0.3, 1];
/** A gateway that only one feature warms up. */
const warmAlone = 3;
/** To start a server, stop it, and for the last words of the load generator. Seconds. */
const startSeconds = 0.8;

/** Axes by name, and "features". */
type Wanted = (name: string) => boolean;

/** The rounds and seconds with which all wanted points fit the time. */
export function planOf(minutes: number, isWanted: Wanted): Plan {
  const axes = createAxes().filter(({ name }) => isWanted(name));
  const points = (axis: Axis) => axis.values.length * axis.subjects.length;
  const featureCells = isWanted("features") ? features.reduce((sum, { kinds }) => sum + kinds.length, 0) : 0;
  const fresh = axes
    .filter(({ startsServers }) => startsServers)
    .reduce((sum, axis) => sum + points(axis), featureCells);
  const again = axes.filter(({ startsServers }) => !startsServers).reduce((sum, axis) => sum + points(axis), 0);
  const alone = features.filter(({ ownGateway }) => ownGateway !== undefined).length * 2;
  const warming = usualLoad.warmSeconds + overheadSeconds;
  const fixedSeconds =
    fresh * (warmFresh + warming + startSeconds) + alone * (warmAlone - warmFresh) + again * (warmAgain + warming) + 15;
  // Some points have to be loaded for longer before they are measured.
  return planSweep(minutes, { cells: fresh + again, fixedSeconds, warmSeconds: usualLoad.warmSeconds + 0.15 });
}

/** Each quantity by itself, and each feature by itself. */
export async function measureFull(bench: Bench, isWanted: Wanted): Promise<FullResult> {
  const axes: AxisResult[] = [];
  {
    await using started = new AsyncDisposableStack();
    const keep = (server: Server) => {
      started.defer(server.stop);
      return server;
    };
    const gateway = keep(await startGateway(bench.upstream, { dataDir: bench.folder, models: sweptModels }));
    for (const axis of createAxes()) if (isWanted(axis.name)) axes.push(await measureAxis(bench, axis, gateway));
  }
  const { rounds, seconds } = bench;
  return {
    machine: machineOf(),
    rounds,
    seconds,
    axes,
    features: isWanted("features") ? await measureFeatures(bench) : [],
  };
}

async function measureAxis(bench: Bench, axis: Axis, gateway: Server): Promise<AxisResult> {
  await using started = new AsyncDisposableStack();
  const keep = (server: Server) => {
    started.defer(server.stop);
    return server;
  };
  const points = await axis.cells(bench, { gateway, keep });
  const cells = points.map((point) => ({ ...point, name: `${axis.title} ${point.value}, ${point.subject}` }));
  const series = await interleave(bench, cells, {
    title: axis.title,
    rounds: bench.rounds,
    warmUpSeconds: axis.startsServers ? warmFresh : warmAgain,
    load: { seconds: bench.seconds },
  });
  const { name, title, unit, what } = axis;
  const measured = points.map(({ value, subject }, at) => ({ value, subject, rounds: series[at]?.rounds ?? [] }));
  return { name, title, unit, what, points: measured };
}

/** All features at once: what is compared was measured in the same round. */
async function measureFeatures(bench: Bench): Promise<readonly FeatureResult[]> {
  await using started = new AsyncDisposableStack();
  const results: Omit<FeatureResult, "rounds">[] = [];
  const cells: Cell[] = [];
  say("starting the gateways of the features");
  const keep = (server: Server) => {
    started.defer(server.stop);
    return server;
  };
  for (const { feature, server, caseOf } of await startFeatures(bench, keep)) {
    const { name, comparedWith } = feature;
    for (const kind of feature.kinds) {
      results.push({ name, comparedWith, kind });
      cells.push({
        name: `${name}, ${kind}`,
        server,
        case: caseOf(kind),
        ...(feature.ownGateway && { warmUpSeconds: warmAlone }),
      });
    }
  }
  const load = { seconds: bench.seconds };
  const series = await interleave(bench, cells, {
    title: "Features",
    rounds: bench.rounds,
    warmUpSeconds: warmFresh,
    load,
  });
  return results.map((result, at) => ({ ...result, rounds: series[at]?.rounds ?? [] }));
}

/**
 * `npm run bench:full`: how cost changes with load, sizes, configuration and features. `-- --minutes 20` for more rounds,
 * `--only prompt,events,features` for some of it.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" }, only: { type: "string" } } });
  const wanted = values.only?.split(",");
  const isWanted = (name: string) => wanted?.includes(name) ?? true;
  const plan = planOf(Number(values.minutes), isWanted);
  const result = await withBench(plan, (bench) => measureFull(bench, isWanted));
  const about = `${machineText(result.machine)}; ${plan.rounds} rounds of ${plan.seconds} s; medians (middle half).`;
  console.log([about, ...fullTables(result).map(textOf)].join("\n\n"));
  console.log(`\nAll rounds: ${writeResult("full", result)}`);
}

if (import.meta.main) await main();
