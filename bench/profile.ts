import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildGo, root } from "./bench.ts";
import { createCase, kinds, paths } from "./cases.ts";
import { measureGood, usualLoad } from "./load.ts";
import { table } from "./report.ts";
import { startBare, startGateway, startMock } from "./servers.ts";

/**
 * `npm run profile -- --path REST [--kind streams]`: where the microseconds of one path go. The gateway runs from its
 * source, so that functions have the names and files they were written with. `--path bare` is the bare pass-through.
 */
const { values } = parseArgs({
  options: {
    path: { type: "string", default: "REST" },
    kind: { type: "string", default: "unary" },
    seconds: { type: "string", default: "8" },
    top: { type: "string", default: "40" },
  },
});

interface Frame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: Frame;
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const folder = mkdtempSync(join(tmpdir(), "trunkline-profile-"));
try {
  await profile();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function profile(): Promise<void> {
  const [mock, loadProgram] = [buildGo("mock"), buildGo("load")];
  const isBare = values.path === "bare";
  const path = isBare ? "REST" : paths.find((one) => one === values.path);
  const kind = kinds.find((one) => one === values.kind);
  if (path === undefined || kind === undefined)
    throw new Error(`--path is bare or one of ${paths.join(", ")}, --kind one of ${kinds.join(", ")}.`);
  const one = createCase(folder, path, kind);
  const upstream = await startMock(mock);
  const flags = ["--cpu-prof", `--cpu-prof-dir=${folder}`];
  const options = { dataDir: folder, program: join(root, "src/main.ts"), flags };
  const gateway = await (isBare ? startBare(upstream, { flags }) : startGateway(upstream, options));
  const load = { ...usualLoad, warmSeconds: 3, seconds: Number(values.seconds) };
  const measured = await measureGood(loadProgram, one, gateway, load);
  await gateway.stop();
  await upstream.stop();
  const file = readdirSync(folder).find((name) => name.endsWith(".cpuprofile"));
  if (file === undefined) throw new Error("Node wrote no profile.");
  const { groups, functions, within } = summarize(JSON.parse(readFileSync(join(folder, file), "utf8")));
  const cpu = measured.gw_cpu_us_per_req;
  console.log(`${values.path}, ${kind}: ${cpu.toFixed(0)} µs of CPU a request, profiled\n`);
  const rows = (shares: ReadonlyMap<string, number>, count: number) =>
    [...shares]
      .sort(([, one], [, other]) => other - one)
      .slice(0, count)
      .map(([name, share]) => [name, `${(share * 100).toFixed(1)} %`, (share * cpu).toFixed(1)]);
  console.log(table(["where", "share", "µs"], rows(groups, 30)));
  console.log(`\n${table(["function, by itself", "share", "µs"], rows(functions, Number(values.top)))}`);
  console.log(`\n${table(["function, with what it calls", "share", "µs"], rows(within, Number(values.top)))}`);
}

/** Shares of the time that was not idle: of modules and functions by themselves, and of functions with all they call. */
function summarize({ nodes, samples, timeDeltas }: Profile) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const groups = new Map<string, number>();
  const functions = new Map<string, number>();
  const within = new Map<string, number>();
  let total = 0;
  // The first seconds are the start and the warming up.
  const from = timeDeltas.reduce((sum, delta) => sum + delta, 0) * 0.35;
  let at = 0;
  samples.forEach((id, i) => {
    const delta = timeDeltas[i] ?? 0;
    at += delta;
    const frame = frames.get(id);
    if (at < from || frame === undefined || frame.functionName === "(idle)") return;
    total += delta;
    add(groups, moduleOf(frame.url, frame.functionName), delta);
    add(functions, placeOf(frame), delta);
    const seen = new Set<string>();
    for (let up: number | undefined = id; up !== undefined; up = parents.get(up)) {
      const place = placeOf(frames.get(up) ?? frame);
      if (!seen.has(place)) add(within, place, delta);
      seen.add(place);
    }
  });
  const shares = (sums: ReadonlyMap<string, number>) => new Map([...sums].map(([name, sum]) => [name, sum / total]));
  return { groups: shares(groups), functions: shares(functions), within: shares(within) };
}

function add(sums: Map<string, number>, name: string, amount: number): void {
  sums.set(name, (sums.get(name) ?? 0) + amount);
}

function placeOf({ functionName, url, lineNumber }: Frame): string {
  return `${functionName || "(anonymous)"} ${shortened(url)}:${lineNumber + 1}`;
}

function moduleOf(url: string, name: string): string {
  if (url === "") return name.startsWith("(") ? name : "(native)";
  const path = shortened(url);
  if (path.startsWith("node:")) return path.replace("node:internal/", "node:").split("/")[0] ?? path;
  if (path.startsWith("node_modules/"))
    return path
      .split("/")
      .slice(1, path.includes("/@") ? 3 : 2)
      .join("/");
  return path.split("/").slice(0, 2).join("/");
}

function shortened(url: string): string {
  return url.replace(`file://${root}/`, "");
}
