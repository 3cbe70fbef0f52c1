import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { repository } from "../tooling/repository.ts";

const node = join(repository, "node_modules/.bin/node");
const ownProgram = join(repository, "src/main.ts");
const readyWithinMs = 20_000;

/** The `trunkline` command as a process of its own. */
export interface Running {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Where it runs: `trunkline.yaml` and its data lie here. */
  readonly folder: string;
  /** Settles with the exit code, or the name of the signal that ended it. */
  readonly exited: Promise<number | string>;
}

export interface Ready extends Running {
  readonly url: string;
  readonly opsUrl: string;
}

export interface Surroundings {
  /** All of the environment, but for the path. */
  readonly env?: Readonly<Record<string, string>>;
  /** Content of `trunkline.yaml`. Default: no such file. */
  readonly config?: string;
  /** Path of the program. Default: that of the repository. */
  readonly program?: string;
}

/** Runs it in a folder of its own, which has the configuration at most. Ended with the test. */
export function run(args: readonly string[], { env = {}, config, program = ownProgram }: Surroundings = {}): Running {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-run-"));
  if (config !== undefined) writeFileSync(join(folder, "trunkline.yaml"), config);
  const child = spawn(node, [program, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, TRUNKLINE_DATA_DIR: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exited = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });
  return { child, folder, stdout: () => stdout, stderr: () => stderr, exited };
}

/** Starts `trunkline serve` on free ports and waits until it says that it is ready. */
export async function serve(args: readonly string[] = [], { env, ...more }: Surroundings = {}): Promise<Ready> {
  const all = ["serve", "--port", "0", "--log-format", "json", ...args];
  const running = run(all, { env: { TRUNKLINE_OPS_PORT: "0", ...env }, ...more });
  for (let waited = 0; waited < readyWithinMs && running.child.exitCode === null; waited += 10) {
    const line = logLines(running).find(({ message }) => message === "ready");
    if (line) return { ...running, url: String(line.url), opsUrl: String(line.ops) };
    await pause(10);
  }
  throw new Error(`It did not become ready:\n${running.stderr()}`);
}

/** What it has logged so far. */
export function logLines({ stderr }: Running): readonly Readonly<Record<string, unknown>>[] {
  const lines = stderr().split("\n").slice(0, -1);
  return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Record<string, unknown>);
}
