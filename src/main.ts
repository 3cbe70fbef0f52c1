import { availableParallelism } from "node:os";
import { isatty } from "node:tty";
import { Admission } from "./accounts/admission.ts";
import { createOnce } from "./cache/once.ts";
import { createOwnResponses } from "./cache/response-stores.ts";
import { createCli } from "./cli/cli.ts";
import { CliError, exitCodes, explain } from "./cli/exit.ts";
import type { SimulateOptions } from "./cli/simulate.ts";
import { terminalOf } from "./cli/terminal.ts";
import type { Config } from "./config/config.ts";
import { type ConfigFlags, type LoadedConfig, loadConfig } from "./config/load.ts";
import { type Clock, systemClock } from "./domain/clock.ts";
import type { Log } from "./domain/log.ts";
import { createOpsHandler } from "./edges/ops/ops.ts";
import { startServer } from "./edges/server.ts";
import { createReload, settingsOfTheStart } from "./reload.ts";
import { startServing } from "./serving.ts";
import { batched, undividedBytes } from "./telemetry/batched.ts";
import { createLog } from "./telemetry/log.ts";
import type { Loaded } from "./workers/primary.ts";

export const version = "0.1.0";

/** A gateway that listens. */
export interface RunningGateway {
  /** Where callers reach it: REST and RPC. */
  readonly url: string;
  /** Where the platform reads metrics and health. */
  readonly opsUrl: string;
  /** Answers new requests as another configuration says. The ports stay; see `settingsOfTheStart`. */
  replace(config: Config): Promise<void>;
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
  let { server, resilience } = config;
  const entrance = new Admission({ clock, ...resilience.queue });
  const once = createOnce({ clock, ...resilience.idempotency });
  const responses = createOwnResponses(clock, config.responses);
  const serving = await startServing(config, { version, log, clock, random, entrance, once, responses, listens: true });
  starting.defer(serving.close);
  const { readiness, metrics, details } = serving;
  const opsHandlerOf = ({ ops }: Config) => createOpsHandler({ ...ops, readiness, scrape: metrics.scrape, details });
  let opsHandler = opsHandlerOf(config);
  const ops = await startServer({ ...config.ops, tls: null, handler: (req, res) => opsHandler(req, res) });
  starting.defer(ops.close);

  const started = starting.move();
  const close = () => started.disposeAsync();
  return {
    url: urlOf(serving.server, server.tls !== null),
    opsUrl: urlOf(ops),
    close,
    async replace(next) {
      await serving.replace(next);
      ({ server, resilience } = next);
      entrance.limit(resilience.queue);
      once.limit(resilience.idempotency);
      responses.limit(next.responses);
      if (server.tls !== null) serving.server.renew(server.tls);
      opsHandler = opsHandlerOf(next);
    },
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
  const folder = process.cwd();
  const read = () => loadConfig({ env: process.env, flags, folder });
  const { config, file, warnings } = read();
  const count = workersOf(config);
  const log = logOf(config, count > 1);
  for (const warning of warnings) log.warn(warning);
  if (count === 1) return serveAlone(config, read, log);
  return serveByWorkers({ config, plan: { count, setup: { file, flags, folder } } }, log, () => {
    const loaded = read();
    for (const warning of loaded.warnings) log.warn(warning);
    const setup = { file: loaded.file, flags, folder };
    return { config: loaded.config, plan: { count: workersOf(loaded.config), setup } };
  });
}

function workersOf({ server: { workers } }: Config): number {
  return workers === "auto" ? availableParallelism() : workers;
}

/** @param isShared whether other processes write to the same place */
function logOf({ log: { level, format } }: Config, isShared: boolean): Log {
  const isPretty = format === "auto" ? process.stderr.isTTY : format === "pretty";
  const destination = batched(process.stderr, isShared ? undividedBytes : undefined);
  return createLog({ level, format: isPretty ? "pretty" : "json", clock: systemClock, destination });
}

async function serveAlone(config: Config, read: () => LoadedConfig, log: Log): Promise<void> {
  const running = await startGateway(config, { log });
  log.info("ready", { url: running.url, ops: running.opsUrl });
  const reload = createReload({
    log,
    load: read,
    async use(loaded) {
      for (const warning of loaded.warnings) log.warn(warning);
      const settings = settingsOfTheStart(config, loaded.config);
      if (settings.length > 0) log.warn("these settings are used from the next start on", { settings });
      await running.replace(loaded.config);
    },
  });
  await stopSignal(reload);
  await running.drain();
}

/** The primary process. Its parts are loaded by those alone who asked for workers. */
async function serveByWorkers({ config, plan }: Loaded, log: Log, load: () => Loaded): Promise<void> {
  const [{ Primary }, { createFork }] = await Promise.all([
    import("./workers/primary.ts"),
    import("./workers/fork.ts"),
  ]);
  const hopeless = Promise.withResolvers<string>();
  const fork = createFork(process.argv[1] ?? "");
  const primary = new Primary(config, { version, log, clock: systemClock, fork, giveUp: hopeless.resolve });
  const ports = await primary.start(plan);
  log.info("ready", {
    url: urlOf(ports.public, config.server.tls !== null),
    ops: urlOf(ports.ops),
    workers: plan.count,
  });
  const reload = createReload({ log, load, use: (loaded) => primary.replace(loaded) });
  const reason = await Promise.race([stopSignal(reload), hopeless.promise]);
  for (const signal of stopSignals) {
    // One more ends everything at once: workers that had to find out by themselves would drain.
    process.once(signal, () => {
      primary.kill();
      process.kill(process.pid, signal);
    });
  }
  await primary.drain();
  if (reason !== undefined) throw new CliError(`Given up: ${reason}`, exitCodes.internal);
}

/** One of the workers of `serve`, which started it. */
async function worker(): Promise<void> {
  const [{ openLink }, { work }] = await Promise.all([import("./workers/link.ts"), import("./worker.ts")]);
  const link = openLink(process);
  if (link === null) throw new CliError("Workers are started by `trunkline serve --workers`.", exitCodes.usage);
  // These reach whole groups of processes. The primary says what is to be done.
  for (const signal of [...stopSignals, "SIGHUP"] as const) process.on(signal, () => {});
  const faultExitCode = exitCodes.internal;
  const onFault = (fault: (error: unknown) => void) => {
    const end = (error: unknown) => {
      fault(error);
      setTimeout(() => process.exit(faultExitCode), faultWithinMs).unref();
    };
    process.on("uncaughtException", end).on("unhandledRejection", end);
  };
  try {
    const setup = await link.setup;
    const { config } = loadConfig({ env: process.env, ...setup });
    const log = logOf(config, true).with({ worker: setup.number });
    const parts = { version, link, log, clock: systemClock, random: Math.random, onFault, faultExitCode };
    process.exit(await work(config, parts));
  } catch (error) {
    await link.last({ kind: "failed", ...explain(error) });
    process.exit(exitCodes.internal);
  }
}

/** What a worker with a fault of its own may take to end its streams. Milliseconds. */
const faultWithinMs = 5_000;

async function simulate(options: SimulateOptions): Promise<void> {
  const { startSimulator } = await import("./simulator/simulator.ts");
  const simulator = await startSimulator({ ...options, requireKey: true });
  const { stdout } = process;
  stdout.write(
    `The simulator answers at ${simulator.url}: give OpenAI's SDKs ${simulator.url}/v1, Anthropic's ${simulator.url}.\n`,
  );
  await stopSignal();
  await simulator.close();
}

const stopSignals = ["SIGTERM", "SIGINT"] as const;

/**
 * Resolves when the process is asked to stop.
 * @param reload called with SIGHUP, but for the one that says that the terminal is gone
 */
function stopSignal(reload?: () => void): Promise<void> {
  const hadTerminal = process.stderr.isTTY;
  return new Promise((resolve) => {
    for (const signal of stopSignals) process.once(signal, () => resolve());
    if (reload) process.on("SIGHUP", () => (hadTerminal && !isatty(process.stderr.fd) ? resolve() : reload()));
  });
}

/** The `trunkline` command. @returns the exit code */
export function main(args: readonly string[]): Promise<number> {
  return createCli({ version, terminal: terminalOf(process), serve, simulate, worker })(args);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
