import type { Span } from "../domain/chat.ts";
import { GatewayError } from "../domain/errors.ts";

/** Bounds of a JSON text, each counted before the text is parsed. */
export interface JsonLimits {
  /** Objects and arrays inside each other. */
  readonly depth: number;
  /** Keys of all objects together. */
  readonly keys: number;
  /** Characters of one number. */
  readonly numberLength: number;
}

/** design 15.17. No request of a real client comes near them. */
export const jsonLimits: JsonLimits = { depth: 128, keys: 100_000, numberLength: 256 };

export interface JsonScan {
  /** Members of the outermost object, in order; empty when the text is not an object. */
  readonly members: ReadonlyMap<string, Span>;
  /** Keys of all objects together, repeated ones counted each time. */
  readonly keys: number;
}

/**
 * Reads a JSON text once, from left to right, without building anything: finds what would make parsing dear (depth,
 * keys, endless numbers), errors of structure, and where the members of the outermost object lie. Escapes, control
 * characters and the finer grammar of numbers are left to JSON.parse.
 * @param toText the text that a slice stands for, where that is another: names are given as text
 * @throws GatewayError `invalid_value` that names the limit or the line and column, never the content
 */
export function scanJson(text: string, limits: JsonLimits = jsonLimits, toText?: ToText): JsonScan {
  return new Scanner(text, limits, toText).scan();
}

type ToText = (slice: string) => string;

/** Says where in a text an offset lies, as editors count: from 1, in characters. */
function placeInText(text: string, offset: number): string {
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) {
    line++;
    lineStart = at + 1;
  }
  return `line ${line}, column ${offset - lineStart + 1}`;
}

/** The end (exclusive) of the string that opens at `start`; −1 when it never ends. Strings are skipped by indexOf. */
export function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === char.backslash) slashes++;
    if (slashes % 2 === 0) return quote + 1;
  }
  return -1;
}

/** The first offset from `at` on that is not white space. */
export function skipSpace(text: string, at: number): number {
  let here = at;
  for (;;) {
    const code = text.charCodeAt(here);
    if (code !== char.space && code !== char.lineFeed && code !== char.return && code !== char.tab) return here;
    here++;
  }
}

/** A key as JSON.parse reads it, from its text with quotes. */
export function keyOf(text: string, start: number, end: number, toText?: ToText): string {
  const slice = text.slice(start + 1, end - 1);
  const raw = toText ? toText(slice) : slice;
  if (!raw.includes("\\")) return raw;
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch {
    return raw; // A bad escape: JSON.parse refuses the whole text soon after, with its place.
  }
}

/** The end of a number or literal that starts at `at`. */
export function endOfWord(text: string, at: number): number {
  let here = at;
  for (;;) {
    const code = text.charCodeAt(here);
    const isDigit = code >= char.zero && code <= char.nine;
    const isLetter = (code | 32) >= char.a && (code | 32) <= char.z;
    if (!isDigit && !isLetter && code !== char.minus && code !== char.plus && code !== char.dot) return here;
    here++;
  }
}

export const char = {
  tab: 9,
  lineFeed: 10,
  return: 13,
  space: 32,
  quote: 34,
  plus: 43,
  comma: 44,
  minus: 45,
  dot: 46,
  zero: 48,
  nine: 57,
  colon: 58,
  openBracket: 91,
  backslash: 92,
  closeBracket: 93,
  a: 97,
  z: 122,
  openBrace: 123,
  closeBrace: 125,
} as const;

const literals = new Set(["true", "false", "null"]);

/** The scan's state. One step reads a value, then everything that closes behind it. */
class Scanner {
  readonly #text: string;
  readonly #limits: JsonLimits;
  readonly #toText: ToText | undefined;
  readonly #members = new Map<string, Span>();
  /** Closing character of each open object or array. */
  readonly #closers: number[] = [];
  #at = 0;
  #keys = 0;
  #memberName = "";
  #memberStart = -1;

  constructor(text: string, limits: JsonLimits, toText: ToText | undefined) {
    this.#text = text;
    this.#limits = limits;
    this.#toText = toText;
  }

  scan(): JsonScan {
    do this.#value();
    while (this.#next());
    this.#at = skipSpace(this.#text, this.#at);
    if (this.#at < this.#text.length) throw this.#bad("The JSON value ends, but more text follows");
    return { members: this.#members, keys: this.#keys };
  }

  /** Reads one scalar, or opens containers until their first value; leaves empty containers to `#next`. */
  #value(): void {
    for (;;) {
      this.#at = skipSpace(this.#text, this.#at);
      const code = this.#text.charCodeAt(this.#at);
      if (code === char.quote) return this.#string();
      if (code !== char.openBrace && code !== char.openBracket) return this.#word(code);
      if (this.#opensEmpty(code === char.openBrace)) return;
    }
  }

  #opensEmpty(isObject: boolean): boolean {
    if (this.#closers.length === this.#limits.depth) {
      throw this.#over(`nests deeper than ${this.#limits.depth} levels`);
    }
    const closer = isObject ? char.closeBrace : char.closeBracket;
    this.#closers.push(closer);
    this.#at = skipSpace(this.#text, this.#at + 1);
    if (this.#text.charCodeAt(this.#at) === closer) return true;
    if (isObject) this.#key();
    return false;
  }

  /** Goes to the next value: closes what ends here, passes a comma. False when the outermost value has ended. */
  #next(): boolean {
    for (;;) {
      const depth = this.#closers.length;
      if (depth === 0) return false;
      // A member's value ends before the white space behind it.
      const end = this.#at;
      this.#at = skipSpace(this.#text, end);
      const code = this.#text.charCodeAt(this.#at);
      const closer = this.#closers[depth - 1];
      if (code !== char.comma && code !== closer)
        throw this.#bad(`Expected ',' or '${String.fromCharCode(closer ?? 0)}'`);
      if (depth === 1 && this.#memberStart !== -1) this.#endMember(end);
      this.#at++;
      if (code === closer) {
        this.#closers.pop();
        continue;
      }
      if (closer === char.closeBrace) this.#key();
      return true;
    }
  }

  #key(): void {
    const start = skipSpace(this.#text, this.#at);
    this.#at = start;
    if (this.#text.charCodeAt(start) !== char.quote) throw this.#bad("Expected a key in double quotes");
    if (++this.#keys > this.#limits.keys) throw this.#over(`has more than ${this.#limits.keys} keys`);
    this.#string();
    const end = this.#at;
    this.#at = skipSpace(this.#text, end);
    if (this.#text.charCodeAt(this.#at) !== char.colon) throw this.#bad("Expected ':' after a key");
    this.#at++;
    if (this.#closers.length === 1) {
      this.#memberName = keyOf(this.#text, start, end, this.#toText);
      this.#memberStart = skipSpace(this.#text, this.#at);
    }
  }

  #endMember(end: number): void {
    // Two readers of `{"messages":…,"messages":…}` may disagree on which one counts: what was screened here would not
    // be what the provider reads.
    if (this.#members.has(this.#memberName)) throw repeatedKey(this.#memberName);
    this.#members.set(this.#memberName, { start: this.#memberStart, end });
    this.#memberStart = -1;
  }

  #string(): void {
    const end = endOfString(this.#text, this.#at);
    if (end === -1) throw this.#bad("A string has no closing quote; it starts");
    this.#at = end;
  }

  #word(code: number): void {
    const end = endOfWord(this.#text, this.#at);
    if (code === char.minus || (code >= char.zero && code <= char.nine)) {
      if (end - this.#at > this.#limits.numberLength) {
        throw this.#over(`has a number longer than ${this.#limits.numberLength} characters`);
      }
    } else if (!literals.has(this.#text.slice(this.#at, Math.min(end, this.#at + 6)))) {
      throw this.#bad("Expected a JSON value");
    }
    this.#at = end;
  }

  #bad(what: string): GatewayError {
    if (this.#at >= this.#text.length) {
      return new GatewayError("invalid_value", "The body is not valid JSON: it ends too early.");
    }
    return badJson(what, this.#text, this.#at);
  }

  #over(what: string): GatewayError {
    const place = placeInText(this.#text, this.#at);
    return new GatewayError("invalid_value", `The JSON body ${what} (at ${place}). No more is allowed.`);
  }
}

/** A syntax error in words that say where, never what is there. */
export function badJson(what: string, text: string, offset: number): GatewayError {
  return new GatewayError("invalid_value", `The body is not valid JSON. ${what} at ${placeInText(text, offset)}.`);
}

/** @param name the repeated top-level key; null when it lies deeper */
export function repeatedKey(name: string | null): GatewayError {
  const shown = name === null ? "An object in the body has the same key twice" : "The body has the same key twice";
  return new GatewayError(
    "invalid_value",
    `${shown}. Each key may stand once in an object.`,
    name === null ? {} : { param: name.slice(0, maxShownKeyLength) },
  );
}

const maxShownKeyLength = 64;
