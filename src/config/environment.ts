import { didYouMean } from "../domain/did-you-mean.ts";
import { providerKinds } from "./provider-kinds.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** One value from outside the file, on its way into the tree. */
export interface Setting {
  readonly path: readonly string[];
  readonly value: unknown;
  /** Where it came from, for messages: `PORT`, `--port`. */
  readonly source: string;
}

/** How the text of a variable becomes a value. A secret stays where it is and is referred to. */
type Reading = "text" | "number" | "list" | "secret";

/** A variable that stands for one setting of the file. */
export interface Variable {
  readonly name: string;
  readonly path: readonly string[];
  readonly reading: Reading;
}

/** Every variable that stands for a setting. The providers' variables follow a pattern of their own, below. */
export const variables: readonly Variable[] = [
  { name: "HOST", path: ["server", "host"], reading: "text" },
  { name: "PORT", path: ["server", "port"], reading: "number" },
  { name: "TRUNKLINE_WORKERS", path: ["server", "workers"], reading: "number" },
  { name: "TRUNKLINE_ADMIN_HOST", path: ["server", "admin", "host"], reading: "text" },
  { name: "TRUNKLINE_ADMIN_PORT", path: ["server", "admin", "port"], reading: "number" },
  { name: "TRUNKLINE_OPS_HOST", path: ["server", "ops", "host"], reading: "text" },
  { name: "TRUNKLINE_OPS_PORT", path: ["server", "ops", "port"], reading: "number" },
  { name: "TRUNKLINE_MASTER_KEY", path: ["server", "master_key"], reading: "secret" },
  { name: "TRUNKLINE_DATA_DIR", path: ["server", "data_dir"], reading: "text" },
  { name: "TRUNKLINE_METRICS_TOKEN", path: ["telemetry", "metrics", "token"], reading: "secret" },
  { name: "TRUNKLINE_METRICS_ALLOW_CIDRS", path: ["telemetry", "metrics", "allow_cidrs"], reading: "list" },
  { name: "TRUNKLINE_LOG_LEVEL", path: ["telemetry", "log", "level"], reading: "text" },
  { name: "TRUNKLINE_LOG_FORMAT", path: ["telemetry", "log", "format"], reading: "text" },
];

/** Variables that are read but stand for no setting of the file. */
export const otherVariables: ReadonlyMap<string, string> = new Map([
  [
    "TRUNKLINE_CONFIG",
    "Path of the configuration file, when `--config` is not given. Default: `./trunkline.yaml`, if there is one.",
  ],
  [
    "TRUNKLINE_ALLOW_OPEN",
    "`true` lets the gateway start without a master key on an address beyond loopback. Anyone who reaches it can then spend your money.",
  ],
]);

/** Variables that a later version reads. Set for something else often enough, so that refusing to start would be wrong. */
const laterVariables = ["DATABASE_URL", "REDIS_URL"];

/** The three endings that make a variable a provider's, and the settings they stand for. */
export const providerVariables: ReadonlyMap<string, { readonly setting: string; readonly reading: Reading }> = new Map([
  ["API_KEY", { setting: "api_key", reading: "secret" }],
  ["BASE_URL", { setting: "base_url", reading: "text" }],
  ["MODELS", { setting: "models", reading: "list" }],
]);

/** The kinds' names as variables write them, and an instance's name behind one: `OPENAI_EAST_API_KEY`. */
const providerVariable = new RegExp(
  `^((?:${[...providerKinds.keys()].join("|").toUpperCase()})(?:_[A-Z0-9]+)*)_(${[...providerVariables.keys()].join("|")})$`,
);

export interface EnvironmentSettings {
  readonly settings: readonly Setting[];
  /** Sentences about variables that were left out. */
  readonly warnings: readonly string[];
}

/**
 * Reads what the environment says. Empty variables count as absent, as Compose files and CI leave them behind.
 * @param fileProviders instances of the file, which the environment's are merged into
 */
export function readEnvironment(env: Environment, fileProviders: ReadonlyMap<string, unknown>): EnvironmentSettings {
  const settings: Setting[] = [];
  const warnings: string[] = [];
  for (const variable of variables) {
    const value = env[variable.name];
    if (value === undefined || value === "") continue;
    // Kubernetes announces a Service named `trunkline-ops` as TRUNKLINE_OPS_PORT=tcp://10.0.0.7:9464.
    if (variable.reading === "number" && /^(tcp|udp|sctp):\/\//.test(value)) {
      warnings.push(
        `${variable.name} is a Kubernetes service link, not a port, and is ignored; set enableServiceLinks: false.`,
      );
      continue;
    }
    settings.push({ path: variable.path, value: read(variable.reading, variable.name, value), source: variable.name });
  }

  const providers = readProviders(env, fileProviders);
  warnings.push(...providers.warnings, ...strangers(env));
  return { settings: [...settings, ...providers.settings], warnings };
}

function readProviders(env: Environment, fileProviders: ReadonlyMap<string, unknown>): EnvironmentSettings {
  const instances = new Map<string, Setting[]>();
  for (const [name, value] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [, prefix, ending] = providerVariable.exec(name) ?? [];
    const variable = providerVariables.get(ending ?? "");
    if (prefix === undefined || variable === undefined || value === undefined || value === "") continue;
    const instance = prefix.toLowerCase().replaceAll("_", "-");
    const path = ["providers", instance, variable.setting];
    const settings = instances.get(instance) ?? [];
    settings.push({ path, value: read(variable.reading, name, value), source: name });
    instances.set(instance, settings);
  }

  const kept: Setting[] = [];
  const warnings: string[] = [];
  for (const [instance, settings] of instances) {
    const why = fileProviders.has(instance) ? null : whyNotServed(settings);
    if (why === null) kept.push(...settings);
    else warnings.push(`${settings.map(({ source }) => source).join(", ")}: ${why}`);
  }
  return { settings: kept, warnings };
}

/** Why the environment's instance does not exist; null when it does. */
function whyNotServed(settings: readonly Setting[]): string | null {
  const makesIt = settings.some(({ path }) => path[2] !== "models");
  return makesIt ? null : "ignored, because a provider exists by its _API_KEY or _BASE_URL.";
}

function read(reading: Reading, name: string, value: string): unknown {
  switch (reading) {
    case "secret":
      return `env://${name}`;
    case "number":
      return /^-?\d{1,15}$/.test(value.trim()) ? Number(value) : value;
    case "list":
      return value
        .split(",")
        .map((entry) => entry.trim())
        .filter((entry) => entry !== "");
    case "text":
      return value;
  }
}

/** What the names of all variables of our own begin with. */
const ownPrefix = "TRUNKLINE_";

/** Sentences about variables that look meant for us but are not read. */
function strangers(env: Environment): string[] {
  const known = [...variables.map(({ name }) => name), ...otherVariables.keys()].filter(isOwn);
  return Object.keys(env).flatMap((name) => {
    if (laterVariables.includes(name) && env[name] !== "") {
      return [`${name} is ignored: this version keeps no records and counters outside the process.`];
    }
    // Only near misses: Kubernetes and others set TRUNKLINE_… variables of their own.
    if (!isOwn(name) || known.includes(name)) return [];
    const near = didYouMean(
      name.slice(ownPrefix.length),
      known.map((own) => own.slice(ownPrefix.length)),
    );
    return near === undefined ? [] : [`${name} is not a variable that is read; did you mean ${ownPrefix}${near}?`];
  });
}

function isOwn(name: string): boolean {
  return name.startsWith(ownPrefix);
}
