import type { ProviderInstance } from "../domain/instance.ts";
import type { CatalogLayer } from "../domain/model-catalog.ts";
import type { ResponseBounds } from "../domain/response-store.ts";
import type { ModelAlias, RoutePolicy } from "../domain/route.ts";
import type { Secret } from "../domain/secret.ts";
import type { Bounds } from "../domain/time-bounds.ts";

/**
 * The finished configuration: every value checked, every default filled in, every secret read. main.ts hands each part
 * to the code that needs it; nobody receives the whole.
 */
export interface Config {
  readonly server: ServerConfig;
  readonly admin: ListenConfig;
  readonly ops: OpsConfig;
  /** Bearer key of the public and admin listeners; null leaves them open. */
  readonly masterKey: Secret | null;
  /** Absolute path of the folder for everything that must survive a restart. */
  readonly dataDir: string;
  /** Whether settings that a target cannot honour refuse the request when the request itself does not say. */
  readonly strict: boolean;
  /** Instances by configuration order; empty when only the simulator serves. */
  readonly providers: readonly ProviderInstance[];
  readonly simulator: SimulatorConfig;
  readonly aliases: readonly ModelAlias[];
  /** Catalogues over the package's; the later one wins. */
  readonly catalog: readonly CatalogLayer[];
  readonly resilience: ResilienceConfig;
  /** What is kept of answers that later requests may go on from. */
  readonly responses: ResponseBounds;
  readonly log: LogConfig;
}

export interface ListenConfig {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

export interface ServerConfig extends ListenConfig {
  /** Processes that serve; `auto`: as many as there are cores. */
  readonly workers: number | "auto";
  readonly maxBodyBytes: number;
  /** How long running requests may take to finish after a stop signal. Milliseconds. */
  readonly drainMs: number;
  /** How long the server goes on accepting after it said that it is not ready. Milliseconds. */
  readonly drainDelayMs: number;
  /** Origins that browsers may call from, such as `https://app.example`; empty turns CORS off. */
  readonly corsOrigins: readonly string[];
  readonly tls: TlsConfig | null;
}

/** PEM texts, read once at start. */
export interface TlsConfig {
  readonly cert: string;
  readonly key: Secret;
  /** Callers must show a certificate of this authority. */
  readonly clientCa: string | null;
}

export interface OpsConfig extends ListenConfig {
  /** Networks whose sockets may connect, such as `10.0.0.0/8`. */
  readonly allowCidrs: readonly string[];
  /** Bearer token that scrapers must show as well; null asks for none. */
  readonly token: Secret | null;
}

export interface SimulatorConfig {
  /** Whether the embedded simulator is one of the providers. */
  readonly enabled: boolean;
  /** Pause between two tokens of a simulated stream. Milliseconds. */
  readonly tokenDelayMs: number;
}

export interface ResilienceConfig {
  readonly bounds: Bounds;
  /** Longest silence towards the caller before something is sent to show that the request lives. Milliseconds. */
  readonly keepaliveMs: number;
  /** The rules of model names that are no alias. */
  readonly policy: RoutePolicy;
  /** Longest wait before a retry. Milliseconds. */
  readonly retryWaitMs: number;
  /** Retries for each request. */
  readonly retryBudget: number;
  readonly breaker: BreakerConfig;
  readonly queue: QueueConfig;
  readonly idempotency: RememberConfig;
  readonly proofMemory: RememberConfig;
}

export interface BreakerConfig {
  readonly failures: number;
  /** Milliseconds. */
  readonly openMs: number;
  /** Milliseconds; null for never. */
  readonly slowMs: number | null;
  /** Milliseconds; null for never. */
  readonly probeIntervalMs: number | null;
}

export interface QueueConfig {
  readonly maxInFlight: number;
  readonly maxQueued: number;
}

/** For how long something is remembered, and how much of it. */
export interface RememberConfig {
  /** Milliseconds. */
  readonly ttlMs: number;
  readonly maxBytes: number;
}

export interface LogConfig {
  readonly level: "debug" | "info" | "warn" | "error";
  /** `auto`: pretty on a terminal, JSON lines elsewhere. */
  readonly format: "auto" | "json" | "pretty";
}
