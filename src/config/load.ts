import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type * as z from "zod";
import type { Config } from "./config.ts";
import { type Environment, readEnvironment, type Setting } from "./environment.ts";
import { finish } from "./finish.ts";
import { ConfigError, type Problem, pathText, problemsOf } from "./problems.ts";
import { type FileConfig, schema } from "./schema.ts";
import { parseYaml, readYamlFile, type YamlFile } from "./yaml-file.ts";

/** What the command line may set; text as it was typed. */
export interface ConfigFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  /** A number or `auto`. */
  readonly workers?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
  /** Offer the simulator beside the configured providers. */
  readonly simulator?: boolean;
}

export interface ConfigSources {
  readonly env: Environment;
  readonly flags: ConfigFlags;
  /** The working directory: relative paths start here. */
  readonly folder: string;
  /** The file as somebody read it before, null where there was none; absent: it is read now. */
  readonly file?: ConfigText | null;
}

/** A configuration file as it was read. Holds references to secrets, never the secrets. */
export interface ConfigText {
  readonly name: string;
  readonly text: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read; null when there was none. */
  readonly file: ConfigText | null;
  /** Sentences for the operator about what is allowed but probably not meant. */
  readonly warnings: readonly string[];
}

/** The file that is read when none is named. */
const defaultFile = "trunkline.yaml";

type Tree = Record<string, unknown>;

/**
 * Reads the configuration: flags win over the environment, which wins over the file.
 * @throws ConfigError that lists every problem with its place
 */
export function loadConfig({ env, flags, folder, file: known }: ConfigSources): LoadedConfig {
  const file = known === undefined ? findFile(env, flags, folder) : known && parseYaml(known.text, known.name);
  const tree = withoutEmptySections(file?.tree ?? {});
  const environment = readEnvironment(env, entriesOf(tree.providers));
  const settings = [...environment.settings, ...readFlags(flags)];
  for (const setting of settings) place(tree, setting);

  const parsed = parseTree(tree);
  const finished = finish(parsed.file, env, folder);
  // A part that was cut out for its own fault must not be missed by another: `unknown target` would send people astray.
  const later = finished.problems.filter((problem) => !parsed.problems.some((known) => explains(known, problem)));
  const problems = [...parsed.problems, ...later];
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => sentence(problem, settings, file)));

  return {
    config: finished.config,
    file: file && { name: file.name, text: file.text },
    warnings: [...environment.warnings, ...finished.warnings],
  };
}

function findFile(env: Environment, flags: ConfigFlags, folder: string): YamlFile | null {
  const named = flags.config ?? (env.TRUNKLINE_CONFIG || undefined);
  if (named !== undefined) return readYamlFile(resolve(folder, named));
  const path = resolve(folder, defaultFile);
  return existsSync(path) ? readYamlFile(path) : null;
}

function readFlags(flags: ConfigFlags): Setting[] {
  const settings: Setting[] = [
    { path: ["server", "host"], value: flags.host, source: "--host" },
    { path: ["server", "port"], value: numberOr(flags.port), source: "--port" },
    { path: ["server", "workers"], value: numberOr(flags.workers), source: "--workers" },
    { path: ["telemetry", "log", "level"], value: flags.logLevel, source: "--log-level" },
    { path: ["telemetry", "log", "format"], value: flags.logFormat, source: "--log-format" },
    { path: ["simulator", "enabled"], value: flags.simulator, source: "--simulator" },
  ];
  return settings.filter(({ value }) => value !== undefined);
}

/** A number where the text is one, else the text, which the schema then judges. */
function numberOr(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : text;
}

/** Sections written without content (`models:`) are null in YAML; they mean the defaults. A copy, as it will change. */
function withoutEmptySections(tree: Readonly<Record<string, unknown>>): Tree {
  return structuredClone(Object.fromEntries(Object.entries(tree).filter(([, value]) => value !== null)));
}

/** Puts a setting into the tree. Where the file has something other than a section on the way, the schema complains. */
function place(tree: Tree, { path, value }: Setting): void {
  let section = tree;
  for (const key of path.slice(0, -1)) {
    section[key] ??= {};
    const next = section[key];
    if (!isTree(next)) return;
    section = next;
  }
  section[path.at(-1) ?? ""] = value;
}

/** Checks the tree; where it fails, cuts out what is wrong and goes on, so that one run finds everything. */
function parseTree(tree: Tree): { readonly file: FileConfig; readonly problems: readonly Problem[] } {
  const first = schema.safeParse(tree);
  if (first.success) return { file: first.data, problems: [] };
  const problems = problemsOf(first.error.issues, tree);

  const rest = structuredClone(tree);
  for (const { path } of problems) cutOut(rest, path);
  // What lacks a required part fails again, without it: cut out the section, then the whole.
  for (let round = 0; round < 3; round++) {
    const again = schema.safeParse(rest);
    if (again.success) return { file: again.data, problems };
    for (const issue of again.error.issues) cutOut(rest, sectionOf(issue));
  }
  return { file: schema.parse({}), problems };
}

function sectionOf(issue: z.core.$ZodIssue): readonly PropertyKey[] {
  return issue.path.slice(0, -1);
}

function cutOut(tree: Tree, path: readonly PropertyKey[]): void {
  let section: unknown = tree;
  for (const key of path.slice(0, -1)) section = isContainer(section) ? Reflect.get(section, key) : undefined;
  const last = path.at(-1);
  if (last !== undefined && isContainer(section)) Reflect.deleteProperty(section, last);
}

/** Whether one problem makes another unreliable: same provider or alias, or aliases whose provider was cut out. */
function explains(known: Problem, later: Problem): boolean {
  const [section, name] = known.path;
  if (section === later.path[0] && (name === undefined || name === later.path[1])) return true;
  return section === "providers" && later.path[0] === "models";
}

/** `trunkline.yaml:3: server.port is …` */
function sentence({ path, message }: Problem, settings: readonly Setting[], file: YamlFile | null): string {
  const text = path.length === 0 ? message : `${pathText(path)} ${message}`;
  // A flag comes after the variable that it replaced.
  const setting = settings.findLast((candidate) => candidate.path.every((key, depth) => path[depth] === key));
  if (setting !== undefined) return `${setting.source}: ${text}`;
  const line = file?.lineOf(path) ?? null;
  return file === null ? text : `${file.name}${line === null ? "" : `:${line}`}: ${text}`;
}

function entriesOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(isTree(value) ? Object.entries(value) : []);
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
