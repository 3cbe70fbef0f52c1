import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../test/tooling/free-port.ts";
import { masterKey, usualModels } from "./agreed.ts";

const root = join(import.meta.dirname, "..");
const readyWithinMs = 20_000;
const stopWithinMs = 5_000;

export interface Server {
  readonly pid: number;
  /** Without a slash at its end. */
  readonly url: string;
  /** From its start until it answered for the first time. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

/** The provider with fixed answers; `origins` are all addresses at which it listens. */
export async function startMock(
  program: string,
  addresses = 1,
): Promise<Server & { readonly origins: readonly string[] }> {
  const ports = new Set<number>();
  while (ports.size < addresses) ports.add(await freePort());
  const hosts = [...ports].map((port) => `127.0.0.1:${port}`);
  const [first = ""] = hosts;
  const server = await start([program], { MOCK_ADDR: hosts.join(",") }, `http://${first}`, { readyPath: "/health" });
  return { ...server, origins: hosts.map((host) => `http://${host}`) };
}

interface Bare {
  readonly flags?: readonly string[];
  readonly workers?: number;
}

/** The bare pass-through that ratios refer to: it copies bytes and looks at nothing. */
export async function startBare(upstream: Server, { flags = [], workers = 1 }: Bare = {}): Promise<Server> {
  const port = await freePort();
  const env = { UP: upstream.url, PORT: String(port), CONNS: "6000", WORKERS: String(workers) };
  const command = [process.execPath, ...flags, join(root, "bench/bare/bare.mjs")];
  return start(command, env, `http://127.0.0.1:${port}`, { readyPath: "/" });
}

/** A gateway from its source, with the `trunkline.yaml` of a folder. */
export async function startConfigured(folder: string): Promise<Server & { readonly opsUrl: string }> {
  const port = await freePort();
  const opsPort = await freePort();
  const env = { PORT: String(port), TRUNKLINE_OPS_PORT: String(opsPort), TRUNKLINE_DATA_DIR: folder };
  const program = join(root, "src/main.ts");
  const config = join(folder, "trunkline.yaml");
  const command = [process.execPath, "--max-semi-space-size=32", program, "serve", "--config", config];
  const log = join(folder, "gateway.log");
  const server = await start(command, env, `http://127.0.0.1:${port}`, { readyPath: "/health/ready", log });
  return { ...server, opsUrl: `http://127.0.0.1:${opsPort}` };
}

export interface GatewayToMeasure {
  /** Models of OpenAI's dialect beside the usual ones. */
  readonly models?: readonly string[];
  readonly dataDir: string;
  /** The bundle; that of this tree by default. */
  readonly program?: string;
  /** More options for Node. */
  readonly flags?: readonly string[];
  /** More options for `serve`. */
  readonly options?: readonly string[];
  /** Content of a configuration file. */
  readonly config?: unknown;
  /** Over the usual environment; an empty value takes a variable out. */
  readonly env?: Readonly<Record<string, string>>;
}

let gateways = 0;

/** The bundled gateway, as in production: with a master key, metrics and a log. `opsUrl` has its metrics. */
export async function startGateway(
  upstream: Server,
  { models = [], dataDir, program = bundle, flags = [], options = [], config, env = {} }: GatewayToMeasure,
): Promise<Server & { readonly opsUrl: string }> {
  const port = await freePort();
  const opsPort = await freePort();
  const usual = {
    PORT: String(port),
    TRUNKLINE_OPS_PORT: String(opsPort),
    TRUNKLINE_MASTER_KEY: masterKey,
    OPENAI_API_KEY: "sk-bench",
    OPENAI_BASE_URL: `${upstream.url}/v1`,
    OPENAI_MODELS: [...usualModels.openai, ...models].join(","),
    ANTHROPIC_API_KEY: "sk-ant-bench",
    ANTHROPIC_BASE_URL: upstream.url,
    ANTHROPIC_MODELS: usualModels.anthropic.join(","),
    TRUNKLINE_DATA_DIR: dataDir,
  };
  const given = Object.fromEntries(Object.entries({ ...usual, ...env }).filter(([, value]) => value !== ""));
  const file = join(dataDir, `gateway-${++gateways}`);
  // JSON is YAML.
  if (config !== undefined) writeFileSync(`${file}.yaml`, JSON.stringify(config));
  const more = [...(config === undefined ? [] : ["--config", `${file}.yaml`]), ...options];
  // As the image and `npm start` run it.
  const command = [process.execPath, "--max-semi-space-size=32", ...flags, program, "serve", ...more];
  // Its log goes to a file, as a service manager would have it.
  const where = { readyPath: "/health/ready", log: `${file}.log` };
  const server = await start(command, given, `http://127.0.0.1:${port}`, where);
  return { ...server, opsUrl: `http://127.0.0.1:${opsPort}` };
}

/** What `npm run build` makes. */
export const bundle = join(root, "dist/trunkline.mjs");

/** A command with as many open files as the machine lets it have. */
export function withOpenFiles(command: readonly string[]): readonly string[] {
  return ["sh", "-c", 'ulimit -n "$(ulimit -Hn)"; exec "$@"', "sh", ...command];
}

export interface Readiness {
  readonly readyPath: string;
  /** File for what it writes to standard error; the terminal by default. */
  readonly log?: string;
  readonly readyWithinMs?: number;
}

/** Starts a program and waits until it answers. */
export async function start(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  url: string,
  { readyPath, log, readyWithinMs: withinMs = readyWithinMs }: Readiness,
): Promise<Server> {
  const startedMs = performance.now();
  const output = log === undefined ? "inherit" : openSync(log, "a");
  const [shell = "", ...rest] = withOpenFiles(command);
  const child = spawn(shell, rest, {
    // Only what a server needs: a provider's key in the caller's environment must not become part of the run.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ["ignore", log === undefined ? "ignore" : output, output],
  });
  await once(child, "spawn");
  const exited = once(child, "exit");
  while ((await statusOf(`${url}${readyPath}`)) !== 200) {
    const waitedMs = performance.now() - startedMs;
    if (child.exitCode === null && waitedMs <= withinMs) {
      await pause(5);
      continue;
    }
    child.kill("SIGKILL");
    throw new Error(`${command.join(" ")} ${child.exitCode === null ? "did not become ready" : "ended"}.`);
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
