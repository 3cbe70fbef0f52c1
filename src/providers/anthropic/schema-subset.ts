import { type Fields, isFields } from "../../dialects/anthropic-messages/fields.ts";
import { skipSpace } from "../../dialects/json-scan.ts";
import { JsonSlice } from "../../dialects/json-slice.ts";
import { membersOf } from "../../dialects/json-splice.ts";
import { type JsonMembers, type JsonTree, RawJson } from "../../dialects/json-text.ts";
import type { LossReport } from "../../domain/loss.ts";

/**
 * A JSON Schema within the subset that the provider enforces (wire.md 17.4). A schema that is within it already stays
 * as it was written; what the provider would refuse moves into descriptions, so that the model still reads it.
 * @param text JSON text of the schema
 * @param field its path, for the report
 * @throws GatewayError `invalid_value` when the text is no object
 */
export function toSchemaSubset(text: string, field: string, losses: LossReport): JsonTree {
  membersOf(text, field); // Bounds the nesting before it is walked.
  const start = skipSpace(text, 0);
  const changes = new Set<string>();
  const schema = convert(JSON.parse(text), new JsonSlice(text, { start, end: text.trimEnd().length }), changes);
  if (changes.size === 0) return new RawJson(text);
  const told = [...changes].filter((keyword) => !harmless.has(keyword));
  if (told.length > 0) {
    losses.approximate(
      field,
      `not enforced by this provider, but told to the model in descriptions: ${told.join(", ")}.`,
    );
  }
  if (changes.has(closed))
    losses.approximate(field, "this provider's objects take no properties beyond the named ones.");
  return schema;
}

/** Marks that an object was closed which the caller left open. */
const closed = "additionalProperties";

/** Changes that are not to be told: they restrict nothing, or are told apart. */
const harmless = new Set(["$schema", "$id", "$comment", "oneOf", closed]);

/** @param changes keywords that did not stay as they were */
function convert(schema: unknown, source: JsonSlice | undefined, changes: Set<string>): JsonTree {
  if (!isFields(schema)) return raw(source);
  const kept: JsonMembers = {};
  const moved: [string, string][] = [];
  for (const [keyword, value] of Object.entries(schema)) {
    const from = source?.member(keyword);
    const role = roles.get(keyword);
    if (role === "copy" || isTakenValue(keyword, value)) kept[keyword] = raw(from);
    else if (role === "schema" && isFields(value)) kept[keyword] = convert(value, from, changes);
    else if (role === "schemas" && Array.isArray(value)) kept[keyword] = list(value, from, changes);
    else if (role === "named" && isFields(value)) kept[keyword] = named(value, from, changes);
    else if (keyword === "oneOf" && Array.isArray(value) && !("anyOf" in schema)) {
      changes.add(keyword);
      kept.anyOf = list(value, from, changes);
    } else if (keyword !== closed || isFields(value)) {
      changes.add(keyword);
      if (keyword === closed || !harmless.has(keyword)) moved.push([keyword, from?.text ?? ""]);
    }
  }
  if (isObjectSchema(schema)) {
    if (schema.additionalProperties !== false) changes.add(closed);
    kept.additionalProperties = false;
  }
  if (moved.length > 0) kept.description = described(schema.description, moved);
  return kept;
}

type Role = "copy" | "schema" | "schemas" | "named";

/** Keywords that the provider takes, by what stands in them. A property may be named like any of them. */
const roles: ReadonlyMap<string, Role> = new Map<string, Role>([
  ...["type", "title", "description", "enum", "const", "default", "required", "$ref"].map((k) => [k, "copy"] as const),
  ["items", "schema"],
  ["anyOf", "schemas"],
  ["allOf", "schemas"],
  ["properties", "named"],
  ["$defs", "named"],
  ["definitions", "named"],
]);

const formats = new Set(["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"]);

/** Keywords that are taken with some values only. */
function isTakenValue(keyword: string, value: unknown): boolean {
  if (keyword === "format") return typeof value === "string" && formats.has(value);
  return keyword === "minItems" && (value === 0 || value === 1);
}

function isObjectSchema({ type, properties }: Fields): boolean {
  return type === "object" || (Array.isArray(type) && type.includes("object")) || isFields(properties);
}

function list(schemas: readonly unknown[], source: JsonSlice | undefined, changes: Set<string>): JsonTree {
  return schemas.map((schema, index) => convert(schema, source?.element(index), changes));
}

function named(schemas: Fields, source: JsonSlice | undefined, changes: Set<string>): JsonTree {
  const pairs = Object.entries(schemas).map(([name, schema]) => [name, convert(schema, source?.member(name), changes)]);
  return Object.fromEntries(pairs);
}

function described(description: unknown, moved: readonly (readonly [string, string])[]): string {
  const rules = `{${moved.map(([keyword, text]) => `${keyword}: ${text}`).join(", ")}}`;
  return typeof description === "string" && description !== "" ? `${description}\n\n${rules}` : rules;
}

/** A value as it was written: numbers above 2^53 in an enum stay exact. */
function raw(source: JsonSlice | undefined): JsonTree {
  return new RawJson(source?.text ?? "null");
}
