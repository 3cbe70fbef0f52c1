import type * as z from "zod";
import { didYouMean } from "../domain/did-you-mean.ts";
import { annotatedSchema, nodeAt, type SchemaNode } from "./json-schema.ts";

/** One thing that is wrong with the configuration. */
export interface Problem {
  /** Keys that lead to the setting; empty when the problem is not one setting's. */
  readonly path: readonly PropertyKey[];
  /** What is wrong and what is allowed, as the end of a sentence that begins with the path. Holds no secret. */
  readonly message: string;
}

/** The configuration cannot be used. The message lists every problem, one a line. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** Whole sentences, each with its place, path, value and what is allowed. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: { cause?: unknown }) {
    const [first = "The configuration cannot be used."] = problems;
    super(problems.length < 2 ? first : `${problems.length} problems:\n${problems.join("\n")}`, options);
    this.problems = problems;
  }
}

/** Longest piece of a wrong value that a message repeats. Characters. */
const maxShownChars = 80;

/** Puts what zod found into sentences. @param tree the input that it looked at @param root what may stand in it */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  tree: unknown,
  root: SchemaNode = annotatedSchema(),
): Problem[] {
  return issues.flatMap((issue) => {
    switch (issue.code) {
      case "unrecognized_keys":
        return issue.keys.map((key) => unknownKey(root, [...issue.path, key]));
      case "invalid_key":
        return [
          { path: issue.path, message: `is not a name that may stand here; allowed are ${nameRule(root, issue)}.` },
        ];
      case "invalid_union":
        return unionProblems(root, issue, tree);
      default:
        return [valueProblem(root, issue.path, valueAt(tree, issue.path))];
    }
  });
}

function unknownKey(root: SchemaNode, path: readonly PropertyKey[]): Problem {
  const parent = nodeAt(root, path.slice(0, -1));
  const known = Object.entries(parent?.properties ?? {}).flatMap(([name, node]) => (node.later ? [] : [name]));
  const near = didYouMean(String(path.at(-1)), known);
  const advice = near === undefined ? `known here are ${known.join(", ")}` : `did you mean ${near}?`;
  return { path, message: `is not a setting; ${advice}${near === undefined ? "." : ""}` };
}

function nameRule(root: SchemaNode, issue: z.core.$ZodIssue): string {
  return nodeAt(root, issue.path.slice(0, -1))?.propertyNames?.allowed ?? "other names";
}

/** The variant that came furthest is the one that was meant. */
function unionProblems(root: SchemaNode, issue: z.core.$ZodIssueInvalidUnion, tree: unknown): Problem[] {
  const meant = issue.errors.find((variant) => variant.every((inner) => inner.path.length > 0 || isAboutKeys(inner)));
  if (meant === undefined) return [valueProblem(root, issue.path, valueAt(tree, issue.path))];
  // The inner paths begin at the union's place.
  const placed = meant.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  return problemsOf(placed, tree, root);
}

function isAboutKeys(issue: z.core.$ZodIssue): boolean {
  return issue.code === "unrecognized_keys";
}

function valueProblem(root: SchemaNode, path: readonly PropertyKey[], value: unknown): Problem {
  const node = nodeAt(root, path);
  if (node?.later) return { path, message: "is not supported by this version; remove it." };
  const allowed = node === undefined ? "another value" : allowedBy(node);
  if (value === undefined) return { path, message: `is missing; it takes ${allowed}.` };
  if (node?.secret || node?.anyOf?.some((choice) => choice.secret)) {
    return { path, message: `${plainOrForeign(value)}; it takes ${allowed}.` };
  }
  return { path, message: `is ${shown(value)}; it takes ${allowed}.` };
}

/** A secret's place holds something else than a reference that is understood. The value itself is never repeated. */
function plainOrForeign(value: unknown): string {
  const scheme = typeof value === "string" ? /^[a-z][a-z0-9+-]{0,31}:\/\//.exec(value)?.[0] : undefined;
  if (scheme === undefined || scheme === "env://" || scheme === "file://") return "holds something else (not shown)";
  return `refers to a ${scheme} secret, which this version cannot read`;
}

/** What a node allows, in words. */
export function allowedBy(node: SchemaNode): string {
  if (node.allowed !== undefined) return node.allowed;
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined) return `one of ${node.enum.join(", ")}`;
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(allowedBy))].join(", or ");
  switch (node.type) {
    case "integer":
      return `a whole number from ${node.minimum} to ${node.maximum}`;
    case "number":
      return `a number from ${node.minimum} to ${node.maximum}`;
    case "boolean":
      return "true or false";
    case "array":
      return `a list of ${node.minItems ?? 0} to ${node.maxItems} entries`;
    case "object":
      return node.properties
        ? `a section with ${Object.keys(node.properties).join(", ")}`
        : "a map of names to sections";
    case "null":
      return "null";
    default:
      return "text";
  }
}

function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  let value = tree;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** A value for a message: on one line, short, and without the credentials that a URL may hold. */
function shown(value: unknown): string {
  const json = (JSON.stringify(value) ?? String(value)).replace(/\/\/[^/@\s]*@/g, "//…@");
  return json.length > maxShownChars ? `${json.slice(0, maxShownChars)}…` : json;
}

/** `providers.openai.models[2]`, as people write it. */
export function pathText(path: readonly PropertyKey[]): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`;
    else
      text += /^[\w:@-]+$/.test(String(key)) ? `${text === "" ? "" : "."}${String(key)}` : `[${JSON.stringify(key)}]`;
  }
  return text;
}
