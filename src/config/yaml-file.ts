import { readFileSync, statSync } from "node:fs";
import { isAlias, isMap, isNode, isScalar, LineCounter, parseDocument, visit } from "yaml";
import { ConfigError } from "./problems.ts";

/** Largest configuration file. Bytes. */
const maxFileBytes = 1_048_576;
/** Most uses of YAML anchors: enough for hand-written files, far from what a bomb needs. */
const maxAliases = 100;
/** Most values that a file may unfold to, aliases counted as often as they are used. */
const maxNodes = 100_000;

/** A configuration file as a plain tree, with the line of each setting. */
export interface YamlFile {
  readonly name: string;
  readonly text: string;
  readonly tree: Readonly<Record<string, unknown>>;
  /** Line of the setting, or of the nearest section around it that the file has; null when it has none. */
  lineOf(path: readonly PropertyKey[]): number | null;
}

/** @throws ConfigError in one sentence when the file is missing, unreadable, too large or not YAML */
export function readYamlFile(name: string): YamlFile {
  return parseYaml(readText(name), name);
}

/** @throws ConfigError with the line of each syntax error */
export function parseYaml(text: string, name: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, stringKeys: true });
  const at = (offset: number) => `${name}:${lines.linePos(offset).line}`;

  const broken = [...document.errors, ...document.warnings].map((error) => `${at(error.pos[0])}: ${error.message}`);
  let aliases = 0;
  visit(document, (_, node) => {
    if (isAlias(node)) {
      aliases++;
      if (!node.resolve(document)) broken.push(`${at(node.range?.[0] ?? 0)}: there is no anchor &${node.source}.`);
    }
    // Such a key would change the tree's prototype instead of adding a setting.
    if (isMap(node)) {
      for (const { key } of node.items) {
        if (isScalar(key) && key.value === "__proto__")
          broken.push(`${at(key.range?.[0] ?? 0)}: __proto__ is not a setting.`);
      }
    }
  });
  if (aliases > maxAliases) broken.push(`${name}: more than ${maxAliases} uses of YAML anchors are refused.`);
  if (broken.length > 0) throw new ConfigError(broken);

  let tree: unknown;
  try {
    tree = document.toJS({ maxAliasCount: maxAliases });
  } catch (error) {
    throw new ConfigError([`${name}: YAML anchors that multiply this much are refused.`], { cause: error });
  }
  if (tree === null || tree === undefined) tree = {};
  if (typeof tree !== "object" || Array.isArray(tree)) {
    throw new ConfigError([`${name}: the file must hold sections such as \`server:\`, not a single value or a list.`]);
  }
  if (countNodes(tree) > maxNodes) throw new ConfigError([`${name}: more than ${maxNodes} values are refused.`]);

  return {
    name,
    text,
    // An object that is no array, from a document whose keys are strings.
    tree: tree as Record<string, unknown>,
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const node = document.getIn(path.slice(0, length), true);
        if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
      }
      return null;
    },
  };
}

/** @throws ConfigError in one sentence when the file is missing, unreadable, too large or not UTF-8 */
export function readText(name: string, maxBytes = maxFileBytes): string {
  let bytes: Buffer;
  try {
    if (statSync(name).size > maxBytes) throw new ConfigError([`${name} is larger than ${maxBytes} bytes.`]);
    bytes = readFileSync(name);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError([`${name} ${fileFault(error)}.`], { cause: error });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigError([`${name} is not valid UTF-8.`], { cause: error });
  }
}

/** Why a file cannot be read, as the end of a sentence that begins with its name. */
export function fileFault(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return "does not exist";
    case "EACCES":
    case "EPERM":
      return "may not be read by this user";
    case "EISDIR":
      return "is a folder";
    default:
      return `cannot be read (${String(code ?? "unknown reason")})`;
  }
}

/** Values of a tree; stops soon after the limit, so that shared branches cost no more than they may. */
function countNodes(root: unknown): number {
  const waiting: unknown[] = [root];
  let count = 0;
  while (waiting.length > 0 && count <= maxNodes) {
    const value = waiting.pop();
    count++;
    if (typeof value === "object" && value !== null) {
      for (const child of Object.values(value)) waiting.push(child);
    }
  }
  return count;
}
