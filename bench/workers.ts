import { spawnSync } from "node:child_process";
import { type Bench, interleave, type Series } from "./bench.ts";
import { createCase } from "./cases.ts";
import type { Measured } from "./load.ts";
import { figure, ratioText, type Table } from "./report.ts";
import { bundle, type Server, startBare, startGateway } from "./servers.ts";
import { bareName, middle, valuesOf } from "./speed.ts";
import { ratios, type Spread, spread } from "./spread.ts";

const workers = 2;
const gatewayName = "gateway";
const kindsHere = ["unary", "streams"] as const;
/** Goals of the project: requests or streams a second of two workers, as a share of what two bare workers reach. */
const goals = { unary: 0.65, streams: 0.75 } as const;

export interface WorkersResult {
  /** Why nothing was measured. */
  readonly missing?: string;
  readonly unary: readonly Series[];
  readonly streams: readonly Series[];
}

/** Two workers of the gateway beside two workers of the bare pass-through: what saturated machines serve. */
export async function measureWorkers(bench: Bench): Promise<WorkersResult> {
  if (!hasWorkers()) return { missing: "this build has no `serve --workers`", unary: [], streams: [] };
  await using started = new AsyncDisposableStack();
  const bare = await startBare(bench.upstream, { workers });
  started.defer(bare.stop);
  const gateway = await startWorkers(bench, workers);
  started.defer(gateway.stop);
  const measured = (kind: (typeof kindsHere)[number]) => {
    const one = createCase(bench.folder, "REST", kind);
    const cells = [
      { name: bareName, case: one, server: bare },
      { name: gatewayName, case: one, server: gateway },
    ];
    // Machines that are all busy differ less from round to round, and a default run has six minutes.
    const rounds = Math.min(3, bench.rounds);
    const load = { connections: 128, seconds: bench.seconds };
    return interleave(bench, cells, { title: `Two workers, ${kind}`, rounds, warmUpSeconds: 2, load });
  };
  return { unary: await measured("unary"), streams: await measured("streams") };
}

/** Whether the bundle can share its work among processes. */
export function hasWorkers(): boolean {
  const { stdout } = spawnSync(process.execPath, [bundle, "serve", "--help"], { encoding: "utf8" });
  return stdout.includes("--workers");
}

export function startWorkers({ upstream, folder }: Bench, count: number): Promise<Server> {
  return startGateway(upstream, { dataDir: folder, options: ["--workers", String(count)] });
}

const rps = (round: Measured) => round.rps;

/** Served a second, as a share of the bare pass-through's in the same round. */
function workersShare(series: readonly Series[]): Spread {
  return spread(ratios(valuesOf(series, gatewayName, rps), valuesOf(series, bareName, rps)));
}

export function workersTable(result: WorkersResult): Table {
  const title = "Two workers: served a second";
  const head = ["", "bare", "gateway", "gateway ÷ bare", "goal ≥", "reached"];
  if (result.missing !== undefined) return { title, head, rows: [], note: `Not measured: ${result.missing}.` };
  const rows = kindsHere.map((kind) => {
    const series = result[kind];
    const share = workersShare(series);
    const seen = [middle(series, bareName, rps), middle(series, gatewayName, rps)].map(figure);
    const isReached = share.median >= goals[kind] ? "yes" : "no";
    return [kind === "unary" ? "requests" : "streams", ...seen, ratioText(share), goals[kind].toFixed(2), isReached];
  });
  return { title, head, rows };
}
