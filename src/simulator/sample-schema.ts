/** References and nesting that are followed before a value is left out or made as small as the schema lets it. */
const maxDepth = 12;

/** A JSON value that fits a JSON Schema; always the same for the same schema. */
export function sampleOf(schema: unknown): unknown {
  return sample(schema, schema, 0);
}

function sample(schema: unknown, root: unknown, depth: number): unknown {
  if (!isObject(schema)) return "simulated";
  if (typeof schema.$ref === "string") {
    return depth > maxDepth ? null : sample(resolve(schema.$ref, root), root, depth + 1);
  }
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return schema.enum[0];
  const choices = [schema.anyOf, schema.oneOf].find((list) => Array.isArray(list) && list.length > 0);
  if (Array.isArray(choices)) return sample(choose(choices, depth), root, depth + 1);
  if (Array.isArray(schema.allOf)) {
    return sample(Object.assign({}, ...schema.allOf, { ...schema, allOf: undefined }), root, depth + 1);
  }
  return sampleType(typeOf(schema), schema, root, depth);
}

/** Deep down, the choice that ends: recursive schemas have one, mostly `null`. */
function choose(choices: readonly unknown[], depth: number): unknown {
  if (depth < maxDepth / 2) return choices[0];
  return choices.find((choice) => isObject(choice) && choice.type === "null") ?? choices.at(-1);
}

function sampleType(type: unknown, schema: JsonObject, root: unknown, depth: number): unknown {
  switch (type) {
    case "object":
      return sampleObject(schema, root, depth);
    case "array": {
      const least = typeof schema.minItems === "number" ? schema.minItems : depth < maxDepth / 2 ? 1 : 0;
      return Array.from({ length: Math.min(least, 100) }, () => sample(schema.items, root, depth + 1));
    }
    case "integer":
      return Math.ceil(sampleNumber(schema, 7));
    case "number":
      return sampleNumber(schema, 7.5);
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return sampleString(schema);
  }
}

function sampleObject(schema: JsonObject, root: unknown, depth: number): JsonObject {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  const names = Object.keys(properties).filter((name) => depth < maxDepth || required.includes(name));
  return Object.fromEntries(names.map((name) => [name, sample(properties[name], root, depth + 1)]));
}

function sampleNumber({ minimum, exclusiveMinimum, maximum }: JsonObject, usual: number): number {
  const least = typeof minimum === "number" ? minimum : typeof exclusiveMinimum === "number" ? exclusiveMinimum + 1 : 0;
  const most = typeof maximum === "number" ? maximum : Number.POSITIVE_INFINITY;
  return Math.min(Math.max(usual, least), most);
}

const formats: Readonly<Record<string, string>> = {
  "date-time": "2026-01-02T03:04:05Z",
  date: "2026-01-02",
  time: "03:04:05Z",
  duration: "PT1H",
  email: "someone@example.com",
  hostname: "example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.com/",
  uuid: "00000000-0000-4000-8000-000000000000",
};

function sampleString({ format, minLength, maxLength }: JsonObject): string {
  const text = (typeof format === "string" ? formats[format] : undefined) ?? "simulated";
  const least = typeof minLength === "number" ? Math.min(minLength, 10_000) : 0;
  return text.padEnd(least, "x").slice(0, typeof maxLength === "number" ? maxLength : undefined);
}

function typeOf({ type, properties, items }: JsonObject): unknown {
  if (Array.isArray(type)) return type.find((one) => one !== "null") ?? "null";
  if (type !== undefined) return type;
  if (properties !== undefined) return "object";
  return items !== undefined ? "array" : "string";
}

/** @param reference within the schema's own document: `#`, `#/$defs/node` */
function resolve(reference: string, root: unknown): unknown {
  const steps = reference.split("/").slice(1);
  return steps.reduce<unknown>(
    (at, step) => (isObject(at) ? at[step.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined),
    root,
  );
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
