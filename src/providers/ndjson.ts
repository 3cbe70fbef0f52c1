import { StringDecoder } from "node:string_decoder";
import { GatewayError } from "../domain/errors.ts";
import type { EventParser, SseEvent } from "./provider.ts";

/** A line holds at most one image of the size that providers return. UTF-16 units, which never exceed the bytes. */
const defaultMaxLineChars = 32 * 1024 * 1024;

/**
 * Newline-delimited JSON: each line is the data of one event without a name. UTF-8 across chunks, LF and CRLF, empty
 * lines, a byte order mark, and a last line that lacks its LF, unless its JSON was cut.
 */
export function createNdjsonParser(maxLineChars = defaultMaxLineChars): EventParser {
  return new NdjsonParser(maxLineChars);
}

class NdjsonParser implements EventParser {
  readonly #maxLineChars: number;
  readonly #decoder = new StringDecoder("utf8");
  /** The pieces of a line that has not ended; joined once, so that a long line costs linear time. */
  #pieces: string[] = [];
  #pending = 0;
  #first = true;

  constructor(maxLineChars: number) {
    this.#maxLineChars = maxLineChars;
  }

  push(chunk: Uint8Array): readonly SseEvent[] {
    return this.#scan(this.#decoder.write(chunk));
  }

  end(): readonly SseEvent[] {
    const events = this.#scan(this.#decoder.end());
    const [last] = toEvents(this.#join(""));
    return last !== undefined && isWhole(last.data) ? [...events, last] : events;
  }

  #scan(decoded: string): readonly SseEvent[] {
    if (decoded === "") return [];
    const text = this.#first && decoded.startsWith(byteOrderMark) ? decoded.slice(1) : decoded;
    this.#first = false;
    const events: SseEvent[] = [];
    let at = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", at)) {
      const tail = text.slice(at, end);
      this.#bound(tail.length);
      events.push(...toEvents(this.#join(tail)));
      at = end + 1;
    }
    if (at < text.length) this.#hold(text.slice(at));
    return events;
  }

  #hold(piece: string): void {
    this.#bound(piece.length);
    this.#pieces.push(piece);
    this.#pending += piece.length;
  }

  #join(tail: string): string {
    this.#pieces.push(tail);
    const line = this.#pieces.join("");
    this.#pieces = [];
    this.#pending = 0;
    return line;
  }

  #bound(more: number): void {
    if (this.#pending + more <= this.#maxLineChars) return;
    throw new GatewayError("upstream_error", `The provider sent a line of more than ${this.#maxLineChars} characters.`);
  }
}

const byteOrderMark = "\ufeff";

/** The event of a line, none where it is blank. A CR before the LF is white space to JSON, too. */
function toEvents(line: string): readonly SseEvent[] {
  const data = line.trim();
  return data === "" ? [] : [{ event: "", data }];
}

function isWhole(data: string): boolean {
  try {
    JSON.parse(data);
    return true;
  } catch {
    return false;
  }
}
