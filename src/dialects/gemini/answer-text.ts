/** A stretch of one part of the answer. Code points, start inclusive, end exclusive. */
export interface Stretch {
  readonly part: number;
  readonly start: number;
  readonly end: number;
}

/** What a source says of the stretch that it supports. */
export interface Segment {
  /** Position of the part in the message, where the message came whole; else 0. */
  readonly partIndex: number;
  /** UTF-8 bytes from the beginning of that part. */
  readonly startByte: number;
  readonly endByte: number;
  /** The stretch itself; empty where it is not given. */
  readonly text: string;
}

/**
 * The text of an answer, for sources that count its UTF-8 bytes: the contract counts code points, and pieces of one
 * stream are parts of their own on the wire.
 */
export class AnswerText {
  readonly #runs: { readonly part: number; text: string }[] = [];
  /** Where each part of the wire begins, in UTF-16 units of all text. */
  readonly #starts = new Map<number, number>();
  #length = 0;

  /** The part that holds text first; undefined while there is none. */
  get firstPart(): number | undefined {
    return this.#runs[0]?.part;
  }

  add(part: number, text: string, wirePart: number): void {
    const last = this.#runs.at(-1);
    if (last?.part === part) last.text += text;
    else this.#runs.push({ part, text });
    if (!this.#starts.has(wirePart)) this.#starts.set(wirePart, this.#length);
    this.#length += text.length;
  }

  /** Where a segment lies; undefined when the text that it names is not there. One that spans parts ends with its first. */
  locate({ partIndex, startByte, endByte, text }: Segment): Stretch | undefined {
    const all = this.#runs.map((run) => run.text).join("");
    const base = this.#starts.get(partIndex) ?? 0;
    const bytes = Buffer.from(all.slice(base));
    let start = base + bytes.toString("utf8", 0, startByte).length;
    let end = base + bytes.toString("utf8", 0, endByte).length;
    if (text !== "" && all.slice(start, end) !== text) {
      start = all.indexOf(text);
      end = start + text.length;
    }
    return start < 0 || end <= start || end > all.length ? undefined : this.#within(start, end);
  }

  #within(start: number, end: number): Stretch | undefined {
    let before = 0;
    for (const { part, text } of this.#runs) {
      if (start < before + text.length) {
        const from = codePoints(text.slice(0, start - before));
        return { part, start: from, end: from + codePoints(text.slice(start - before, end - before)) };
      }
      before += text.length;
    }
    return undefined;
  }
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
