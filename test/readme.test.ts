import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "./tooling/free-port.ts";
import { goTool } from "./tooling/go.ts";
import { readmeAddress, readmeBlocks } from "./tooling/readme.ts";
import { repository, temporaryFolder } from "./tooling/repository.ts";
import { mustRun } from "./tooling/run-tool.ts";

const grpcurl = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3";
const startWithinMs = 240_000;

const { start, test, calls } = readmeBlocks();

describe("README.md", () => {
  it("has the commands that are run here and on build machines", () => {
    expect(start).toBe("npm ci && npm start -- --simulator\n");
    expect(test).toBe("npm ci && npm test\n");
    expect(readFileSync(join(repository, ".ci/run"), "utf8").endsWith(`\n${test}`)).toBe(true);
    expect(calls.length).toBeGreaterThan(5);
  });

  describe("followed in a fresh clone, with no key", () => {
    const clone = temporaryFolder();
    let env: NodeJS.ProcessEnv;
    let gateway: ChildProcess;

    beforeAll(async () => {
      await mustRun("git", ["clone", "--quiet", repository, join(clone.path, "trunkline")]);
      const port = await freePort();
      env = { ...strangersEnvironment(dirname(await goTool(grpcurl))), PORT: String(port) };
      gateway = shell(start);
      await untilReady(gateway);
      // What it logs from here on must not fill the pipe.
      gateway.stdout?.resume();
    }, startWithinMs + 60_000);

    afterAll(async () => {
      if (gateway?.pid !== undefined && gateway.exitCode === null) {
        // The whole group: npm, its shell and the gateway.
        process.kill(-gateway.pid, "SIGTERM");
        await once(gateway, "exit");
      }
      clone[Symbol.dispose]();
    });

    it.each(calls)("$heading", async ({ command }) => {
      const call = shell(command.replaceAll(readmeAddress, `127.0.0.1:${env.PORT}`));
      const { code, output } = await collect(call);
      expect(code, output).toBe(0);
      // Every call gets an answer, and the simulator's answers say what they are.
      expect(output.toLowerCase()).toContain("simulat");
    });

    /** Runs a command as someone does who pastes it into a terminal in the clone. */
    function shell(command: string): ChildProcess {
      return spawn("bash", ["-euo", "pipefail", "-c", `exec 2>&1\n${command}`], {
        cwd: join(clone.path, "trunkline"),
        env,
        stdio: ["ignore", "pipe", "ignore"],
        detached: true,
      });
    }
  });
});

/** The environment of someone who has just come: nothing of npm's, of this repository's tools, or of any provider. */
function strangersEnvironment(addedPath: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|NODE|VITEST|CI$|HOST$|PORT$|TRUNKLINE_)|_(API_KEY|BASE_URL|MODELS)$/i.test(name),
  );
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  return {
    ...Object.fromEntries(own),
    PATH: [addedPath, ...path].join(delimiter),
    TRUNKLINE_OPS_PORT: "0",
    npm_config_prefer_offline: "true",
  };
}

/** Resolves with the line that says so. */
async function untilReady(gateway: ChildProcess): Promise<void> {
  const said: string[] = [];
  const timer = setTimeout(() => gateway.kill("SIGKILL"), startWithinMs);
  try {
    for await (const line of linesOf(gateway)) {
      said.push(line);
      if (line.includes(`"message":"ready"`)) return;
    }
  } finally {
    clearTimeout(timer);
  }
  throw new Error(`The gateway did not start:\n${said.join("\n")}`);
}

async function collect(child: ChildProcess): Promise<{ readonly code: number; readonly output: string }> {
  const exited = once(child, "exit");
  const lines: string[] = [];
  for await (const line of linesOf(child)) lines.push(line);
  const [code] = await exited;
  return { code: typeof code === "number" ? code : 1, output: lines.join("\n") };
}

function linesOf({ stdout }: ChildProcess): AsyncIterable<string> {
  if (!stdout) throw new Error("the output is a pipe");
  return createInterface(stdout);
}
