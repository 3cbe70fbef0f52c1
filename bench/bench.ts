import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import type { Case } from "./cases.ts";
import { type Load, type Measured, measureGood, usualLoad } from "./load.ts";
import { type Server, startBare, startMock } from "./servers.ts";

export const root = join(import.meta.dirname, "..");

/** Where tools and peers are kept between runs. */
export const cacheFolder = join(root, ".cache/bench");

/** Addresses of the mock provider. The gateway opens 1,024 connections to one, and thousands of streams need more. */
const addresses = 6;

/** What every part of a benchmark works with. */
export interface Bench {
  readonly loadProgram: string;
  /** Removed at the end. */
  readonly folder: string;
  readonly upstream: Server & { readonly origins: readonly string[] };
  readonly bare: Server;
  /** Figures that are to be quoted take more rounds. */
  readonly rounds: number;
  readonly seconds: number;
}

export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
}

/** Builds everything, starts the mock and the bare pass-through, and ends them when `work` is done or has failed. */
export async function withBench<T>(options: BenchOptions, work: (bench: Bench) => Promise<T>): Promise<T> {
  const programs = buildEverything();
  const folder = mkdtempSync(join(tmpdir(), "trunkline-bench-"));
  await using started = new AsyncDisposableStack();
  started.defer(() => rmSync(folder, { recursive: true, force: true }));
  const upstream = await startMock(programs.mock, addresses);
  started.defer(upstream.stop);
  const bare = await startBare(upstream);
  started.defer(bare.stop);
  return await work({ loadProgram: programs.load, folder, upstream, bare, ...options });
}

/** The mock and the load generator, and the gateway's bundle. */
function buildEverything(): { readonly mock: string; readonly load: string } {
  mkdirSync(cacheFolder, { recursive: true });
  execFileSync(process.execPath, [join(root, "build.ts")], { stdio: "inherit" });
  return { mock: buildGo("mock"), load: buildGo("load") };
}

/** A Go program of bench/, by its folder. @returns its path */
export function buildGo(name: string): string {
  const program = join(cacheFolder, name);
  execFileSync("go", ["build", "-o", program, "."], { cwd: join(root, "bench", name), stdio: "inherit" });
  return program;
}

/** What is measured: a request and who is asked. */
export interface Cell {
  readonly name: string;
  readonly case: Case;
  readonly server: Server;
  /** Where it differs from the load of the others. */
  readonly load?: Partial<Load>;
  /** Where it needs more than the others. */
  readonly warmUpSeconds?: number;
}

/** The rounds of one cell. */
export interface Series {
  readonly name: string;
  readonly rounds: readonly Measured[];
}

export interface Interleaving {
  readonly title: string;
  readonly rounds: number;
  /** Before the first round, for each: a request costs twice as much while its code is still being compiled. */
  readonly warmUpSeconds: number;
  readonly load?: Partial<Load>;
}

/**
 * Measures all cells in turn, several times over: a machine that is busy for a while is so for all of them, and what is
 * compared was measured within seconds.
 */
export async function interleave(
  { loadProgram }: Bench,
  cells: readonly Cell[],
  { title, rounds, warmUpSeconds, load }: Interleaving,
): Promise<readonly Series[]> {
  const measured = new Map<Cell, Measured[]>(cells.map((cell) => [cell, []]));
  const loadOf = (cell: Cell): Load => ({ ...usualLoad, ...load, ...cell.load });
  say(`${title}: warming up`);
  if (warmUpSeconds > 0)
    for (const cell of cells)
      await measureGood(loadProgram, cell.case, cell.server, {
        ...loadOf(cell),
        seconds: Math.max(cell.warmUpSeconds ?? warmUpSeconds, cell.load?.seconds ?? 0),
      });
  for (let round = 1; round <= rounds; round++) {
    say(`${title}: round ${round} of ${rounds}`);
    for (const [cell, series] of measured) {
      series.push(await measureGood(loadProgram, cell.case, cell.server, loadOf(cell)));
    }
  }
  return [...measured].map(([{ name }, series]) => ({ name, rounds: series }));
}

/** Progress, beside the report on standard output. */
export function say(text: string): void {
  console.error(text);
}

/** What it ran on. */
export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
}

export function machineOf(): Machine {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? "unknown",
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
  };
}

/** One line about it. */
export function machineText({ cores, cpu, memoryGb, kernel, node }: Machine): string {
  return `${cores} cores (${cpu}), ${memoryGb} GB, kernel ${kernel}, Node ${node}`;
}
