import { execFile } from "node:child_process";
import { delimiter, join } from "node:path";
import { repository } from "./repository.ts";

export interface ToolResult {
  /** Exit code; 1 when the tool was killed or could not start. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams, for messages of failed assertions. */
  readonly output: string;
}

export interface ToolOptions {
  /** Default: the repository's top folder. */
  readonly cwd?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The tool is killed after this time. Default: two minutes. */
  readonly timeoutMs?: number;
}

const maxOutputBytes = 64 * 1024 * 1024;

/**
 * Runs a command without a shell and collects what it prints; a failure is a result, not an exception.
 * Tools of node_modules/.bin win over those of the machine, so that `node` is the pinned one.
 */
export function runTool(tool: string, args: readonly string[], options: ToolOptions = {}): Promise<ToolResult> {
  const { cwd = repository, env = {}, timeoutMs = 120_000 } = options;
  return new Promise((resolve) => {
    execFile(
      tool,
      args,
      { cwd, env: toolEnvironment(env), timeout: timeoutMs, maxBuffer: maxOutputBytes },
      (error, stdout, stderr) => {
        const why = error && typeof error.code !== "number" ? `\n${error.message}` : "";
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
        resolve({ code, stdout, stderr, output: `${stdout}${stderr}${why}`.trim() });
      },
    );
  });
}

/** As runTool, but a failing tool fails the caller with everything that it printed. */
export async function mustRun(tool: string, args: readonly string[], options: ToolOptions = {}): Promise<ToolResult> {
  const result = await runTool(tool, args, options);
  if (result.code !== 0) throw new Error(`${tool} ${args.join(" ")} ended with ${result.code}:\n${result.output}`);
  return result;
}

/** The environment of spawned tools: ours, with the repository's own tools first on the path. */
export function toolEnvironment(added: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const bin = join(repository, "node_modules/.bin");
  return { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`, ...added };
}
