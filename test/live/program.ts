import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { repository } from "../tooling/repository.ts";
import { toolEnvironment } from "../tooling/run-tool.ts";

const readyWithinMs = 120_000;

export interface ProgramOptions {
  /** Answers 200 once the program is ready. */
  readonly url: string;
  /** Grows by each line that the program writes. */
  readonly log: string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A server in the background, ready to be asked; it stops when its scope ends. */
export async function startProgram(
  program: string,
  args: readonly string[],
  { url, log, env = {} }: ProgramOptions,
): Promise<AsyncDisposable> {
  const child = spawn(program, args, {
    cwd: repository,
    env: toolEnvironment(env),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  for (const output of [child.stdout, child.stderr]) createInterface(output).on("line", (line) => log.push(line));
  const giveUpMs = Date.now() + readyWithinMs;
  while (!(await isReady(url))) {
    if (child.exitCode !== null || Date.now() > giveUpMs) {
      child.kill("SIGKILL");
      throw new Error(`${program} ${args.join(" ")} is not ready:\n${log.join("\n")}`);
    }
    await pause(200);
  }
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

function isReady(url: string): Promise<boolean> {
  return fetch(url).then(
    (answer) => answer.ok,
    () => false,
  );
}
