import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/problems.ts";
import type { Log } from "./domain/log.ts";

export interface ReloadParts<Loaded> {
  readonly log: Log;
  /** Reads the configuration as it is now. @throws ConfigError */
  readonly load: () => Loaded;
  /** Puts it to use. @throws Error when that cannot be; then the one before is still in use */
  readonly use: (loaded: Loaded) => Promise<void>;
}

/**
 * Reads the configuration again whenever it is called, one time after the other: a call while one is under way means once
 * more, however many there are. What is wrong is logged, and what was in use stays in use.
 */
export function createReload<Loaded>({ log, load, use }: ReloadParts<Loaded>): () => void {
  let isRunning = false;
  let again = false;
  const once = async () => {
    try {
      await use(load());
      log.info("configuration replaced");
    } catch (error) {
      const problems = error instanceof ConfigError ? error.problems : [error instanceof Error ? error.message : error];
      log.error("configuration not replaced: the one before stays in use", { problems });
    }
  };
  const run = async () => {
    isRunning = true;
    do {
      again = false;
      await once();
    } while (again);
    isRunning = false;
  };
  return () => {
    again = true;
    if (!isRunning) void run();
  };
}

/** Settings that a single process has from its start to its end, and the two configurations differ in. */
export function settingsOfTheStart(now: Config, next: Config): readonly string[] {
  const settings: readonly (readonly [string, (config: Config) => unknown])[] = [
    ["server.host", ({ server }) => server.host],
    ["server.port", ({ server }) => server.port],
    ["server.workers", ({ server }) => server.workers],
    ["server.tls", ({ server }) => [server.tls === null, server.tls?.clientCa === null]],
    ["server.ops.host", ({ ops }) => ops.host],
    ["server.ops.port", ({ ops }) => ops.port],
    ["telemetry.log", ({ log }) => log],
  ];
  return settings.flatMap(([name, of]) => (JSON.stringify(of(now)) === JSON.stringify(of(next)) ? [] : [name]));
}
