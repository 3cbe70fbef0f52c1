import { expect } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: JSON under test
type Json = any;

/** The events of a stream, parsed; comments are left out. */
export function eventsOf(sse: string): Json[] {
  const events = sse.split("\n\n");
  expect(events.pop()).toBe("");
  return events
    .filter((event) => !event.startsWith(":"))
    .map((event) => {
      const [name = "", data = ""] = event.split("\n");
      const parsed = JSON.parse(data.slice("data: ".length));
      expect(name).toBe(`event: ${parsed.type}`);
      return parsed;
    });
}

/**
 * The message that a stream adds up to, as Anthropic's SDKs add it up. Fails where the order of events is not Anthropic's:
 * one start, blocks numbered from 0 and one at a time, one end.
 */
export function messageOf(sse: string): Json {
  const events = eventsOf(sse).filter(({ type }) => type !== "ping");
  const types = events.map(({ type }) => type);
  expect(types[0]).toBe("message_start");
  expect(types.slice(-2)).toEqual(["message_delta", "message_stop"]);
  for (const once of ["message_start", "message_delta", "message_stop"]) {
    expect(types.filter((type) => type === once)).toHaveLength(1);
  }
  const { message } = structuredClone(events[0]);
  let open: { index: number; block: Json; json: string } | null = null;
  for (const event of events.slice(1, -2)) {
    if (event.type === "content_block_start") {
      expect(open).toBeNull();
      expect(event.index).toBe(message.content.length);
      open = { index: event.index, block: event.content_block, json: "" };
    } else if (event.type === "content_block_delta") {
      expect(event.index).toBe(open?.index);
      add(open, event.delta);
    } else {
      expect(event).toMatchObject({ type: "content_block_stop", index: open?.index });
      if (open && open.json !== "") open.block.input = JSON.parse(open.json);
      message.content.push(open?.block);
      open = null;
    }
  }
  expect(open).toBeNull();
  const { delta, usage } = events.at(-2);
  return { ...message, ...delta, usage: { ...message.usage, ...usage } };
}

function add(open: { block: Json; json: string } | null, delta: Json): void {
  if (open === null) return;
  const { block } = open;
  if (delta.type === "text_delta") block.text += delta.text;
  else if (delta.type === "thinking_delta") block.thinking += delta.thinking;
  else if (delta.type === "signature_delta") block.signature = delta.signature;
  else if (delta.type === "citations_delta") block.citations = [...(block.citations ?? []), delta.citation];
  else if (delta.type === "input_json_delta") open.json += delta.partial_json;
  else throw new Error(`a delta of type ${delta.type}`);
}
