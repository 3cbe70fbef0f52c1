import type { Span } from "../domain/chat.ts";
import { GatewayError } from "../domain/errors.ts";
import { badJson, type JsonLimits, type JsonScan, jsonLimits, repeatedKey, scanJson } from "./json-scan.ts";
import { JsonSlice } from "./json-slice.ts";
import { fromUtf8 } from "./utf8.ts";

/** An object parsed from foreign JSON. Own properties only, so that `__proto__` is an ordinary unknown key. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A request body that is a JSON object. */
export interface JsonBody {
  readonly value: JsonObject;
  /** As the caller sent it, without a byte order mark. */
  readonly bytes: Uint8Array;
  /** Top-level members by name: where their values lie in the bytes. */
  readonly members: ReadonlyMap<string, Span>;
  /** The same as text, to be looked into. */
  readonly json: JsonSlice;
}

/**
 * Reads a request body: UTF-8, a byte order mark allowed, one JSON object within the limits, no key twice.
 * @throws GatewayError `invalid_value` that says what is wrong and where, without echoing content
 */
export function readJsonBody(bytes: Uint8Array, limits: JsonLimits = jsonLimits): JsonBody {
  const own = withoutMark(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const text = fromUtf8(own);
  if (text === null) throw new GatewayError("invalid_value", "The body is not valid UTF-8.");
  if (text.trim() === "") throw new GatewayError("invalid_value", "The body is empty. Send a JSON object.");
  const isAscii = text.length === own.length;
  const { members, keys } = isAscii ? scanJson(text, limits) : scanBytes(own, text, limits);
  const value = parse(text);
  if (!isJsonObject(value)) throw new GatewayError("invalid_value", "The body must be a JSON object.");
  if (countKeys(value) !== keys) throw repeatedKey(null);
  const whole = { start: text.indexOf("{"), end: text.lastIndexOf("}") + 1 };
  return { value, bytes: own, members, json: new JsonSlice(text, whole, isAscii ? members : undefined) };
}

/**
 * Scans a text for offsets in its bytes. All that structure is made of is ASCII, and no byte of another character looks
 * like it: with a character for each byte the scan finds the same, in half of the memory.
 */
function scanBytes(bytes: Buffer, text: string, limits: JsonLimits): JsonScan {
  try {
    return scanJson(bytes.toString("latin1"), limits, (slice) => Buffer.from(slice, "latin1").toString());
  } catch {
    return scanJson(text, limits); // Fails in the same way, and counts columns in characters.
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function withoutMark(bytes: Buffer): Buffer {
  const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return isMarked ? bytes.subarray(3) : bytes;
}

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
