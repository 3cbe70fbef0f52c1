import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Entrance } from "./accounts/admission.ts";
import { assemble } from "./assemble.ts";
import type { Once } from "./cache/once.ts";
import { ProofMemory } from "./cache/proof-memory.ts";
import type { Config } from "./config/config.ts";
import { isLoopback, simulatedAnthropicName, simulatorName } from "./config/finish-providers.ts";
import { type Beginnings, Shutdown } from "./domain/begin.ts";
import type { Clock } from "./domain/clock.ts";
import type { ProviderInstance } from "./domain/instance.ts";
import type { Log } from "./domain/log.ts";
import type { Observer } from "./domain/observer.ts";
import { type Readiness, ReadinessSwitch } from "./domain/readiness.ts";
import { createRequestIds } from "./domain/request-id.ts";
import type { ResponseStore } from "./domain/response-store.ts";
import { createRestHandler } from "./edges/rest/handler.ts";
import { createRpcHandler } from "./edges/rpc/handler.ts";
import { type Handler, type RunningServer, startServer } from "./edges/server.ts";
import { createDialer, type Warm } from "./net/dial.ts";
import type { ModelLists } from "./providers/model-lists.ts";
import { TargetStates } from "./routing/target-states.ts";
import type { RunningSimulator } from "./simulator/simulator.ts";
import { createMetrics, type Metrics } from "./telemetry/metrics.ts";
import { requestLog } from "./telemetry/request-log.ts";

export interface ServingParts {
  readonly version: string;
  readonly log: Log;
  readonly clock: Clock;
  /** Evenly spread in [0, 1); for jitter and weights. */
  readonly random: () => number;
  readonly entrance: Entrance;
  readonly once: Once;
  readonly responses: ResponseStore;
  /** Whether it listens itself; otherwise it serves the connections that it is given. */
  readonly listens: boolean;
}

/** What a process that serves has, whether it is alone or one of several workers. */
export interface Serving {
  readonly server: RunningServer;
  readonly readiness: ReadinessSwitch;
  readonly metrics: Metrics;
  /** What `/health/ready` tells on the ops listener. */
  details(): Details;
  /** Lets running requests finish within the time, then ends them with an error that says why. As `drain` of a server. */
  finish(drainMs: number, lingerMs?: number): Promise<void>;
  /** New requests are answered as another configuration says; those that run go on as they began. The ports stay. */
  replace(config: Config): Promise<void>;
  /** Ends everything now. */
  close(): Promise<void>;
}

export interface Details {
  readonly version: string;
  /** How many models each provider has listed. */
  readonly providers: Readonly<Record<string, { readonly models: number }>>;
  /** Targets and keys that are left out at present. */
  readonly circuits: readonly unknown[];
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

/** Builds all that answers requests, and opens the public port. @throws Error with one sentence when it cannot */
export async function startServing(config: Config, parts: ServingParts): Promise<Serving> {
  // What has been started is ended in reverse order, also when a later part cannot start.
  await using starting = new AsyncDisposableStack();
  const { version, log, clock, entrance } = parts;
  const shutdown = new Shutdown();
  const readiness = new ReadinessSwitch();
  const beginnings = { clock, log, shutdown, newRequestId: createRequestIds() };
  const sight = { circuits: () => inside.states.sights(), queued: () => entrance.queued };
  const metrics = createMetrics({ version, models: modelsOf(config), sight });
  starting.defer(metrics.stop);
  const observers = [metrics.observer, requestLog];
  const proofs = new ProofMemory({ clock, ...config.resilience.proofMemory });
  let inside = await startInside(config, { ...parts, observers, beginnings, readiness, proofs });
  starting.defer(() => inside.close());
  const server = await startServer({
    ...config.server,
    port: parts.listens ? config.server.port : null,
    handler: (req, res) => inside.handler(req, res),
  });
  starting.defer(server.close);
  readiness.turn(inside.isUseful);
  starting.defer(() => readiness.end());

  const started = starting.move();
  return {
    server,
    readiness,
    metrics,
    details: () => ({ version, providers: providerDetails(inside.lists), circuits: openCircuits(inside.states) }),
    close: () => started.disposeAsync(),
    async replace(next) {
      const before = inside;
      inside = await startInside(next, { ...parts, observers, beginnings, readiness, proofs });
      proofs.limit(next.resilience.proofMemory);
      metrics.expect(modelsOf(next));
      void server.settled().then(before.close);
    },
    async finish(drainMs, lingerMs) {
      await server.drain(drainMs, lingerMs);
      // Those that are still running are told why they end.
      shutdown.begin();
      await server.drain(lastWordsMs);
    },
  };
}

interface InsideParts extends ServingParts {
  readonly observers: readonly Observer[];
  readonly beginnings: Beginnings;
  readonly readiness: Readiness;
  readonly proofs: ProofMemory;
}

/** All behind the public port that one configuration determines: stages, what they know of targets, and their sockets. */
interface Inside {
  readonly handler: Handler;
  readonly lists: ModelLists;
  readonly states: TargetStates;
  /** Whether anybody can be asked. */
  readonly isUseful: boolean;
  close(): Promise<void>;
}

async function startInside(config: Config, parts: InsideParts): Promise<Inside> {
  const { clock, entrance: admission } = parts;
  const simulator = config.simulator.enabled ? await embedSimulator(config) : null;
  const instances = [...config.providers, ...(simulator === null ? [] : simulatedInstances(simulator.socketPath))];
  const states = new TargetStates(clock, config.resilience.breaker);
  const dialer = createDialer({ clock, maxConnections, maxQueued, warm: warmOf(instances) });
  const { gateway, lists, stop } = assemble(config, instances, { ...parts, admission, dialer, states });
  void lists.ready();
  return {
    handler: createPublicHandler(config, { ...parts, gateway }),
    lists,
    states,
    isUseful: instances.length > 0,
    async close() {
      stop();
      await dialer.close();
      await simulator?.close();
    },
  };
}

function warmOf(instances: readonly ProviderInstance[]): readonly Warm[] {
  return instances.flatMap(({ baseUrl, http2 = false, warmConnections: connections }) =>
    connections === undefined ? [] : [{ origin: new URL(baseUrl).origin, http2, connections }],
  );
}

/** Model names of the configuration. */
function modelsOf({ providers }: Config): readonly string[] {
  return providers.flatMap(({ models }) => models);
}

function providerDetails(lists: ModelLists): Details["providers"] {
  return Object.fromEntries(lists.current().map(({ instance, models }) => [instance.name, { models: models.size }]));
}

function openCircuits(states: TargetStates): Details["circuits"] {
  const sights = states.sights().filter(({ state }) => state !== "closed");
  return sights.map(({ instance, model, key, state }) => ({ instance, model, key, state }));
}

interface PublicParts extends Pick<InsideParts, "beginnings" | "readiness"> {
  readonly gateway: ReturnType<typeof assemble>["gateway"];
}

/** What the public port answers: RPC on the paths of the contract, REST everywhere else. */
function createPublicHandler(config: Config, { gateway, beginnings, readiness }: PublicParts): Handler {
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
  const maxMessageBytes = maxBodyBytes;
  const { keepaliveMs } = resilience;
  return createRpcHandler({
    gateway,
    beginnings,
    readiness,
    maxMessageBytes,
    bodyTimeoutMs,
    keepaliveMs,
    strict,
    fallback,
  });
}

/** Starts the simulator beside the gateway, on a socket that only this user can reach. Loaded where it is asked for. */
async function embedSimulator({ dataDir, simulator }: Config): Promise<RunningSimulator & { socketPath: string }> {
  const { startSimulator } = await import("./simulator/simulator.ts");
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
