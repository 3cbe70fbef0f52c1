import type { Duration } from "@bufbuild/protobuf/wkt";
import { GatewayError } from "./errors.ts";

/**
 * A bound of the contract that a message crosses. The path of its field is completed on the way out, so that a good
 * request builds no paths.
 */
class Breach extends Error {
  override readonly name = "Breach";
  /** Path in the contract, from the message that is being checked. */
  readonly field: string;
  /** What is allowed and what was found, as the rest of a sentence that begins with the field. */
  readonly rule: string;

  constructor(field: string, rule: string) {
    super(`${field} ${rule}`);
    this.field = field;
    this.rule = rule;
  }
}

/**
 * Runs a check of a whole request.
 * @throws GatewayError `invalid_value` with the field's path, what is allowed there and what was found
 */
export function refusing<T>(request: T, check: (request: T) => void): void {
  try {
    check(request);
  } catch (thrown) {
    if (!(thrown instanceof Breach)) throw thrown;
    throw new GatewayError("invalid_value", thrown.message, { field: thrown.field, retryable: false });
  }
}

/** Refuses what stands in a field. @param rule `must …`, with what is allowed and, where it helps, what was found */
export function refuse(field: string, rule: string): never {
  throw new Breach(field, rule);
}

/** Checks the message in a field, if there is one. */
export function within<T>(field: string, value: T | undefined, check: (value: T) => void): void {
  if (value === undefined) return;
  try {
    check(value);
  } catch (thrown) {
    throw under(field, thrown);
  }
}

/** Checks each item of a list, and how many there are. */
export function each<T>(
  field: string,
  items: readonly T[],
  [min, max]: Range,
  check: (item: T, index: number) => void,
): void {
  if (items.length < min || items.length > max) {
    refuse(field, `must have ${span(min, max)} items, and has ${items.length}.`);
  }
  let index = 0;
  for (const item of items) {
    try {
      check(item, index);
    } catch (thrown) {
      throw under(`${field}[${index}]`, thrown);
    }
    index++;
  }
}

function under(path: string, thrown: unknown): unknown {
  if (!(thrown instanceof Breach)) return thrown;
  return new Breach(thrown.field === "" ? path : `${path}.${thrown.field}`, thrown.rule);
}

/** The least and the most, both allowed. */
export type Range = readonly [min: number, max: number];

export function inRange(field: string, value: number | undefined, [min, max]: Range): void {
  // Written so that NaN is refused.
  if (value === undefined || (value >= min && value <= max)) return;
  refuse(field, `must be ${max === Number.POSITIVE_INFINITY ? `${min} or more` : span(min, max)}, and is ${value}.`);
}

/** As inRange, without the lower end itself. */
export function above(field: string, value: number | undefined, [over, max]: Range): void {
  if (value === undefined || (value > over && value <= max)) return;
  refuse(field, `must be above ${over} and at most ${max}, and is ${value}.`);
}

/** Characters are Unicode code points. */
export function hasChars(field: string, text: string | undefined, [min, max]: Range): void {
  if (text === undefined) return;
  // No text has more code points than UTF-16 units, and none has fewer than half as many.
  if (text.length <= max && text.length >= min * 2) return;
  const chars = codePoints(text);
  if (chars < min || chars > max) refuse(field, `must have ${span(min, max)} characters, and has ${chars}.`);
}

/** @param max bytes of the text as UTF-8 */
export function hasBytes(field: string, text: string | undefined, max: number): void {
  // No UTF-16 unit takes more than three bytes.
  if (text === undefined || text.length * 3 <= max) return;
  const bytes = Buffer.byteLength(text);
  if (bytes > max) refuse(field, `must have at most ${max} bytes, and has ${bytes}.`);
}

export function isBetween(field: string, duration: Duration | undefined, [min, max]: Range): void {
  if (duration === undefined) return;
  const seconds = Number(duration.seconds) + duration.nanos / 1e9;
  if (!(seconds >= min && seconds <= max)) refuse(field, `must be ${span(min, max)} seconds, and is ${seconds}.`);
}

/** @param allowed names by number; 0 is left out where it is refused */
export function isOneOf(field: string, value: number, allowed: Readonly<Record<number, string>>): void {
  if (allowed[value] === undefined) {
    refuse(field, `must be one of ${Object.values(allowed).join(", ")}, and is ${value === 0 ? "not set" : value}.`);
  }
}

/** Checks a map's pairs: how many, the size of the keys, and each value. */
export function eachPair(
  field: string,
  pairs: Readonly<Record<string, string>>,
  limits: { readonly pairs: number; readonly keyChars: Range },
  check: (value: string) => void,
): void {
  const entries = Object.entries(pairs);
  if (entries.length > limits.pairs) {
    refuse(field, `must have at most ${limits.pairs} pairs, and has ${entries.length}.`);
  }
  for (const [key, value] of entries) {
    const path = `${field}[${JSON.stringify(key.slice(0, maxShownChars))}]`;
    within(path, key, (name) => hasChars("", name, limits.keyChars));
    within(path, value, check);
  }
}

/** Whether a oneof is filled by a case that this gateway knows. */
export function isGiven(field: string, oneof: { readonly case: string | undefined }, cases: string): void {
  if (oneof.case === undefined) refuse(field, `must be one of ${cases}, and is not set.`);
}

const maxShownChars = 64;

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function span(min: number, max: number): string {
  return `${min} to ${max}`;
}
