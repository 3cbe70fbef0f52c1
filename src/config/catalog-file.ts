import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { depthOf } from "../domain/json-bounds.ts";
import type { CatalogLayer } from "../domain/model-catalog.ts";
import { layerOf } from "./catalog-layer.ts";
import { type CatalogFile, catalogSchema } from "./catalog-schema.ts";
import type { Findings } from "./findings.ts";
import { annotatedSchema } from "./json-schema.ts";
import { ConfigError, pathText, problemsOf } from "./problems.ts";
import type { FileConfig } from "./schema.ts";
import { parseYaml, readText } from "./yaml-file.ts";

/** Largest catalogue. Bytes. */
export const maxCatalogBytes = 4 * 1024 * 1024;
/** Objects and lists inside each other in one; the format itself needs 8. */
const maxDepth = 16;
/** Most problems that are told of one file. */
const maxProblems = 20;
/** The updated catalogue of the data folder, where there is one, and the file that the configuration names over it. */
export function finishCatalog(file: FileConfig, folder: string, findings: Findings): readonly CatalogLayer[] {
  const updated = updatedPath(resolve(folder, file.server.data_dir));
  // An update that has gone bad is left out: the gateway starts on what the package knows, and can be updated again.
  const first = existsSync(updated)
    ? layerIn(updated, (problem) => findings.warn(`${problem} The catalogue is left out; run models update again.`))
    : [];
  if (file.catalog.file === undefined) return first;
  const named = resolve(folder, file.catalog.file);
  const tell = (problem: string) => findings.problem(["catalog", "file"], `cannot be used: ${problem}`);
  return [...first, ...layerIn(named, tell)];
}

/** Where `trunkline models update` writes. */
export function updatedPath(dataDir: string): string {
  return join(dataDir, "models.json");
}

function layerIn(name: string, tell: (problem: string) => void): readonly CatalogLayer[] {
  try {
    return [layerOf(readCatalog(name))];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) tell(problem);
    return [];
  }
}

/** @throws ConfigError with every problem of the file, each with its place */
export function readCatalog(name: string): CatalogFile {
  return parseCatalog(readText(name, maxCatalogBytes), name);
}

/**
 * A catalogue out of its text: YAML where the name ends so, else JSON.
 * @param name for messages
 * @throws ConfigError with every problem, each with its place: the path of the field, and what is allowed there
 */
export function parseCatalog(text: string, name: string): CatalogFile {
  const tree = /\.ya?ml$/i.test(name) ? parseYaml(text, name).tree : parseJson(text, name);
  const parsed = catalogSchema.safeParse(tree);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error.issues, tree, annotatedSchema(catalogSchema));
  const told = problems.slice(0, maxProblems).map(({ path, message }) => `${name}: ${pathText(path)} ${message}`);
  const more = problems.length - told.length;
  throw new ConfigError(more > 0 ? [...told, `${name}: ${more} more problems.`] : told);
}

function parseJson(text: string, name: string): unknown {
  // Depth is counted first: parsing is what a deep text would make dear.
  if (depthOf(text) > maxDepth) throw new ConfigError([`${name}: nests deeper than ${maxDepth} levels.`]);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigError([`${name}: is not valid JSON.`], { cause: error });
  }
}
