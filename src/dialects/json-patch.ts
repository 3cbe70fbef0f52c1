import type { Span } from "../domain/chat.ts";

/** Names that are written in one way only, when there are no escapes in them. */
const plainName = /^\w+$/;

/**
 * A JSON object made of members that are kept, byte for byte, and of others. Kept neighbours without white space between
 * them are copied in one go, so that a patched body costs little more than a copy of its bytes.
 */
export class JsonPatch {
  readonly #source: Buffer;
  /** Texts of our own, and stretches of the source. */
  readonly #pieces: (string | Span)[] = [];
  #text = "{";
  #kept: { readonly start: number; end: number } | null = null;
  #isEmpty = true;

  /** @param source UTF-8 */
  constructor(source: Uint8Array) {
    this.#source = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  }

  /** Keeps a member whose value lies there in the source. */
  keep(name: string, { start, end }: Span): void {
    // With no more bytes between two values than comma, quotes, name and colon need, there is nothing else between them.
    if (this.#kept !== null && start - this.#kept.end === name.length + 4 && plainName.test(name)) {
      this.#kept.end = end;
      return;
    }
    this.#name(name);
    this.#pieces.push(this.#text);
    this.#text = "";
    this.#kept = { start, end };
  }

  /** @param json the member's value */
  set(name: string, json: string): void {
    this.#name(name);
    this.#text += json;
  }

  /** @param json members with commas between them; or nothing */
  add(json: string): void {
    if (json !== "") this.#text += this.#separator() + json;
  }

  toBytes(): Buffer {
    this.#flush();
    this.#pieces.push(`${this.#text}}`);
    let length = 0;
    for (const piece of this.#pieces) {
      length += typeof piece === "string" ? Buffer.byteLength(piece) : piece.end - piece.start;
    }
    const bytes = Buffer.allocUnsafe(length);
    let at = 0;
    for (const piece of this.#pieces) {
      at += typeof piece === "string" ? bytes.write(piece, at) : this.#source.copy(bytes, at, piece.start, piece.end);
    }
    return bytes;
  }

  #name(name: string): void {
    const separator = this.#separator();
    this.#text += plainName.test(name) ? `${separator}"${name}":` : `${separator}${JSON.stringify(name)}:`;
  }

  #separator(): string {
    this.#flush();
    const separator = this.#isEmpty ? "" : ",";
    this.#isEmpty = false;
    return separator;
  }

  #flush(): void {
    if (this.#kept !== null) this.#pieces.push(this.#kept);
    this.#kept = null;
  }
}
