import { availableParallelism } from "node:os";
import { Admission } from "./accounts/admission.ts";
import { createOnce } from "./cache/once.ts";
import { createCli } from "./cli/cli.ts";
import { CliError, exitCodes, explain } from "./cli/exit.ts";
import type { SimulateOptions } from "./cli/simulate.ts";
import { terminalOf } from "./cli/terminal.ts";
import type { Config } from "./config/config.ts";
import { type ConfigFlags, loadConfig } from "./config/load.ts";
import { type Clock, systemClock } from "./domain/clock.ts";
import type { Log } from "./domain/log.ts";
import { createOpsHandler } from "./edges/ops/ops.ts";
import { startServer } from "./edges/server.ts";
import { startServing } from "./serving.ts";
import { startSimulator } from "./simulator/simulator.ts";
import { batched } from "./telemetry/batched.ts";
import { createLog } from "./telemetry/log.ts";
import type { Plan } from "./workers/crew.ts";

export const version = "0.1.0";

/** A gateway that listens. */
export interface RunningGateway {
  /** Where callers reach it: REST and RPC. */
  readonly url: string;
  /** Where the platform reads metrics and health. */
  readonly opsUrl: string;
  /** Refuses new requests, lets running ones finish within the configured time, then ends them and closes. */
  drain(): Promise<void>;
  /** Ends everything now. */
  close(): Promise<void>;
}

export interface GatewayOptions {
  readonly log: Log;
  readonly clock?: Clock;
  /** Evenly spread in [0, 1); for jitter and weights. */
  readonly random?: () => number;
}

/** Builds the gateway from its configuration and listens. @throws Error with one sentence when it cannot */
export async function startGateway(
  config: Config,
  { log, clock = systemClock, random = Math.random }: GatewayOptions,
): Promise<RunningGateway> {
  // What has been started is ended in reverse order, also when a later part cannot start.
  await using starting = new AsyncDisposableStack();
  const { server, resilience } = config;
  const entrance = new Admission({ clock, ...resilience.queue });
  const once = createOnce({ clock, ...resilience.idempotency });
  const serving = await startServing(config, { version, log, clock, random, entrance, once, listens: true });
  starting.defer(serving.close);
  const { readiness, metrics, details } = serving;
  const handler = createOpsHandler({ ...config.ops, readiness, scrape: metrics.scrape, details });
  const ops = await startServer({ ...config.ops, tls: null, handler });
  starting.defer(ops.close);

  const started = starting.move();
  const close = () => started.disposeAsync();
  return {
    url: urlOf(serving.server, server.tls !== null),
    opsUrl: urlOf(ops),
    close,
    async drain() {
      readiness.turn(false);
      // Load balancers notice first; until then requests are still served.
      await new Promise<void>((resolve) => clock.after(server.drainDelayMs, resolve));
      readiness.end();
      await serving.finish(server.drainMs);
      await close();
    },
  };
}

function urlOf({ host, port }: { readonly host: string; readonly port: number }, isTls = false): string {
  return `${isTls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

async function serve(flags: ConfigFlags): Promise<void> {
  const { config, file, warnings } = loadConfig({ env: process.env, flags, folder: process.cwd() });
  const log = logOf(config);
  for (const warning of warnings) log.warn(warning);
  const { workers } = config.server;
  const count = workers === "auto" ? availableParallelism() : workers;
  if (count > 1) return serveByWorkers(config, { count, setup: { file, flags, folder: process.cwd() } }, log);
  const running = await startGateway(config, { log });
  log.info("ready", { url: running.url, ops: running.opsUrl });
  await stopSignal();
  await running.drain();
}

function logOf({ log: { level, format } }: Config): Log {
  const isPretty = format === "auto" ? process.stderr.isTTY : format === "pretty";
  const destination = batched(process.stderr);
  return createLog({ level, format: isPretty ? "pretty" : "json", clock: systemClock, destination });
}

async function serveByWorkers(config: Config, plan: Plan, log: Log): Promise<void> {
  const [{ startPrimary }, { createFork }] = await Promise.all([
    import("./workers/primary.ts"),
    import("./workers/fork.ts"),
  ]);
  const fork = createFork(process.argv[1] ?? "");
  const primary = await startPrimary(config, { version, log, clock: systemClock, fork, plan });
  const url = urlOf(primary.server, config.server.tls !== null);
  log.info("ready", { url, ops: urlOf(primary.ops), workers: plan.count });
  const reason = await Promise.race([stopSignal(), primary.gaveUp]);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    // One more ends everything at once; workers that had to find out by themselves would drain.
    process.once(signal, () => {
      primary.kill();
      process.kill(process.pid, signal);
    });
  }
  await primary.drain();
  if (reason !== undefined) throw new CliError(`Given up: ${reason}`, exitCodes.internal);
}

/** One of the workers of `serve --workers`. */
async function worker(): Promise<void> {
  const [{ openLink }, { work }] = await Promise.all([import("./workers/link.ts"), import("./worker.ts")]);
  const link = openLink(process);
  if (link === null) throw new CliError("Workers are started by `trunkline serve --workers`.", exitCodes.usage);
  // These reach the whole group of processes. The primary says what is to be done.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
  try {
    const setup = await link.setup;
    const { config } = loadConfig({ env: process.env, ...setup });
    const log = logOf(config).with({ worker: setup.number });
    const shared = { version, link, log, clock: systemClock, random: Math.random };
    process.exit(await work(config, shared));
  } catch (error) {
    await link.last({ kind: "failed", ...explain(error) });
    process.exit(exitCodes.internal);
  }
}

async function simulate(options: SimulateOptions): Promise<void> {
  const simulator = await startSimulator({ ...options, requireKey: true });
  const { stdout } = process;
  stdout.write(
    `The simulator answers at ${simulator.url}: give OpenAI's SDKs ${simulator.url}/v1, Anthropic's ${simulator.url}.\n`,
  );
  await stopSignal();
  await simulator.close();
}

/** Resolves when the process is asked to stop. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => process.once("SIGTERM", () => resolve()).once("SIGINT", () => resolve()));
}

if (import.meta.main) {
  process.exitCode = await createCli({ version, terminal: terminalOf(process), serve, simulate, worker })(
    process.argv.slice(2),
  );
}
