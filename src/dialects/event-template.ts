import { endOfString, skipSpace } from "./json-scan.ts";

/**
 * Reads stream events that differ from one before only in their text, without parsing them: all but a few of a stream's
 * events do. JSON text itself is compared, so an event that says anything else, or says it otherwise, never matches.
 */
export class EventTemplate {
  readonly #keys: readonly string[];
  /** The fixed text before, between and behind the holes; empty while there is nothing to compare with. */
  #pieces: readonly string[] = [];
  /** Which of the holes has the text. */
  #wanted = 0;

  /**
   * @param key the member that has the text
   * @param noise members whose value, a text too, differs from event to event and means nothing
   */
  constructor(key: string, ...noise: readonly string[]) {
    this.#keys = [key, ...noise];
  }

  /** Takes an event as the pattern for those that follow. @param json an object that was parsed without error */
  learn(json: string): void {
    this.#pieces = [];
    const holes: Hole[] = [];
    for (const key of this.#keys) {
      const hole = holeAt(json, key);
      if (hole === "unclear") return;
      if (hole) holes.push(hole);
    }
    // Without the text there is nothing to read; it is the first of the keys.
    const [text] = holes;
    if (text === undefined || text.key !== this.#keys[0]) return;
    holes.sort((one, other) => one.start - other.start);
    this.#wanted = holes.indexOf(text);
    const starts = [0, ...holes.map(({ end }) => end)];
    const ends = [...holes.map(({ start }) => start), json.length];
    this.#pieces = starts.map((start, at) => json.slice(start, ends[at]));
  }

  /** Nothing matches until an event is learned. */
  forget(): void {
    this.#pieces = [];
  }

  /** The text of an event that is like the one learned; null for any other. */
  match(json: string): string | null {
    const [head] = this.#pieces;
    if (head === undefined || !isAt(json, 0, head)) return null;
    let text = "";
    let at = head.length;
    for (let hole = 1; hole < this.#pieces.length; hole++) {
      const end = endOfString(json, at - 1) - 1;
      // The loop's bound is the list's own.
      const piece = this.#pieces[hole] as string;
      if (end < at || !isAt(json, end, piece)) return null;
      const value = readString(json, at, end);
      if (value === null) return null;
      if (hole - 1 === this.#wanted) text = value;
      at = end + piece.length;
    }
    return at === json.length ? text : null;
  }
}

/** As `startsWith`, which takes five times as long: V8 compares whole strings word by word, parts letter by letter. */
function isAt(text: string, at: number, piece: string): boolean {
  return text.slice(at, at + piece.length) === piece;
}

/** Where a string value lies, without its quotes. */
interface Hole {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

/** The value of the only member of that name; null where there is none, `unclear` where there are more. */
function holeAt(json: string, key: string): Hole | null | "unclear" {
  // No string of a JSON text can hold this: its quotes would be escaped.
  const member = `"${key}":`;
  const at = json.indexOf(member);
  if (at === -1) return null;
  if (json.includes(member, at + member.length)) return "unclear";
  const start = skipSpace(json, at + member.length) + 1;
  if (json[start - 1] !== '"') return "unclear";
  return { key, start, end: endOfString(json, start - 1) - 1 };
}

/** A string as JSON.parse reads it; null when it refuses it, or when it holds half a character. */
function readString(json: string, start: number, end: number): string | null {
  const raw = json.slice(start, end);
  if (!special.test(raw)) return raw;
  try {
    const value: unknown = JSON.parse(json.slice(start - 1, end + 1));
    return typeof value === "string" && value.isWellFormed() ? value : null;
  } catch {
    return null;
  }
}

/** Escapes, and controls that JSON forbids. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const special = /[\\\x00-\x1f]/;
