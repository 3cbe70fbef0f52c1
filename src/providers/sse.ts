import { StringDecoder } from "node:string_decoder";
import { GatewayError } from "../domain/errors.ts";
import type { EventParser, SseEvent } from "./provider.ts";

/** An event holds at most one image of the size that providers return. UTF-16 units, which never exceed the bytes. */
const defaultMaxEventChars = 32 * 1024 * 1024;

/**
 * Server-sent events as the WHATWG defines them: UTF-8 across chunks, LF, CR and CRLF, comments, several data lines,
 * one optional space, a byte order mark. Ids and retry times are ignored: a gateway does not reconnect.
 */
export function createSseParser(maxEventChars = defaultMaxEventChars): EventParser {
  return new LineParser(maxEventChars);
}

class LineParser implements EventParser {
  readonly #maxEventChars: number;
  readonly #decoder = new StringDecoder("utf8");
  /** The pieces of a line that has not ended; joined once, so that a long line costs linear time. */
  #pieces: string[] = [];
  #pending = 0;
  #first = true;
  /** Whether the last chunk ended in CR: an LF that follows belongs to it. */
  #afterCr = false;
  #event = "";
  #data: string | null = null;
  /** What the data lines of the event hold in memory. */
  #held = 0;

  constructor(maxEventChars: number) {
    this.#maxEventChars = maxEventChars;
  }

  push(chunk: Uint8Array): readonly SseEvent[] {
    return this.#scan(this.#decoder.write(chunk));
  }

  end(): readonly SseEvent[] {
    const events = [...this.#scan(this.#decoder.end())];
    if (this.#pieces.length > 0) this.#line(this.#join(""), events);
    // Some proxies omit the last blank line. Half an event is told from a whole one by its JSON.
    if (this.#data !== null && isWhole(this.#data)) events.push({ event: this.#event, data: this.#data });
    this.#data = null;
    return events;
  }

  #scan(decoded: string): readonly SseEvent[] {
    if (decoded === "") return [];
    let text = decoded;
    if (this.#first) {
      this.#first = false;
      if (text.charCodeAt(0) === byteOrderMark) text = text.slice(1);
    }
    let at = this.#afterCr && text.charCodeAt(0) === lf ? 1 : 0;
    this.#afterCr = text.charCodeAt(text.length - 1) === cr;

    const events: SseEvent[] = [];
    // Each is searched for again only when it was passed: a rare one costs no search a line.
    let nextLf = indexOf(text, "\n", at);
    let nextCr = indexOf(text, "\r", at);
    for (let end = Math.min(nextLf, nextCr); end < text.length; end = Math.min(nextLf, nextCr)) {
      const tail = text.slice(at, end);
      this.#line(this.#pieces.length === 0 ? tail : this.#join(tail), events);
      at = text.charCodeAt(end) === cr && text.charCodeAt(end + 1) === lf ? end + 2 : end + 1;
      if (nextLf < at) nextLf = indexOf(text, "\n", at);
      if (nextCr < at) nextCr = indexOf(text, "\r", at);
    }
    if (at < text.length) this.#hold(text.slice(at));
    return events;
  }

  #hold(piece: string): void {
    this.#pieces.push(piece);
    this.#pending += piece.length;
    this.#bound();
  }

  #join(tail: string): string {
    this.#pieces.push(tail);
    const joined = this.#pieces.join("");
    this.#pieces = [];
    this.#pending = 0;
    return joined;
  }

  #line(text: string, events: SseEvent[]): void {
    if (text === "") {
      if (this.#data !== null) events.push({ event: this.#event, data: this.#data });
      this.#event = "";
      this.#data = null;
      this.#held = 0;
    } else if (text.startsWith("data:") || text === "data") {
      const value = text.slice(text.charCodeAt(5) === space ? 6 : 5);
      this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
      this.#held += value.length + lineCost;
      this.#bound();
    } else if (text.startsWith("event:")) {
      this.#event = text.slice(text.charCodeAt(6) === space ? 7 : 6);
    }
  }

  #bound(): void {
    if (this.#held + this.#pending <= this.#maxEventChars) return;
    throw new GatewayError(
      "upstream_error",
      `The provider sent an event of more than ${this.#maxEventChars} characters.`,
    );
  }
}

/** What a line costs beside its text: without it, millions of empty lines would fit into an event. */
const lineCost = 32;
const byteOrderMark = 0xfeff;
const lf = 10;
const cr = 13;
const space = 32;

/** Infinity when there is none. */
function indexOf(text: string, end: "\n" | "\r", from: number): number {
  const at = text.indexOf(end, from);
  return at < 0 ? Number.POSITIVE_INFINITY : at;
}

function isWhole(data: string): boolean {
  if (data.trim() === "[DONE]") return true;
  try {
    JSON.parse(data);
    return true;
  } catch {
    return false;
  }
}
