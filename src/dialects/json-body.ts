import { isUtf8 } from "node:buffer";
import type { Span } from "../domain/chat.ts";
import { GatewayError } from "../domain/errors.ts";
import { badJson, type JsonLimits, jsonLimits, repeatedKey, scanJson } from "./json-scan.ts";

/** An object parsed from foreign JSON. Own properties only, so that `__proto__` is an ordinary unknown key. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A request body that is a JSON object, as value and as text. */
export interface JsonBody {
  readonly value: JsonObject;
  readonly text: string;
  readonly members: ReadonlyMap<string, Span>;
}

/**
 * Reads a request body: UTF-8, a byte order mark allowed, one JSON object within the limits, no key twice.
 * @throws GatewayError `invalid_value` that says what is wrong and where, without echoing content
 */
export function readJsonBody(bytes: Uint8Array, limits: JsonLimits = jsonLimits): JsonBody {
  const text = decode(bytes);
  if (text.trim() === "") throw new GatewayError("invalid_value", "The body is empty. Send a JSON object.");
  const { members, keys } = scanJson(text, limits);
  const value = parse(text);
  if (!isJsonObject(value)) throw new GatewayError("invalid_value", "The body must be a JSON object.");
  if (countKeys(value) !== keys) throw repeatedKey(null);
  return { value, text, members };
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As a fatal TextDecoder reads it, which costs 4 µs to make. */
function decode(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  // What is no UTF-8 has become this mark, which a text may also hold; most hold none, and are not read a second time.
  if (text.includes("\ufffd") && !isUtf8(bytes)) {
    throw new GatewayError("invalid_value", "The body is not valid UTF-8.");
  }
  return text.startsWith(byteOrderMark) ? text.slice(1) : text;
}

const byteOrderMark = "\ufeff";

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's message quotes the content. Its offset is all that we take of it, and the error is not kept as a
    // cause either: it would put the prompt into the log.
    const offset = /at position (\d+)/.exec(String(error))?.[1];
    if (offset === undefined) throw new GatewayError("invalid_value", "The body is not valid JSON.");
    throw badJson("Unexpected character", text, Number(offset));
  }
}

/**
 * Keys of all objects in a parsed value. Fewer than the scan counted means that some object had a key twice: cheaper
 * than remembering every object's keys during the scan. Depth is bounded by the scan.
 */
function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const element of value) count += countKeys(element);
    return count;
  }
  for (const member of Object.values(value)) count += 1 + countKeys(member);
  return count;
}
