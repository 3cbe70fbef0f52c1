import { create } from "@bufbuild/protobuf";
import { describe, expect, it, vi } from "vitest";
import { type StreamChatResponse, StreamChatResponseSchema } from "../../../../gen/trunkline/v1/chat_pb.ts";
import { Batches } from "../../../../src/edges/rpc/batches.ts";
import { createTurns } from "../../../fakes/turns.ts";
import { startAdapter } from "./adapter.ts";
import { bodyOf, headOf, readAnswer, streamForms } from "./forms.ts";
import { connectTo } from "./raw-call.ts";

const messageChars = 32 * 1024;
const messages = 600;
/** What a method may be ahead of a reader that has stopped: the buffers of two sockets and of Node, with room to spare. */
const maxAhead = 450;

/** For sockets, which have no clock to wind. Milliseconds. */
const patience = { timeout: 20_000 };

const textOf = (i: number) => `${i} `.padEnd(messageChars, "abcdefghij");
const eventOf = (i: number) => create(StreamChatResponseSchema, { event: { case: "textDelta", value: textOf(i) } });

/** All messages, one or some at a time, and how many have been asked for. */
const methods = {
  "one by one": (count: () => number) =>
    (async function* () {
      for (let i = 0; i < messages; i++) yield eventOf(count());
    })(),
  "in lists": (count: () => number) =>
    new Batches(
      (async function* () {
        for (let i = 0; i < messages; i += 4) {
          const list: StreamChatResponse[] = [];
          for (let at = 0; at < 4; at++) list.push(eventOf(count()));
          yield list;
          // A read of the provider that held nothing.
          yield [];
        }
      })(),
    ),
};

describe.each(streamForms)("$name", (form) => {
  it.each(Object.entries(methods))("waits for a reader that has stopped, and loses nothing: %s", async (_, method) => {
    let asked = 0;
    const adapter = await startAdapter({ streamChat: () => method(() => asked++) });
    const call = connectTo(adapter.port, form.version)(headOf(form));
    call.end(bodyOf(form));
    let seen = -1;
    await vi.waitUntil(async () => {
      await createTurns(adapter.clock).settle();
      const { res } = adapter.last;
      const waits = "stream" in res ? res.stream.writableNeedDrain : res.writableNeedDrain;
      const still = asked === seen;
      seen = asked;
      return waits && still;
    }, patience);
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThan(maxAhead);

    call.read();
    const { texts, code } = readAnswer(form, await call.answer);
    expect(code).toBeNull();
    expect(texts.length).toBe(messages);
    expect(texts.findIndex((text, i) => text !== textOf(i))).toBe(-1);
    expect(adapter.ways).toEqual(["lean"]);
  });
});

it("lists may be read one message after the other", async () => {
  const lists = (async function* () {
    yield [1, 2];
    yield [];
    yield [3];
  })();
  expect(await Array.fromAsync(new Batches(lists))).toEqual([1, 2, 3]);
});
