import { GatewayError } from "../../domain/errors.ts";
import { parseUpstreamJson } from "../upstream-json.ts";

/** A foreign JSON object: read by the functions below, tolerant of members that are new, absent or null. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object at a name; an empty one where there is none. */
export function fieldsOf(fields: Fields, name: string): Fields {
  const value = fields[name];
  return isFields(value) ? value : none;
}

/** The objects of a list; what is no object is passed over. */
export function listOf(fields: Fields, name: string): readonly Fields[] {
  const value = fields[name];
  return Array.isArray(value) ? value.filter(isFields) : [];
}

/** The text at a name; empty where there is none. */
export function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value : "";
}

/** A count whose sums fit the contract's int32; undefined where there is none, or one that cannot be. */
export function countOf(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  return typeof value === "number" && value >= 0 && value <= maxCount ? Math.trunc(value) : undefined;
}

/** @throws GatewayError `upstream_error` when the text is no JSON object; it is not repeated: it may hold the prompt */
export function parseObject(text: string, what: string): Fields {
  let value: unknown;
  try {
    value = parseUpstreamJson(text);
  } catch (cause) {
    throw new GatewayError("upstream_error", `The provider sent ${what} that is not JSON.`, {}, { cause });
  }
  if (!isFields(value)) throw new GatewayError("upstream_error", `The provider sent ${what} that is not an object.`);
  return value;
}

const none: Fields = {};
/** Ten of them make an int32; a hundred times the largest context window. */
const maxCount = 200_000_000;
