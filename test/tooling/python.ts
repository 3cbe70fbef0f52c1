import { createHash } from "node:crypto";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toolCache } from "./repository.ts";
import { mustRun } from "./run-tool.ts";

const installMs = 600_000;

/**
 * A Python environment with these packages, made at the first use and kept in .cache/.
 * @param requirements pinned, such as `grpcio==1.81.1`
 * @returns the folder of the environment; its interpreter is `bin/python`
 */
export async function pythonEnvironment(
  requirements: readonly string[],
  flags: readonly string[] = [],
): Promise<string> {
  const digest = createHash("sha256")
    .update([...requirements, ...flags].join("\n"))
    .digest("hex")
    .slice(0, 12);
  const folder = join(toolCache, "python", digest);
  // Written last: a folder without it was left half made.
  const ready = join(folder, "ready");
  if (existsSync(ready)) return folder;
  rmSync(folder, { recursive: true, force: true });
  await mustRun("python3", ["-m", "venv", folder]);
  const python = join(folder, "bin/python");
  await mustRun(python, ["-m", "pip", "install", "--quiet", ...flags, ...requirements], { timeoutMs: installMs });
  writeFileSync(ready, `${requirements.join("\n")}\n`);
  return folder;
}
