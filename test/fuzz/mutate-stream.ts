import type { SseEvent } from "../../src/providers/provider.ts";
import type { Random } from "../domain/random-messages.ts";
import { below, mutateJson, pick, toWildJson } from "./mutate-json.ts";

/** How events lie in the bytes of a recording. */
export type FramingName = "sse" | "ndjson";

/** Events in other words, another order and another number. */
export function mutateEvents(events: readonly SseEvent[], others: readonly SseEvent[], random: Random): SseEvent[] {
  const mutated = [...events];
  for (let edits = 1 + below(3, random); edits > 0; edits--) editEvents(mutated, others, random);
  return mutated;
}

function editEvents(events: SseEvent[], others: readonly SseEvent[], random: Random): void {
  const at = below(events.length, random);
  const event = events[at] ?? { event: "", data: "{}" };
  const roll = random();
  if (roll < 0.55) events[at] = { ...event, data: mutateText(event.data, random) };
  else if (roll < 0.62) events.splice(at, 1);
  else if (roll < 0.69) events.splice(at, 0, event);
  else if (roll < 0.75) events.splice(below(events.length + 1, random), 0, ...events.splice(at, 1));
  else if (roll < 0.81) events.splice(at, 0, pick(others, random));
  else if (roll < 0.87) events.splice(at);
  else if (roll < 0.91) events[at] = { ...event, event: pick(eventNames, random) };
  else if (roll < 0.95) events.splice(at, 0, pick(junk, random));
  else events.push(...events.slice(at));
}

const eventNames = ["", "error", "from_the_future", "ping", "message_stop", "response.completed", "\0"];
const junk: readonly SseEvent[] = [
  ...["", " ", "null", "true", "0", "[]", "{}", "{", "[DONE]", "nonsense", '{"type":"from_the_future"}', '"\\ud800"'],
  ...['{"error":{"message":"no"}}', '{"type":"error"}', '{"choices":[]}', '{"choices":null}', '{"candidates":[{}]}'],
].map((data) => ({ event: "", data }));

/** JSON text with some values changed; anything else with a few characters changed. */
export function mutateText(text: string, random: Random, edits = 1): string {
  const parsed = parseShallow(text);
  if (parsed === null) {
    const at = below(text.length + 1, random);
    return text.slice(0, at) + pick(["", "{", "\0", "x"], random) + text.slice(at + below(3, random));
  }
  let { value } = parsed;
  for (let left = edits; left > 0; left--) value = mutateJson(value, random);
  return toWildJson(value);
}

/** The value of a JSON text; null for other texts, and for those that an earlier edit made too deep to walk. */
function parseShallow(text: string): { value: unknown } | null {
  if (/\[{100}|(?:\{"a":){100}/.test(text)) return null;
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

/** The bytes of events, in one of the ways that servers write them. */
export function toBytes(events: readonly SseEvent[], framing: FramingName, random: Random): Buffer {
  if (framing === "ndjson") return Buffer.from(events.map(({ data }) => `${data}\n`).join(""));
  const newline = pick(["\n", "\n", "\n", "\r\n", "\r"], random);
  const extra = random() < 0.1 ? `: comment${newline}retry: 1${newline}id: \0${newline}` : "";
  const text = events.map(({ event, data }) => {
    const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}${newline}`);
    return (event === "" ? "" : `event: ${event}${newline}`) + extra + lines.join("") + newline;
  });
  return Buffer.from(text.join(""));
}

/** The same bytes with some of them broken, doubled or missing. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  let mutated = Buffer.from(bytes);
  for (let edits = 1 + below(3, random); edits > 0; edits--) {
    const at = below(mutated.length + 1, random);
    const end = at + below(40, random);
    const [before, piece, after] = [mutated.subarray(0, at), mutated.subarray(at, end), mutated.subarray(end)];
    mutated = Buffer.concat(
      pick(
        [
          () => [before],
          () => [before, after],
          () => [before, piece, piece, after],
          () => [before, Buffer.from([below(256, random)]), mutated.subarray(at + 1)],
          () => [
            before,
            pick([Buffer.from([0xff, 0xc0, 0x80]), Buffer.from("\n\n"), Buffer.alloc(9)], random),
            piece,
            after,
          ],
        ],
        random,
      )(),
    );
  }
  return mutated;
}

/** The bytes in reads of random sizes: mostly one, sometimes many of a byte or two. */
export function cutAtRandom(bytes: Buffer, random: Random): Buffer[] {
  const most = pick([bytes.length, bytes.length, 1_000, 60, 3], random) || 1;
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + below(most, random);
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}
