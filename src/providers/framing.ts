import type { Incoming } from "../net/incoming.ts";
import { createEventStreamParser } from "./event-stream.ts";
import { createNdjsonParser } from "./ndjson.ts";
import type { EventParser } from "./provider.ts";
import { createSseParser } from "./sse.ts";

/** Parsers by media type. What is none of them is a whole answer. */
const parsers: ReadonlyMap<string, () => EventParser> = new Map([
  ["text/event-stream", createSseParser],
  ["application/x-ndjson", createNdjsonParser],
  ["application/vnd.amazon.eventstream", createEventStreamParser],
]);

/** A parser for the answer's body by its content type; null when it is a whole answer. */
export function eventParserFor({ headers }: Incoming): EventParser | null {
  const mediaType = (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return parsers.get(mediaType)?.() ?? null;
}
