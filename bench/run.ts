import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Case, createCases, quickModel, type Subject, slowStream } from "./cases.ts";
import { type Measured, measure, measureGood } from "./load.ts";
import { renderSeries, type Series, spread, table } from "./report.ts";
import { type Server, startBare, startGateway, startMock } from "./servers.ts";

/**
 * `npm run bench`: what the gateway costs, beside a bare pass-through in the same run. The defaults take about four
 * minutes; `-- --rounds 9 --seconds 4` is for figures that are to be quoted. Rounds are interleaved, so that a busy
 * machine is busy for everybody, and the A/A row shows how far two runs of the same thing lie apart.
 * `--against <bundle>` compares an older build with this one instead.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    against: { type: "string" },
  },
});
const rounds = Number(values.rounds);
const load = { connections: 64, warmSeconds: 0.5, seconds: Number(values.seconds), requestSeconds: 30 };
const warming = { ...load, seconds: 3 };
const slowStreams = 1_000;
/** One event a second: open, and nearly idle. */
const slowModel = `${quickModel}-d1000`;
const starts = 5;
const reference = "bare pass-through";

const root = join(import.meta.dirname, "..");
const tools = join(root, ".cache/bench");
const folder = mkdtempSync(join(tmpdir(), "trunkline-bench-"));
try {
  buildEverything();
  const report = await benchmark();
  console.log(report.text);
  const results = join(root, "bench/results");
  mkdirSync(results, { recursive: true });
  const file = join(results, `${new Date().toISOString().replaceAll(":", "-")}.json`);
  writeFileSync(file, `${JSON.stringify(report.data, null, 2)}\n`);
  console.log(`\nAll rounds: ${file}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function buildEverything(): void {
  for (const tool of ["mock", "load"]) {
    execFileSync("go", ["build", "-o", join(tools, tool), "."], { cwd: join(root, "bench", tool), stdio: "inherit" });
  }
  execFileSync(process.execPath, [join(root, "build.ts")], { stdio: "inherit" });
}

async function benchmark(): Promise<{ readonly text: string; readonly data: unknown }> {
  const started: Server[] = [];
  const keep = <S extends Server>(server: S): S => {
    started.push(server);
    return server;
  };
  try {
    const upstream = keep(await startMock(join(tools, "mock")));
    const readyMs = await measureStarts(upstream);
    const bare = keep(await startBare(upstream));
    const gateway = keep(await startGateway(upstream, { models: [quickModel, slowModel], dataDir: folder }));
    const { against } = values;
    const models = [quickModel, slowModel];
    const older =
      against === undefined
        ? gateway
        : keep(await startGateway(upstream, { models, dataDir: folder, program: against }));
    const servers = { upstream, bare, gateway, older };
    const cases = createCases(folder, against !== undefined);
    const unary = await interleave("unary", cases.unary, servers);
    const stream = await interleave("64-event streams", cases.stream, servers);
    const open = await measureOpenStreams(upstream);
    const machine = `${cpus().length} cores, ${cpus()[0]?.model ?? "unknown"}, Node ${process.versions.node}`;
    const text = [
      `\n${machine}; ${load.connections} connections; ${rounds} rounds of ${load.seconds} s; medians. Metrics and master key on.`,
      renderSeries("\nUnary", { series: unary, reference, isStream: false }),
      renderSeries("\n64-event streams", { series: stream, reference, isStream: true }),
      `\n${renderRest(readyMs, open)}`,
    ].join("\n");
    return { text, data: { machine, load, rounds, unary, stream, readyMs, open } };
  } finally {
    await Promise.all(started.map((server) => server.stop()));
  }
}

async function interleave(
  title: string,
  cases: readonly Case[],
  servers: Readonly<Record<Subject, Server>>,
): Promise<readonly Series[]> {
  const measured = new Map<Case, Measured[]>(cases.map((one) => [one, []]));
  // A request costs twice as much while its code is still being compiled.
  console.log(`${title}: warming up`);
  for (const one of cases) await measureGood(join(tools, "load"), one, servers[one.subject], warming);
  for (let round = 1; round <= rounds; round++) {
    console.log(`${title}: round ${round} of ${rounds}`);
    for (const [one, series] of measured) {
      series.push(await measureGood(join(tools, "load"), one, servers[one.subject], load));
    }
  }
  return [...measured].map(([one, series]) => ({
    name: one.name,
    comparable: one.subject !== "upstream",
    rounds: series,
  }));
}

/** Time until the gateway answers for the first time. The first start has an empty compile cache. */
async function measureStarts(upstream: Server): Promise<{ readonly cold: number; readonly warm: readonly number[] }> {
  const times: number[] = [];
  for (let at = 0; at <= starts; at++) {
    const gateway = await startGateway(upstream, { models: [quickModel], dataDir: folder });
    times.push(gateway.readyMs);
    await gateway.stop();
  }
  const [cold = 0, ...warm] = times;
  return { cold, warm };
}

interface OpenStreams {
  readonly idleMb: number;
  readonly peakMb: number;
}

/** Memory of a fresh gateway with many open streams. */
async function measureOpenStreams(upstream: Server): Promise<OpenStreams> {
  console.log(`${slowStreams} open streams`);
  const gateway = await startGateway(upstream, { models: [quickModel, slowModel], dataDir: folder });
  try {
    const idle = await measure(join(tools, "load"), slowStream(folder, slowModel), gateway, {
      connections: 1,
      warmSeconds: 0.1,
      seconds: 0.5,
      requestSeconds: 2,
    });
    const busy = await measure(join(tools, "load"), slowStream(folder, slowModel), gateway, {
      connections: slowStreams,
      warmSeconds: 4,
      seconds: 6,
      requestSeconds: 15,
    });
    if (busy.errors > 0) throw new Error(`${busy.errors} streams failed: ${busy.last_error}`);
    return { idleMb: idle.rss_peak_mb, peakMb: busy.rss_peak_mb };
  } finally {
    await gateway.stop();
  }
}

function renderRest(readyMs: { readonly cold: number; readonly warm: readonly number[] }, open: OpenStreams): string {
  const warm = spread(readyMs.warm);
  return table(
    ["", "value"],
    [
      ["ready, first start ever (ms)", readyMs.cold.toFixed(0)],
      [`ready, median of ${starts} (ms)`, `${warm.median.toFixed(0)} (${warm.low.toFixed(0)}–${warm.high.toFixed(0)})`],
      ["RSS with 1 open stream (MB)", open.idleMb.toFixed(0)],
      [`RSS with ${slowStreams} open streams (MB)`, open.peakMb.toFixed(0)],
    ],
  );
}
