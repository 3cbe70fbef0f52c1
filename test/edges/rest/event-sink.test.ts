import { expect, it } from "vitest";
import { EventSink, type EventSinkOptions } from "../../../src/edges/rest/event-sink.ts";
import { createFakeClock } from "../../fakes/clock.ts";

/** A response whose reader is as slow as the test wants. */
function createReply() {
  const written: string[] = [];
  const listeners = new Set<() => void>();
  const reply = {
    written,
    full: false,
    listeners,
    writeHead: () => written.push("head"),
    write(text: string) {
      written.push(text);
      return !reply.full;
    },
    end: (text?: string) => written.push(...(text === undefined ? [] : [text]), "end"),
    once: (_: string, listener: () => void) => listeners.add(listener),
    off: (_: string, listener: () => void) => listeners.delete(listener),
    drain() {
      reply.full = false;
      for (const listener of [...listeners]) listener();
    },
  };
  return reply;
}

function open(overrides: Partial<EventSinkOptions> = {}) {
  const clock = createFakeClock();
  const res = createReply();
  const abort = new AbortController();
  const sink = new EventSink({
    res,
    clock,
    keepaliveMs: 100,
    comment: ":",
    signal: abort.signal,
    onOpen: () => res.writeHead(),
    onEnd: () => {},
    ...overrides,
  });
  return { clock, res, sink, abort };
}

it("sends the head with the first text", () => {
  const { res, sink } = open();
  expect([sink.opened, res.written]).toEqual([false, []]);
  expect(sink.write("a")).toBeUndefined();
  expect([sink.opened, res.written]).toEqual([true, ["head", "a"]]);
});

it("breaks a silence before the first text and between texts, and only a silence", () => {
  const { clock, res, sink } = open();
  clock.advance(99);
  expect(res.written).toEqual([]);
  clock.advance(1);
  expect(res.written).toEqual(["head", ":"]);
  clock.advance(60);
  void sink.write("a");
  clock.advance(99);
  expect(res.written).toEqual(["head", ":", "a"]);
  clock.advance(1);
  expect(res.written).toEqual(["head", ":", "a", ":"]);
  clock.advance(300);
  expect(res.written).toHaveLength(7);
});

it("asks the writer to wait while the reader is behind, and adds no comments meanwhile", async () => {
  const { clock, res, sink } = open();
  res.full = true;
  let drained = false;
  const waiting = sink.write("a")?.then(() => {
    drained = true;
  });
  clock.advance(1_000);
  await Promise.resolve();
  expect([drained, res.written]).toEqual([false, ["head", "a"]]);
  res.drain();
  await waiting;
  expect(drained).toBe(true);
  expect(sink.write("b")).toBeUndefined();
});

it("lets a waiting writer go when the request is over", async () => {
  const { res, sink, abort } = open();
  res.full = true;
  const waiting = sink.write("a");
  abort.abort();
  await waiting;
  expect(res.listeners.size).toBe(0);
  expect(sink.write("b")).toEqual(Promise.resolve());
});

it("is silent after its end", () => {
  const { clock, res, sink } = open();
  sink.end("z");
  sink.end("again");
  void sink.write("more");
  clock.advance(1_000);
  expect(res.written).toEqual(["head", "z", "end"]);
  expect(clock.timers).toBe(0);
});
