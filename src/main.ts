import { randomBytes } from "node:crypto";
import { createAccount } from "./accounts/account.ts";
import { unlimited } from "./accounts/limits.ts";
import { forgetful } from "./cache/forgetful.ts";
import { createCli } from "./cli/cli.ts";
import { terminalOf } from "./cli/terminal.ts";
import type { Config } from "./config/config.ts";
import { type ConfigFlags, loadConfig } from "./config/load.ts";
import { createAdmit } from "./domain/admit.ts";
import type { Beginnings } from "./domain/begin.ts";
import { type Clock, systemClock } from "./domain/clock.ts";
import { GatewayError } from "./domain/errors.ts";
import type { ProviderInstance } from "./domain/instance.ts";
import type { Log } from "./domain/log.ts";
import type { Observer } from "./domain/observer.ts";
import { createRestHandler } from "./edges/rest/handler.ts";
import { startServer } from "./edges/server.ts";
import { createGateway, type Gateway } from "./gateway.ts";
import { unscreened } from "./guardrails/unscreened.ts";
import { createDialer, type Dialer } from "./net/dial.ts";
import { providerOf } from "./providers/catalog.ts";
import { createModelLists, type ModelLists } from "./providers/model-lists.ts";
import { Sender } from "./providers/send.ts";
import { createAttempt } from "./routing/attempt.ts";
import { createModels } from "./routing/models.ts";
import { createResolver } from "./routing/resolve.ts";
import { createLog } from "./telemetry/log.ts";

export const version = "0.1.0";

/** A gateway that listens. */
export interface RunningGateway {
  /** Where callers reach it. */
  readonly url: string;
  /** Refuses new requests, lets running ones finish within the configured time, then ends them and closes. */
  drain(): Promise<void>;
  /** Ends everything now. */
  close(): Promise<void>;
}

export interface GatewayOptions {
  readonly log: Log;
  readonly clock?: Clock;
}

/** Builds the gateway from its configuration and listens. @throws Error with one sentence when it cannot */
export async function startGateway(config: Config, options: GatewayOptions): Promise<RunningGateway> {
  const { log, clock = systemClock } = options;
  const instances = [...config.providers];
  const dialer = createDialer({ connectTimeoutMs: config.resilience.bounds.connectMs, maxConnections: 512 });
  const { gateway, lists } = assemble(config, instances, { log, clock, dialer, observers: [] });

  const shutdown = new AbortController();
  const beginnings: Beginnings = {
    clock,
    log,
    shutdown: shutdown.signal,
    newRequestId: () => `req_${randomBytes(12).toString("hex")}`,
  };
  let draining = false;
  const ready = () => !draining && instances.length > 0;
  const rest = createRestHandler({
    gateway,
    beginnings,
    limits: { maxBodyBytes: config.server.maxBodyBytes, bodyTimeoutMs: 60_000 },
    keepaliveMs: config.resilience.keepaliveMs,
    strict: config.strict,
    corsOrigins: config.server.corsOrigins,
    openHosts: config.masterKey === null ? [config.server.host, "localhost", "127.0.0.1", "[::1]"] : null,
    ready,
  });
  const server = await startServer({ ...config.server, handler: rest });
  void lists.ready();

  async function close(): Promise<void> {
    lists.stop();
    await server.close();
    await dialer.close();
  }
  return {
    url: `${config.server.tls ? "https" : "http"}://${server.host}:${server.port}`,
    close,
    async drain() {
      draining = true;
      await server.drain(config.server.drainMs);
      shutdown.abort();
      await close();
    },
  };
}

interface AssemblyParts {
  readonly log: Log;
  readonly clock: Clock;
  readonly dialer: Dialer;
  readonly observers: readonly Observer[];
}

/** Chooses who plays each stage of a request's life. */
function assemble(
  config: Config,
  instances: readonly ProviderInstance[],
  { log, clock, dialer, observers }: AssemblyParts,
): { gateway: Gateway; lists: ModelLists } {
  const byName = new Map(instances.map((instance) => [instance.name, instance]));
  const sender = new Sender({ dialer, clock, bounds: config.resilience.bounds, instances: byName, providerOf });
  const lists = createModelLists({
    instances,
    clock,
    log,
    providerOf,
    fetchPage: (instance, path, signal) => sender.models(instance, path, signal),
  });
  const resolve = createResolver({
    aliases: config.aliases,
    listings: lists.current,
    facts: (provider, model) => providerOf(provider).facts(model),
  });
  const gateway = createGateway({
    admit: createAdmit(config.masterKey),
    check: () => {},
    resolve: async (work, context) => {
      const request = work.kind === "embeddings" ? work.request : work.call.request;
      const fallbacks = work.kind === "embeddings" ? [] : work.call.request.fallbackModels;
      const targets = [request.model, ...fallbacks].flatMap(resolve);
      context.trail.note({ kind: "resolved", model: request.model, targets });
      return targets;
    },
    ...unlimited,
    ...unscreened,
    ...forgetful,
    attempt: createAttempt({ sender, maxAttempts: config.resilience.maxAttempts }),
    account: createAccount({ clock, observers }),
    models: createModels({ aliases: config.aliases, listings: lists.current, ready: lists.ready }),
  });
  return { gateway, lists };
}

async function serve(flags: ConfigFlags): Promise<void> {
  const { config, warnings } = loadConfig({ env: process.env, flags, folder: process.cwd() });
  const format = config.log.format === "auto" ? (process.stderr.isTTY ? "pretty" : "json") : config.log.format;
  const log = createLog({ level: config.log.level, format, clock: systemClock, destination: process.stderr });
  for (const warning of warnings) log.warn(warning);
  const running = await startGateway(config, { log });
  log.info("ready", { url: running.url });
  await new Promise<void>((resolve) => process.once("SIGTERM", resolve).once("SIGINT", resolve));
  await running.drain();
}

if (import.meta.main) {
  const simulate = () => Promise.reject(new GatewayError("not_implemented", "The simulator is not there yet."));
  process.exitCode = await createCli({ version, terminal: terminalOf(process), serve, simulate })(
    process.argv.slice(2),
  );
}
