import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Machine, root } from "./bench.ts";
import type { FirstByteResult } from "./first-byte.ts";
import type { FullResult } from "./full.ts";
import type { LatencyResult } from "./latency.ts";
import type { MemoryResult } from "./memory.ts";
import type { PeersResult } from "./peers.ts";
import type { ReadyResult } from "./ready.ts";
import type { SpeedResult } from "./speed.ts";
import type { SteadyResult } from "./steady.ts";
import type { WorkersResult } from "./workers.ts";

/** What `npm run bench` has measured: the parts that were asked for. */
export interface BenchResult {
  readonly machine: Machine;
  readonly rounds: number;
  readonly seconds: number;
  readonly speed: readonly SpeedResult[];
  readonly steady?: SteadyResult;
  readonly firstByte?: FirstByteResult;
  readonly memory?: MemoryResult;
  readonly ready?: ReadyResult;
  readonly workers?: WorkersResult;
  readonly latency: readonly LatencyResult[];
}

/** Files of a published run, which docs/benchmarks.md is made from. */
export interface Published {
  readonly bench: BenchResult;
  readonly full: FullResult;
  readonly peers: PeersResult;
}

const publishedFolder = join(root, "docs/benchmarks");

/** Writes every round, for those who want to look closer. @returns the file */
export function writeResult(name: string, result: unknown): string {
  const folder = join(root, "bench/results");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}-${new Date().toISOString().replaceAll(":", "-")}.json`);
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  return file;
}

export function publishResult(name: keyof Published, result: Published[keyof Published]): void {
  mkdirSync(publishedFolder, { recursive: true });
  writeFileSync(join(publishedFolder, `${name}.json`), `${JSON.stringify(result, null, 1)}\n`);
}

export function readPublished(): Published {
  const read = (name: keyof Published) => JSON.parse(readFileSync(join(publishedFolder, `${name}.json`), "utf8"));
  return { bench: read("bench"), full: read("full"), peers: read("peers") };
}
