import { create } from "@bufbuild/protobuf";
import { Code, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { describe, expect, it, vi } from "vitest";
import { type ChatService, StreamChatResponseSchema } from "../../../../gen/trunkline/v1/chat_pb.ts";
import { createTurns } from "../../../fakes/turns.ts";
import { keepaliveMs, startAdapter, type TestAdapter } from "./adapter.ts";
import { bodyOf, type Form, forms, headOf, streamForms } from "./forms.ts";
import { connectTo } from "./raw-call.ts";

const textEvent = (value: string) => create(StreamChatResponseSchema, { event: { case: "textDelta", value } });

/** For sockets, which have no clock to wind. Milliseconds. */
const patience = { timeout: 20_000, interval: 5 };

const whenAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

/** A call that has arrived, with a deadline so far away that it must be let go of. */
async function arrive(form: Form, chat: Partial<ServiceImpl<typeof ChatService>>) {
  const arrived = Promise.withResolvers<HandlerContext>();
  const adapter = await startAdapter(chat, { requestGate: (context) => arrived.resolve(context) });
  const connected = connectTo(adapter.port, form.version);
  const call = connected(headOf(form, {}, 3_600_000));
  return { adapter, call, arrived: arrived.promise };
}

/** Counts what is written to the newest call from now on. */
function watchWrites({ last: { res } }: TestAdapter) {
  const target = "stream" in res ? res.stream : res;
  const head = "stream" in res ? vi.spyOn(res.stream, "respond") : vi.spyOn(res, "writeHead");
  const [write, end] = [vi.spyOn(target, "write"), vi.spyOn(target, "end")];
  // Node itself ends a stream that was reset, with nothing.
  const ends = () => end.mock.calls.filter(([bytes]) => bytes !== undefined);
  return () => head.mock.calls.length + write.mock.calls.length + ends().length;
}

/** The call is over for the method, and nothing of it is left. */
async function expectLeft(adapter: TestAdapter, { signal }: HandlerContext, writes: () => number) {
  await whenAborted(signal);
  expect(signal.reason).toMatchObject({ code: Code.Canceled });
  const before = writes();
  await createTurns(adapter.clock).settle();
  expect(writes()).toBe(before);
  // A connection's pings end with the interval in which it has no calls any more.
  await vi.waitUntil(() => adapter.clock.timers <= 1, patience);
  await createTurns(adapter.clock).settle();
  adapter.clock.advance(keepaliveMs);
  expect(adapter.clock.timers).toBe(0);
}

describe.each(forms)("a caller of $name that goes away", (form) => {
  it.each([
    ["before its message", 0],
    ["in the middle of its message", 3],
  ])("%s is forgotten, and the method never asked", async (_, sent) => {
    const asked = vi.fn();
    const { adapter, call, arrived } = await arrive(form, { chat: asked, streamChat: asked });
    call.send(bodyOf(form).subarray(0, sent));
    const context = await arrived;
    const writes = watchWrites(adapter);
    call.leave();
    await expectLeft(adapter, context, writes);
    expect(writes()).toBe(0);
    expect(asked).not.toHaveBeenCalled();
  });

  it("before the first message ends a method that minds its signal", async () => {
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const work = async ({ signal }: HandlerContext) => {
      begun.resolve();
      await whenAborted(signal);
      ended.resolve();
      throw new Error("it was told to stop");
    };
    const { adapter, call, arrived } = await arrive(form, {
      chat: async (_, context) => await work(context),
      async *streamChat(_, context) {
        yield await work(context);
      },
    });
    call.end(bodyOf(form));
    await begun.promise;
    const writes = watchWrites(adapter);
    call.leave();
    await expectLeft(adapter, await arrived, writes);
    await ended.promise;
    expect(writes()).toBe(0);
  });

  it("is not written to by a method that goes on all the same", async () => {
    const begun = Promise.withResolvers<void>();
    const asleep = Promise.withResolvers<void>();
    let steps = 0;
    const { adapter, call, arrived } = await arrive(form, {
      async chat() {
        begun.resolve();
        await asleep.promise;
        steps++;
        return { model: "late" };
      },
      async *streamChat() {
        begun.resolve();
        await asleep.promise;
        for (; steps < 100; steps++) yield textEvent("late");
      },
    });
    call.end(bodyOf(form));
    await begun.promise;
    const writes = watchWrites(adapter);
    call.leave();
    await expectLeft(adapter, await arrived, writes);
    asleep.resolve();
    await createTurns(adapter.clock).settle();
    expect(writes()).toBe(0);
    // A stream is not asked for its second message; a method with one answer has given it.
    expect(steps).toBe(form.kind === "unary" ? 1 : 0);
  });
});

describe.each(streamForms)("a reader of $name that goes away", (form) => {
  it("while the method waits for it ends the method's iterator", async () => {
    const returned = Promise.withResolvers<void>();
    let said = 0;
    const { adapter, call, arrived } = await arrive(form, {
      async *streamChat() {
        try {
          for (; said < 10_000; said++) yield textEvent("x".repeat(64 * 1024));
        } finally {
          returned.resolve();
        }
      },
    });
    call.end(bodyOf(form));
    const context = await arrived;
    // Nobody reads, so the writer comes to wait.
    await vi.waitUntil(() => waits(adapter), patience);
    const writes = watchWrites(adapter);
    call.leave();
    await expectLeft(adapter, context, writes);
    await returned.promise;
    expect(said).toBeLessThan(10_000);
    expect(writes()).toBe(0);
  });

  it("reaches an iterator that would never come to its next message", async () => {
    const returned = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const { adapter, call, arrived } = await arrive(form, {
      streamChat: () => ({
        [Symbol.asyncIterator]: () => ({
          next() {
            asked.resolve();
            return new Promise(() => {});
          },
          async return() {
            returned.resolve();
            return { done: true, value: undefined };
          },
        }),
      }),
    });
    call.end(bodyOf(form));
    await asked.promise;
    const writes = watchWrites(adapter);
    call.leave();
    await expectLeft(adapter, await arrived, writes);
    await returned.promise;
  });

  it("is not asked for by an iterator that knows no return", async () => {
    let asked = 0;
    const { adapter, call, arrived } = await arrive(form, {
      streamChat: () => ({
        [Symbol.asyncIterator]: () => ({
          next: async () => ({ done: ++asked > 10_000, value: textEvent("x".repeat(64 * 1024)) }),
        }),
      }),
    });
    call.end(bodyOf(form));
    const context = await arrived;
    await vi.waitUntil(() => waits(adapter), patience);
    const before = asked;
    const writes = watchWrites(adapter);
    call.leave();
    await expectLeft(adapter, context, writes);
    expect(asked).toBe(before);
  });
});

function waits({ last: { res } }: TestAdapter): boolean {
  return "stream" in res ? res.stream.writableNeedDrain : res.writableNeedDrain;
}
