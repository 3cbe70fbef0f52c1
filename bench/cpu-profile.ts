import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildGo, root } from "./bench.ts";
import { createCase, type Kind, type Path } from "./cases.ts";
import { measureGood, usualLoad } from "./load.ts";
import { startBare, startGateway, startMock } from "./servers.ts";

/** Where the time of one path goes. */
export interface Where {
  /** CPU of a request, while it was profiled. Microseconds. */
  readonly cpuUs: number;
  /** Shares by module, by function alone, and by function with all that it calls. */
  readonly groups: ReadonlyMap<string, number>;
  readonly functions: ReadonlyMap<string, number>;
  readonly within: ReadonlyMap<string, number>;
}

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

/**
 * Profiles one path. The gateway runs from its source, so that functions have the names and files they were written with.
 * @param path `bare` for the bare pass-through
 */
export async function profileOf(path: Path | "bare", kind: Kind, seconds: number): Promise<Where> {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-profile-"));
  try {
    const isBare = path === "bare";
    const one = createCase(folder, isBare ? "REST" : path, kind);
    const upstream = await startMock(buildGo("mock"));
    const flags = ["--cpu-prof", `--cpu-prof-dir=${folder}`];
    const options = { dataDir: folder, program: join(root, "src/main.ts"), flags };
    const gateway = await (isBare ? startBare(upstream, { flags }) : startGateway(upstream, options));
    const measured = await measureGood(buildGo("load"), one, gateway, { ...usualLoad, warmSeconds: 3, seconds });
    await gateway.stop();
    await upstream.stop();
    const file = readdirSync(folder).find((name) => name.endsWith(".cpuprofile"));
    if (file === undefined) throw new Error("Node wrote no profile.");
    const profile: Profile = JSON.parse(readFileSync(join(folder, file), "utf8"));
    return { cpuUs: measured.gw_cpu_us_per_req, ...summarize(profile) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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
