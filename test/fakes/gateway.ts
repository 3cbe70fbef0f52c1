import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { Log } from "../../src/domain/log.ts";
import { type RunningGateway, startGateway } from "../../src/main.ts";

/** A gateway in this process, over the embedded simulator. */
export interface WholeGateway {
  readonly url: string;
  readonly opsUrl: string;
  /** What it has logged, oldest first. */
  readonly logged: readonly LogLine[];
  drain(): Promise<void>;
}

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Starts one for the tests of a file, and stops it after them.
 * @param env added to the environment that it is configured by
 * @param adjust changes what the environment cannot set
 */
export function useGateway(
  env: Readonly<Record<string, string>> = {},
  adjust: (config: Config) => Config = (config) => config,
): WholeGateway {
  const logged: LogLine[] = [];
  const folder = mkdtempSync(join(tmpdir(), "trunkline-test-"));
  let running: RunningGateway;

  beforeAll(async () => {
    const { config } = loadConfig({
      env: { PORT: "0", TRUNKLINE_OPS_PORT: "0", TRUNKLINE_DATA_DIR: folder, ...env },
      flags: { simulator: true },
      folder,
    });
    // Streams without pauses: what is tested is order, not time.
    const simulator = { ...config.simulator, tokenDelayMs: 0 };
    running = await startGateway(adjust({ ...config, simulator }), { log: logInto(logged) });
  });
  afterAll(async () => {
    await running?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  return {
    get url() {
      return running.url;
    },
    get opsUrl() {
      return running.opsUrl;
    },
    logged,
    drain: () => running.drain(),
  };
}

function logInto(lines: LogLine[], bound: Readonly<Record<string, unknown>> = {}): Log {
  const at =
    (level: LogLine["level"]) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
      void lines.push({ level, message, fields: { ...bound, ...fields } });
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (fields) => logInto(lines, { ...bound, ...fields }),
  };
}

/** Circuits stay closed: for tests that make the same target fail over and over. */
export function withoutBreaker(config: Config): Config {
  const { resilience } = config;
  const breaker = { ...resilience.breaker, failures: Number.MAX_SAFE_INTEGER };
  return { ...config, resilience: { ...resilience, breaker } };
}

/** One attempt to one question: what is tried again is tested elsewhere. Circuits stay closed. */
export function withoutRetries(config: Config): Config {
  const { resilience, ...rest } = withoutBreaker(config);
  return { ...rest, resilience: { ...resilience, policy: { ...resilience.policy, maxAttempts: 1 } } };
}
