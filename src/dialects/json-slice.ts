import type { Span } from "../domain/chat.ts";
import { char, endOfString, endOfWord, keyOf, skipSpace } from "./json-scan.ts";

/**
 * A value inside a scanned JSON text, as text. Parsing loses integers above 2^53, the difference between 1 and 1.0 and
 * the order of integer-like keys; schemas and tool arguments therefore travel as slices of what the caller wrote.
 *
 * Children are found when asked for and remembered, so that walking a value costs its length once per level.
 */
export class JsonSlice {
  readonly #source: string;
  readonly #span: Span;
  readonly #known: ReadonlyMap<string, Span> | undefined;
  #members: Map<string, JsonSlice> | null = null;
  #elements: readonly JsonSlice[] | null = null;

  /**
   * @param source text that scanJson accepted
   * @param known where the members' values lie, when that is known already
   */
  constructor(source: string, span: Span, known?: ReadonlyMap<string, Span>) {
    this.#source = source;
    this.#span = span;
    this.#known = known;
  }

  get text(): string {
    return this.#source.slice(this.#span.start, this.#span.end);
  }

  /** A member of an object; undefined when there is none or this is no object. */
  member(name: string): JsonSlice | undefined {
    this.#members ??= this.#known ? this.#knownMembers(this.#known) : this.#readMembers();
    return this.#members.get(name);
  }

  /** An element of an array; undefined when there is none or this is no array. */
  element(index: number): JsonSlice | undefined {
    this.#elements ??= this.#readElements();
    return this.#elements[index];
  }

  #knownMembers(known: ReadonlyMap<string, Span>): Map<string, JsonSlice> {
    return new Map([...known].map(([name, span]) => [name, new JsonSlice(this.#source, span)]));
  }

  #readMembers(): Map<string, JsonSlice> {
    const members = new Map<string, JsonSlice>();
    this.#walk(char.openBrace, (at) => {
      const keyEnd = endOfString(this.#source, at);
      const start = skipSpace(this.#source, skipSpace(this.#source, keyEnd) + 1);
      const end = endOfValue(this.#source, start);
      members.set(keyOf(this.#source, at, keyEnd), new JsonSlice(this.#source, { start, end }));
      return end;
    });
    return members;
  }

  #readElements(): readonly JsonSlice[] {
    const elements: JsonSlice[] = [];
    this.#walk(char.openBracket, (start) => {
      const end = endOfValue(this.#source, start);
      elements.push(new JsonSlice(this.#source, { start, end }));
      return end;
    });
    return elements;
  }

  /** Calls `read` at the start of each child; it returns the child's end. */
  #walk(opener: number, read: (at: number) => number): void {
    if (this.#source.charCodeAt(this.#span.start) !== opener) return;
    const closer = this.#span.end - 1;
    for (let at = skipSpace(this.#source, this.#span.start + 1); at < closer; ) {
      at = skipSpace(this.#source, read(at));
      at = skipSpace(this.#source, at + 1); // Past the comma; past the end at the closer.
    }
  }
}

function endOfValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  do {
    const code = text.charCodeAt(at);
    if (code === char.quote) at = endOfString(text, at);
    else if (code === char.openBrace || code === char.openBracket) {
      depth++;
      at++;
    } else if (code === char.closeBrace || code === char.closeBracket) {
      depth--;
      at++;
    } else at = Math.max(endOfWord(text, at), at + 1);
  } while (depth > 0);
  return at;
}
