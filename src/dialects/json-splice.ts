import { GatewayError } from "../domain/errors.ts";
import { scanJson } from "./json-scan.ts";
import { type JsonMembers, RawJson } from "./json-text.ts";

/**
 * JSON text of an object, to be spliced as it stands; empty text is an object without members.
 * @throws GatewayError `invalid_value` when it is anything else
 */
export function objectText(text: string, field: string): RawJson {
  if (text.trim() === "") return new RawJson("{}");
  const value = parsed(text, field);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidValue(field, "must be the text of a JSON object.");
  }
  return new RawJson(text);
}

/** JSON text of any value, to be spliced as it stands. @throws GatewayError `invalid_value` */
export function jsonText(text: string, field: string): RawJson {
  parsed(text, field);
  return new RawJson(text);
}

/**
 * The members of an object's JSON text, each value spliced as it stands, so that others can be put beside them.
 * @throws GatewayError `invalid_value` for what is no object, has a member twice or nests deeper than requests may
 */
export function membersOf(text: string, field: string): JsonMembers {
  objectText(text, field);
  if (text.trim() === "") return {};
  const members: JsonMembers = {};
  for (const [name, { start, end }] of scanned(text, field)) {
    if (name === "__proto__") throw invalidValue(field, "must not have a member '__proto__'.");
    members[name] = new RawJson(text.slice(start, end));
  }
  return members;
}

/** A value that no policy lets through. @param rule what is wrong and what is allowed */
export function invalidValue(field: string, rule: string): GatewayError {
  return new GatewayError("invalid_value", `${field} ${rule}`, { field });
}

function scanned(text: string, field: string) {
  try {
    return scanJson(text).members;
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause;
    throw invalidValue(field, "must be a JSON object within the limits of a request, no member twice.");
  }
}

function parsed(text: string, field: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own words quote the content; they stay out of messages and logs.
    throw invalidValue(field, "must be valid JSON.");
  }
}
