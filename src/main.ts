import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Admission } from "./accounts/admission.ts";
import { assemble } from "./assemble.ts";
import { createCli } from "./cli/cli.ts";
import type { SimulateOptions } from "./cli/simulate.ts";
import { terminalOf } from "./cli/terminal.ts";
import type { Config } from "./config/config.ts";
import { isLoopback, simulatedAnthropicName, simulatorName } from "./config/finish-providers.ts";
import { type ConfigFlags, loadConfig } from "./config/load.ts";
import { type Beginnings, Shutdown } from "./domain/begin.ts";
import { type Clock, systemClock } from "./domain/clock.ts";
import type { ProviderInstance } from "./domain/instance.ts";
import type { Log } from "./domain/log.ts";
import { ReadinessSwitch } from "./domain/readiness.ts";
import { createRequestIds } from "./domain/request-id.ts";
import { createOpsHandler } from "./edges/ops/ops.ts";
import { createRestHandler } from "./edges/rest/handler.ts";
import { createRpcHandler } from "./edges/rpc/handler.ts";
import { startServer } from "./edges/server.ts";
import type { Gateway } from "./gateway.ts";
import { createDialer } from "./net/dial.ts";
import type { ModelLists } from "./providers/model-lists.ts";
import { TargetStates } from "./routing/target-states.ts";
import { type RunningSimulator, startSimulator } from "./simulator/simulator.ts";
import { batched } from "./telemetry/batched.ts";
import { createLog } from "./telemetry/log.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { requestLog } from "./telemetry/request-log.ts";

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

/** Connections to one provider at most; more requests wait for a free one. */
const maxConnections = 1_024;
/** Requests that may wait for one. */
const maxQueued = 10_000;
/** How long a caller may take to send a body. Milliseconds. */
const bodyTimeoutMs = 60_000;
/** How long requests that draining ended may take to say so. Milliseconds. */
const lastWordsMs = 1_000;
/** Names under which this machine reaches itself. */
const loopbackNames = ["localhost", "127.0.0.1", "[::1]"];

/** Builds the gateway from its configuration and listens. @throws Error with one sentence when it cannot */
export async function startGateway(
  config: Config,
  { log, clock = systemClock, random = Math.random }: GatewayOptions,
): Promise<RunningGateway> {
  // What has been started is ended in reverse order, also when a later part cannot start.
  await using starting = new AsyncDisposableStack();
  const simulator = config.simulator.enabled ? await embedSimulator(config) : null;
  if (simulator !== null) starting.defer(simulator.close);
  const instances = [...config.providers, ...(simulator === null ? [] : simulatedInstances(simulator.socketPath))];
  const dialer = createDialer({ clock, maxConnections, maxQueued });
  starting.defer(dialer.close);
  const states = new TargetStates(clock, config.resilience.breaker);
  const admission = new Admission({ clock, ...config.resilience.queue });
  const sight = { circuits: () => states.sights(), queued: () => admission.queued };
  const metrics = createMetrics({ version, models: instances.flatMap(({ models }) => models), sight });
  starting.defer(metrics.stop);
  const observers = [metrics.observer, requestLog];
  const { gateway, lists, stop } = assemble(config, instances, {
    log,
    clock,
    random,
    dialer,
    observers,
    states,
    admission,
  });
  starting.defer(stop);

  const shutdown = new Shutdown();
  const readiness = new ReadinessSwitch();
  const newRequestId = createRequestIds();
  const beginnings: Beginnings = { clock, log, shutdown, newRequestId };
  const { server: serving } = config;
  const server = await startServer({
    ...serving,
    handler: createPublicHandler(config, { gateway, beginnings, readiness }),
  });
  starting.defer(server.close);
  const { host, port, allowCidrs, token } = config.ops;
  const details = () => ({ version, providers: providerDetails(lists), circuits: openCircuits(states) });
  const opsHandler = createOpsHandler({ readiness, scrape: metrics.scrape, details, allowCidrs, token });
  const ops = await startServer({ host, port, tls: null, handler: opsHandler });
  starting.defer(ops.close);
  void lists.ready();
  readiness.turn(instances.length > 0);
  starting.defer(() => readiness.end());

  const started = starting.move();
  const close = () => started.disposeAsync();
  return {
    url: `${serving.tls ? "https" : "http"}://${urlHost(server.host)}:${server.port}`,
    opsUrl: `http://${urlHost(ops.host)}:${ops.port}`,
    close,
    async drain() {
      readiness.turn(false);
      // Load balancers notice first; until then requests are still served.
      await new Promise<void>((resolve) => clock.after(serving.drainDelayMs, resolve));
      readiness.end();
      await server.drain(serving.drainMs);
      // Those that are still running are told why they end.
      shutdown.begin();
      await server.drain(lastWordsMs);
      await close();
    },
  };
}

/** How many models each provider has listed. */
function providerDetails(lists: ModelLists): Readonly<Record<string, { readonly models: number }>> {
  return Object.fromEntries(lists.current().map(({ instance, models }) => [instance.name, { models: models.size }]));
}

/** Targets and keys that are left out at present. */
function openCircuits(states: TargetStates): readonly unknown[] {
  const sights = states.sights().filter(({ state }) => state !== "closed");
  return sights.map(({ instance, model, key, state }) => ({ instance, model, key, state }));
}

interface PublicParts {
  readonly gateway: Gateway;
  readonly beginnings: Beginnings;
  readonly readiness: ReadinessSwitch;
}

/** What the public port answers: RPC on the paths of the contract, REST everywhere else. */
function createPublicHandler(config: Config, { gateway, beginnings, readiness }: PublicParts) {
  const { server, resilience, masterKey, strict } = config;
  const { maxBodyBytes } = server;
  const fallback = createRestHandler({
    gateway,
    beginnings,
    limits: { maxBodyBytes, bodyTimeoutMs },
    keepaliveMs: resilience.keepaliveMs,
    strict,
    corsOrigins: server.corsOrigins,
    // On an address beyond loopback an open gateway was asked for by name: then it is open under any name.
    openHosts: masterKey === null && isLoopback(server.host) ? [server.host, ...loopbackNames] : null,
    ready: () => readiness.ready,
  });
  const { keepaliveMs } = resilience;
  const bounds = { maxMessageBytes: maxBodyBytes, bodyTimeoutMs, keepaliveMs };
  return createRpcHandler({ gateway, beginnings, readiness, ...bounds, strict, fallback });
}

/** Starts the simulator beside the gateway, on a socket that only this user can reach. */
async function embedSimulator({ dataDir, simulator }: Config): Promise<RunningSimulator & { socketPath: string }> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  // Named by process, since gateways may share a folder.
  const socketPath = join(dataDir, `simulator-${process.pid}-${randomBytes(4).toString("hex")}.sock`);
  return { ...(await startSimulator({ socketPath, tokenDelayMs: simulator.tokenDelayMs })), socketPath };
}

/** The simulator as a provider, once by each wire format. */
function simulatedInstances(socketPath: string): readonly ProviderInstance[] {
  const shared = { socketPath, keys: [], wire: "exact", simulated: true, headers: {}, models: [] } as const;
  return [
    { ...shared, name: simulatorName, provider: "openai", baseUrl: "http://simulator/v1" },
    { ...shared, name: simulatedAnthropicName, provider: "anthropic", baseUrl: "http://simulator" },
  ];
}

function urlHost(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

async function serve(flags: ConfigFlags): Promise<void> {
  const { config, warnings } = loadConfig({ env: process.env, flags, folder: process.cwd() });
  const format = config.log.format === "auto" ? (process.stderr.isTTY ? "pretty" : "json") : config.log.format;
  const log = createLog({ level: config.log.level, format, clock: systemClock, destination: batched(process.stderr) });
  for (const warning of warnings) log.warn(warning);
  const running = await startGateway(config, { log });
  log.info("ready", { url: running.url, ops: running.opsUrl });
  await stopSignal();
  await running.drain();
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
  process.exitCode = await createCli({ version, terminal: terminalOf(process), serve, simulate })(
    process.argv.slice(2),
  );
}
