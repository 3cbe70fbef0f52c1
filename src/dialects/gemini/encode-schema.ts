import type { LossReport } from "../../domain/loss.ts";
import { membersOf } from "../json-splice.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import { type Fields, isFields } from "../openai-chat/wire.ts";

/** References and nesting that are followed before a schema is cut. */
const maxDepth = 24;

/**
 * A JSON Schema in the subset of OpenAPI that models before 2.5 take (wire.md §17.4): references put in place, type
 * lists as alternatives, constants as enums. Converting what is converted already changes nothing.
 * @param text JSON text of the schema
 * @param field its path, for the report
 * @throws GatewayError `invalid_value` when the text is no object
 */
export function toSchema(text: string, field: string, losses: LossReport): JsonTree {
  membersOf(text, field); // Bounds the nesting before it is walked.
  const root: unknown = JSON.parse(text);
  const lost = new Set<string>();
  const schema = convert(root, { root, depth: 0, following: [] }, lost);
  if (lost.size > 0) losses.approximate(field, `this model does not take: ${[...lost].join(", ")}.`);
  return schema;
}

interface Place {
  readonly root: unknown;
  readonly depth: number;
  /** References that are being followed: one that leads back to itself is cut. */
  readonly following: readonly string[];
}

function convert(schema: unknown, place: Place, lost: Set<string>): JsonMembers {
  if (!isFields(schema)) return {};
  if (typeof schema.$ref === "string") return followed(schema.$ref, schema, place, lost);
  if (Array.isArray(schema.allOf)) return convert(merged(schema), place, lost);
  const inner = { ...place, depth: place.depth + 1 };
  if (inner.depth > maxDepth) {
    lost.add("deep nesting");
    return {};
  }
  const kept: JsonMembers = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (copied.has(keyword))
      kept[keyword] = value as JsonTree; // Parsed JSON.
    else if (keyword === "type") Object.assign(kept, typed(value));
    else if (keyword === "properties" && isFields(value)) kept.properties = named(value, inner, lost);
    else if (keyword === "items") kept.items = convert(value, inner, lost);
    else if (keyword === "anyOf" || keyword === "oneOf") kept.anyOf = listed(value, inner, lost);
    else if (keyword === "const") kept.enum = [String(value)];
    else if (keyword === "enum" && Array.isArray(value)) Object.assign(kept, toEnum(value));
    else if (!silent.has(keyword)) lost.add(keyword);
  }
  return kept;
}

const copied: ReadonlySet<string> = new Set([
  ...["title", "description", "format", "nullable", "default", "example", "required", "propertyOrdering", "pattern"],
  ...["minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"],
]);

/** Restricts nothing, or is dealt with elsewhere. */
const silent: ReadonlySet<string> = new Set([
  ...["$schema", "$id", "$comment", "$defs", "definitions", "additionalProperties"],
]);

/** A list of types: `null` among them is a mark, several others are alternatives. */
function typed(value: unknown): JsonMembers {
  if (!Array.isArray(value)) return { type: typeof value === "string" ? value : "string" };
  const types = value.filter((type): type is string => typeof type === "string" && type !== "null");
  const nullable = types.length < value.length ? { nullable: true } : {};
  if (types.length > 1) return { anyOf: types.map((type) => ({ type })), ...nullable };
  return { type: types[0] ?? "string", ...nullable };
}

/** Values are texts here; `null` among them is a mark. */
function toEnum(values: readonly unknown[]): JsonMembers {
  const texts = values.filter((value) => value !== null).map(String);
  return texts.length < values.length ? { enum: texts, nullable: true } : { enum: texts };
}

/** Properties by name, which may be any keyword. */
function named(properties: Fields, place: Place, lost: Set<string>): JsonMembers {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, convert(value, place, lost)]));
}

function listed(value: unknown, place: Place, lost: Set<string>): JsonTree {
  return Array.isArray(value) ? value.map((one: unknown) => convert(one, place, lost)) : [];
}

function followed(reference: string, { $ref: _, ...beside }: Fields, place: Place, lost: Set<string>): JsonMembers {
  if (place.following.includes(reference)) {
    lost.add("recursion");
    return { type: "object" };
  }
  const target = resolved(reference, place.root);
  if (target === undefined) lost.add(`$ref ${reference}`);
  const next = { ...place, following: [...place.following, reference] };
  return convert({ ...(isFields(target) ? target : {}), ...beside }, next, lost);
}

/** @param reference within the schema itself: `#`, `#/$defs/node` */
function resolved(reference: string, root: unknown): unknown {
  if (!reference.startsWith("#")) return undefined;
  let at = root;
  for (const step of reference.split("/").slice(1)) {
    at = isFields(at) ? at[step.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  }
  return at;
}

function merged({ allOf, ...rest }: Fields): Fields {
  const all = Array.isArray(allOf) ? allOf.filter(isFields) : [];
  const properties = Object.assign(
    {},
    ...[...all, rest].map((one) => (isFields(one.properties) ? one.properties : {})),
  );
  const required = [...all, rest].flatMap((one) => (Array.isArray(one.required) ? one.required : []));
  return {
    ...Object.assign({}, ...all),
    ...rest,
    ...(Object.keys(properties).length > 0 && { properties }),
    ...(required.length > 0 && { required: [...new Set(required)] }),
  };
}

/** What `responseJsonSchema` is documented to enforce; the rest of a schema is taken and passed over. */
const enforced: ReadonlySet<string> = new Set([
  ...["$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems"],
  ...["minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties", "required"],
  ...["propertyOrdering", "$schema", "$comment", "default", "definitions", "examples"],
]);

/** Members whose members are schemas by names of the caller's. */
const namedSchemas: ReadonlySet<string> = new Set(["properties", "$defs", "definitions"]);
/** Members that hold no schemas, whatever they look like. */
const plainValues: ReadonlySet<string> = new Set(["enum", "default", "examples", "required", "propertyOrdering"]);

/** Keywords of a JSON Schema that models which take it do not enforce, each once. @param text JSON text, checked */
export function unenforcedKeywords(text: string): readonly string[] {
  const found = new Set<string>();
  const visit = (schema: unknown): void => {
    if (Array.isArray(schema)) for (const one of schema) visit(one);
    if (!isFields(schema)) return;
    for (const [keyword, value] of Object.entries(schema)) {
      if (!enforced.has(keyword)) found.add(keyword);
      else if (namedSchemas.has(keyword) && isFields(value)) for (const one of Object.values(value)) visit(one);
      else if (!plainValues.has(keyword)) visit(value);
    }
  };
  visit(JSON.parse(text));
  return [...found];
}
