import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../test/tooling/free-port.ts";

const root = join(import.meta.dirname, "..");
const readyWithinMs = 20_000;
const stopWithinMs = 5_000;

/** The key that the measured gateway asks for: authentication is part of what is measured. */
export const masterKey = "bench-master-key";

export interface Server {
  readonly pid: number;
  /** Without a slash at its end. */
  readonly url: string;
  /** From its start until it answered for the first time. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

/** The upstream with fixed answers. */
export async function startMock(program: string): Promise<Server> {
  const port = await freePort();
  return start([program], { MOCK_ADDR: `127.0.0.1:${port}` }, `http://127.0.0.1:${port}`, "/health");
}

/** The bare pass-through that ratios refer to: it copies bytes and looks at nothing. */
export async function startBare(upstream: Server, flags: readonly string[] = []): Promise<Server> {
  const port = await freePort();
  const env = { UP: upstream.url, PORT: String(port), CONNS: "2048" };
  return start([process.execPath, ...flags, join(root, "bench/bare/bare.mjs")], env, `http://127.0.0.1:${port}`, "/");
}

/** A gateway from its source, with the `trunkline.yaml` of a folder. */
export async function startConfigured(folder: string): Promise<Server & { readonly opsUrl: string }> {
  const port = await freePort();
  const opsPort = await freePort();
  const env = { PORT: String(port), TRUNKLINE_OPS_PORT: String(opsPort), TRUNKLINE_DATA_DIR: folder };
  const program = join(root, "src/main.ts");
  const config = join(folder, "trunkline.yaml");
  const command = [process.execPath, "--max-semi-space-size=32", program, "serve", "--config", config];
  const server = await start(command, env, `http://127.0.0.1:${port}`, "/health/ready", join(folder, "gateway.log"));
  return { ...server, opsUrl: `http://127.0.0.1:${opsPort}` };
}

interface GatewayToMeasure {
  readonly models: readonly string[];
  readonly dataDir: string;
  /** The bundle; that of this tree by default. */
  readonly program?: string;
  /** More options for Node. */
  readonly flags?: readonly string[];
}

/** The bundled gateway with a master key; `opsUrl` has its metrics. */
export async function startGateway(
  upstream: Server,
  { models, dataDir, program = join(root, "dist/trunkline.mjs"), flags = [] }: GatewayToMeasure,
): Promise<Server & { readonly opsUrl: string }> {
  const port = await freePort();
  const opsPort = await freePort();
  const env = {
    PORT: String(port),
    TRUNKLINE_OPS_PORT: String(opsPort),
    TRUNKLINE_MASTER_KEY: masterKey,
    OPENAI_API_KEY: "sk-bench",
    OPENAI_BASE_URL: `${upstream.url}/v1`,
    OPENAI_MODELS: models.join(","),
    TRUNKLINE_DATA_DIR: dataDir,
  };
  // As the image and `npm start` run it.
  const command = [process.execPath, "--max-semi-space-size=32", ...flags, program, "serve"];
  // Its log goes to a file, as a service manager would have it.
  const log = join(dataDir, "gateway.log");
  const server = await start(command, env, `http://127.0.0.1:${port}`, "/health/ready", log);
  return { ...server, opsUrl: `http://127.0.0.1:${opsPort}` };
}

async function start(
  [program = "", ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
  url: string,
  readyPath: string,
  log?: string,
): Promise<Server> {
  const startedMs = performance.now();
  const child = spawn(program, args, {
    // Only what a server needs: a provider's key in the caller's environment must not become part of the run.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ["ignore", "ignore", log === undefined ? "inherit" : openSync(log, "a")],
  });
  await once(child, "spawn");
  const exited = once(child, "exit");
  while ((await statusOf(`${url}${readyPath}`)) !== 200) {
    if (child.exitCode !== null) throw new Error(`${program} ${args.join(" ")} ended with ${child.exitCode}.`);
    if (performance.now() - startedMs > readyWithinMs) throw new Error(`${url} did not become ready.`);
    await pause(5);
  }
  return {
    // A child that was spawned has a pid.
    pid: child.pid ?? 0,
    url,
    readyMs: performance.now() - startedMs,
    async stop() {
      child.kill("SIGTERM");
      const killer = setTimeout(() => child.kill("SIGKILL"), stopWithinMs);
      await exited;
      clearTimeout(killer);
    },
  };
}

/** The status that a GET is answered with; 0 when nothing answers. */
function statusOf(url: string): Promise<number> {
  return new Promise((resolve) => {
    const call = request(url, { agent: false, timeout: 1_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    call.on("timeout", () => call.destroy());
    call.on("error", () => resolve(0));
    call.end();
  });
}
