import { StringDecoder } from "node:string_decoder";
import { GatewayError } from "../domain/errors.ts";
import type { SseEvent } from "./provider.ts";

/** Cuts server-sent events out of a byte stream. Used for one stream. */
export interface SseParser {
  /** @throws GatewayError `upstream_error` when an event is larger than the limit */
  push(chunk: Uint8Array): readonly SseEvent[];
  /** The bytes ended: an event that lacks only its blank line still counts. */
  end(): readonly SseEvent[];
}

/** An event holds at most one image of the size that providers return. UTF-16 units, which never exceed the bytes. */
export const defaultMaxEventChars = 32 * 1024 * 1024;

/**
 * Server-sent events as the WHATWG defines them: UTF-8 across chunks, LF, CR and CRLF, comments, several data lines,
 * one optional space, a byte order mark. Ids and retry times are ignored: a gateway does not reconnect.
 */
export function createSseParser(maxEventChars = defaultMaxEventChars): SseParser {
  const decoder = new StringDecoder("utf8");
  /** The pieces of a line that has not ended; joined once, so that a long line costs linear time. */
  let pieces: string[] = [];
  let pending = 0;
  let first = true;
  /** Whether the last chunk ended in CR: an LF that follows belongs to it. */
  let afterCr = false;
  let event = "";
  let data: string | null = null;

  function push(chunk: Uint8Array): readonly SseEvent[] {
    return scan(decoder.write(chunk));
  }

  function scan(decoded: string): readonly SseEvent[] {
    let text = decoded;
    if (text === "") return [];
    if (first) {
      first = false;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    let at = 0;
    if (afterCr && text.charCodeAt(0) === lf) at = 1;
    afterCr = text.charCodeAt(text.length - 1) === cr;

    const events: SseEvent[] = [];
    // Most streams have no CR at all: then one search a line is enough.
    const hasCr = text.includes("\r");
    while (at < text.length) {
      const end = lineEnd(text, at, hasCr);
      if (end < 0) {
        hold(text.slice(at));
        break;
      }
      const tail = text.slice(at, end);
      line(pieces.length === 0 ? tail : join(tail), events);
      at = text.charCodeAt(end) === cr && text.charCodeAt(end + 1) === lf ? end + 2 : end + 1;
    }
    return events;
  }

  function hold(piece: string): void {
    pieces.push(piece);
    pending += piece.length;
    if (pending + (data?.length ?? 0) > maxEventChars) throw tooLarge(maxEventChars);
  }

  function join(tail: string): string {
    pieces.push(tail);
    const joined = pieces.join("");
    pieces = [];
    pending = 0;
    return joined;
  }

  function line(text: string, events: SseEvent[]): void {
    if (text === "") {
      if (data !== null) events.push({ event, data });
      event = "";
      data = null;
    } else if (text.startsWith("data:")) {
      const value = text.slice(text.charCodeAt(5) === space ? 6 : 5);
      data = data === null ? value : `${data}\n${value}`;
      if (data.length > maxEventChars) throw tooLarge(maxEventChars);
    } else if (text.startsWith("event:")) {
      event = text.slice(text.charCodeAt(6) === space ? 7 : 6);
    } else if (text === "data") {
      data = data === null ? "" : `${data}\n`;
    }
  }

  function end(): readonly SseEvent[] {
    const events = [...scan(decoder.end())];
    if (pieces.length > 0) line(join(""), events);
    // Some proxies omit the last blank line. Half an event is told from a whole one by its JSON.
    if (data !== null && isWhole(data)) events.push({ event, data });
    data = null;
    return events;
  }

  return { push, end };
}

const lf = 10;
const cr = 13;
const space = 32;

function lineEnd(text: string, from: number, hasCr: boolean): number {
  const atLf = text.indexOf("\n", from);
  if (!hasCr) return atLf;
  const atCr = text.indexOf("\r", from);
  if (atCr < 0) return atLf;
  return atLf < 0 ? atCr : Math.min(atLf, atCr);
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

function tooLarge(maxChars: number): GatewayError {
  return new GatewayError("upstream_error", `The provider sent an event of more than ${maxChars} characters.`);
}
