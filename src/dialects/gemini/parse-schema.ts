import { isJsonObject, type JsonObject } from "../json-body.ts";
import { camelOf } from "./proto-object.ts";

/** Deeper than any request may nest, so that the walk ends. */
const maxDepth = 128;

/**
 * A schema in Google's subset of OpenAPI (`parameters`, `responseSchema`) as JSON Schema: types in lower case, `nullable`
 * as a type, counts as numbers, properties in their declared order. What is JSON Schema already stays as it is.
 */
export function toJsonSchema(schema: JsonObject): JsonObject {
  return convert(schema, 0);
}

function convert(schema: JsonObject, depth: number): JsonObject {
  if (depth > maxDepth) return {};
  const converted: Record<string, unknown> = {};
  const inner = (value: unknown): unknown => (isJsonObject(value) ? convert(value, depth + 1) : value);
  const all = (value: unknown): unknown => (Array.isArray(value) ? value.map(inner) : value);
  const given = spelled(schema);
  for (const [keyword, value] of given) {
    if (value === null || own.has(keyword)) continue;
    if (keyword === "type") converted.type = lowered(value);
    else if (keyword === "properties") converted.properties = ordered(value, given.get("propertyOrdering"), inner);
    else if (keyword === "items" || keyword === "additionalProperties") converted[keyword] = inner(value);
    else if (lists.has(keyword)) converted[keyword] = all(value);
    else if (keyword === "$defs" || keyword === "definitions") converted[keyword] = ordered(value, undefined, inner);
    else if (keyword === "example") converted.examples = [value];
    else converted[keyword] = counts.has(keyword) ? counted(value) : value;
  }
  // A format of OpenAPI's own: it says no more than `enum` does.
  if (converted.format === "enum") delete converted.format;
  return given.get("nullable") === true ? nullable(converted) : converted;
}

const own: ReadonlySet<string> = new Set(["nullable", "propertyOrdering"]);
const lists: ReadonlySet<string> = new Set(["anyOf", "oneOf", "allOf", "prefixItems"]);
const counts: ReadonlySet<string> = new Set([
  ...["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"],
]);
/** Keywords that the proto spells otherwise. */
const spellings: ReadonlySet<string> = new Set([...own, ...lists, ...counts]);

function spelled(schema: JsonObject): ReadonlyMap<string, unknown> {
  return new Map(
    Object.entries(schema).map(([name, value]) => [spellings.has(camelOf(name)) ? camelOf(name) : name, value]),
  );
}

function lowered(type: unknown): unknown {
  if (Array.isArray(type)) return type.map(lowered);
  return typeof type === "string" ? type.toLowerCase() : type;
}

/** int64 is a string in Google's JSON. */
function counted(value: unknown): unknown {
  return typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
}

/** Properties by name, which may be any keyword. */
function ordered(properties: unknown, order: unknown, inner: (value: unknown) => unknown): unknown {
  if (!isJsonObject(properties)) return properties;
  const names = Object.keys(properties);
  const first = Array.isArray(order)
    ? [...new Set(order)].filter((name) => Object.hasOwn(properties, String(name)))
    : [];
  const sorted = [...first.map(String), ...names.filter((name) => !first.includes(name))];
  return Object.fromEntries(sorted.map((name) => [name, inner(properties[name])]));
}

function nullable(schema: JsonObject): JsonObject {
  const { type, enum: values, anyOf } = schema;
  if (type === undefined) return Array.isArray(anyOf) ? { ...schema, anyOf: [...anyOf, { type: "null" }] } : schema;
  const types = [type].flat();
  return {
    ...schema,
    type: types.includes("null") ? type : [...types, "null"],
    ...(Array.isArray(values) && !values.includes(null) && { enum: [...values, null] }),
  };
}
