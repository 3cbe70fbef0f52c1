import { existsSync } from "node:fs";
import { join } from "node:path";
import { toolCache } from "./repository.ts";
import { mustRun } from "./run-tool.ts";

const buildMs = 600_000;

/**
 * A Go command, built at the first use and kept in .cache/.
 * @param module with its version, such as `github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3`
 * @returns the path of the program
 */
export async function goTool(module: string): Promise<string> {
  const name = /([^/]+)@/.exec(module)?.[1];
  if (name === undefined) throw new Error(`${module} names no version.`);
  const folder = join(toolCache, "go", module.replaceAll(/[^\w.@-]/g, "_"));
  const program = join(folder, name);
  // `go install` writes the program by renaming, so that it is there whole or not at all.
  if (!existsSync(program)) await mustRun("go", ["install", module], { env: { GOBIN: folder }, timeoutMs: buildMs });
  return program;
}
