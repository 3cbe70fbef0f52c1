import { crc32 } from "node:zlib";
import { GatewayError } from "../domain/errors.ts";
import type { EventParser, SseEvent } from "./provider.ts";

/** A message holds at most one picture of the size that models make; AWS itself allows 24 MB. Bytes. */
const defaultMaxBytes = 32 * 1024 * 1024;
/** Total length, length of the headers, and a checksum of both. Bytes. */
const preludeBytes = 12;
/** Prelude and the checksum at the end. Bytes. */
const leastBytes = preludeBytes + 4;
/** AWS: headers have 128 kB at most. Bytes. */
const maxHeaderBytes = 131_072;

/**
 * AWS's event stream (`application/vnd.amazon.eventstream`): messages of a length, headers, a payload and two CRC32s.
 * An event has the name of its `:event-type`. An exception is named `exception:` with its type, and what breaks off the
 * stream below them `error:` with its code; the data of that one is `{"message":…}`.
 * @see https://smithy.io/2.0/aws/amazon-eventstream.html
 */
export function createEventStreamParser(maxBytes = defaultMaxBytes): EventParser {
  return new EventStreamParser(maxBytes);
}

class EventStreamParser implements EventParser {
  readonly #maxBytes: number;
  /** The pieces of a message that is not whole; joined once, so that a large one costs linear time. */
  #pieces: Buffer[] = [];
  #pending = 0;
  /** How many bytes must be there before it is worth looking again. */
  #wanted = preludeBytes;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Uint8Array): readonly SseEvent[] {
    this.#pieces.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#pending += chunk.byteLength;
    if (this.#pending < this.#wanted) return [];
    const bytes = Buffer.concat(this.#pieces);
    const events: SseEvent[] = [];
    let at = 0;
    this.#wanted = preludeBytes;
    while (bytes.length - at >= preludeBytes) {
      const length = this.#lengthAt(bytes, at);
      if (bytes.length - at < length) {
        this.#wanted = length;
        break;
      }
      events.push(toEvent(bytes.subarray(at, at + length)));
      at += length;
    }
    // A copy: the rest of a chunk must not hold the memory of all of it.
    this.#pieces = at < bytes.length ? [Buffer.from(bytes.subarray(at))] : [];
    this.#pending = bytes.length - at;
    return events;
  }

  /** A message without its end has no checksum to trust. */
  end(): readonly SseEvent[] {
    return [];
  }

  /** Checked before it is believed: a wrong length would swallow everything behind it. */
  #lengthAt(bytes: Buffer, at: number): number {
    if (crc32(bytes.subarray(at, at + 8)) !== bytes.readUInt32BE(at + 8)) throw broken("with a wrong checksum");
    const length = bytes.readUInt32BE(at);
    if (length > this.#maxBytes) {
      throw new GatewayError("upstream_error", `The provider sent an event of more than ${this.#maxBytes} bytes.`);
    }
    const headers = bytes.readUInt32BE(at + 4);
    if (length < leastBytes || headers > length - leastBytes || headers > maxHeaderBytes) {
      throw broken("whose lengths do not fit");
    }
    return length;
  }
}

function toEvent(message: Buffer): SseEvent {
  const end = message.length - 4;
  if (crc32(message.subarray(0, end)) !== message.readUInt32BE(end)) throw broken("with a wrong checksum");
  const payloadAt = preludeBytes + message.readUInt32BE(4);
  const headers = textHeaders(message.subarray(preludeBytes, payloadAt));
  const data = message.toString("utf8", payloadAt, end);
  switch (headers.get(":message-type")) {
    case "exception":
      return { event: `exception:${headers.get(":exception-type") ?? ""}`, data };
    case "error": {
      const told = JSON.stringify({ message: headers.get(":error-message") ?? "" });
      return { event: `error:${headers.get(":error-code") ?? ""}`, data: told };
    }
    default:
      return { event: headers.get(":event-type") ?? "", data };
  }
}

/** Sizes of header values that have a fixed one, by type: booleans, integers, times and UUIDs. Bytes. */
const fixedSizes: ReadonlyMap<number, number> = new Map([
  [0, 0],
  [1, 0],
  [2, 1],
  [3, 2],
  [4, 4],
  [5, 8],
  [8, 8],
  [9, 16],
]);
const bytesType = 6;
const textType = 7;

/** The headers that are texts; the others are read over. */
function textHeaders(bytes: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  let at = 0;
  const take = (count: number): Buffer => {
    const piece = bytes.subarray(at, at + count);
    if (piece.length < count) throw broken("whose headers are cut");
    at += count;
    return piece;
  };
  while (at < bytes.length) {
    const name = take(take(1).readUInt8()).toString("utf8");
    const type = take(1).readUInt8();
    const size = type === bytesType || type === textType ? take(2).readUInt16BE() : fixedSizes.get(type);
    if (size === undefined) throw broken("with a header of an unknown type");
    const value = take(size);
    if (type === textType) headers.set(name, value.toString("utf8"));
  }
  return headers;
}

function broken(how: string): GatewayError {
  return new GatewayError("upstream_error", `The provider sent an event ${how}.`);
}
