import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { StreamChatResponseSchema } from "../../../../gen/trunkline/v1/chat_pb.ts";
import { createTurns } from "../../../fakes/turns.ts";
import { keepaliveMs, startAdapter } from "./adapter.ts";
import { bodyOf, type Form, forms, headOf, readAnswer } from "./forms.ts";
import { connectTo } from "./raw-call.ts";

const timeoutMs = 1_000;
/** What a method that does not answer is given to do so after its deadline. */
const graceMs = 50;

const textEvent = (value: string) => create(StreamChatResponseSchema, { event: { case: "textDelta", value } });

/** A call of a method that says `first` if it streams, and then does as it is told. */
async function begin(form: Form, work: (context: HandlerContext) => Promise<string>) {
  const begun = Promise.withResolvers<HandlerContext>();
  const adapter = await startAdapter({
    async chat(_, context) {
      begun.resolve(context);
      return { model: await work(context) };
    },
    async *streamChat(_, context) {
      yield textEvent("first");
      begun.resolve(context);
      yield textEvent(await work(context));
    },
  });
  const connected = connectTo(adapter.port, form.version);
  const call = connected(headOf(form, {}, timeoutMs));
  let answered = false;
  void call.answer.then(() => {
    answered = true;
  });
  call.end(bodyOf(form));
  call.read();
  const context = await begun.promise;
  const again = async () => {
    const second = connected(headOf(form));
    second.end(bodyOf(form));
    second.read();
    return readAnswer(form, await second.answer);
  };
  return { ...adapter, call, context, again, isAnswered: () => answered };
}

describe.each(forms)("$name", (form) => {
  const before = form.kind === "stream" ? ["first"] : [];

  it("answers in time for a method that ignores its deadline and its signal, and once", async () => {
    const works = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    let calls = 0;
    const { clock, call, context, again, isAnswered, ways } = await begin(form, async () => {
      return (await works[calls++]?.promise) ?? "";
    });
    expect(context.timeoutMs()).toBe(timeoutMs);
    clock.advance(timeoutMs - 1);
    expect(context.signal.aborted).toBe(false);
    clock.advance(1);
    expect(context.signal.reason).toMatchObject({ code: Code.DeadlineExceeded });
    clock.advance(graceMs - 1);
    await createTurns(clock).settle();
    expect(isAnswered()).toBe(false);
    clock.advance(1);
    expect(readAnswer(form, await call.answer)).toMatchObject({ texts: before, code: "DeadlineExceeded" });
    // What it says in the end is said to nobody, and the connection takes the next call.
    works[0]?.resolve("too late");
    works[1]?.resolve("second");
    expect(await again()).toMatchObject({ texts: [...before, "second"], code: null });
    clock.advance(keepaliveMs);
    expect(clock.timers).toBe(0);
    expect(ways).toEqual(["lean", "lean"]);
  });

  it("lets a method that minds its signal say itself that it was late", async () => {
    const { clock, call } = await begin(form, async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      throw new ConnectError("was at the second step", Code.DeadlineExceeded);
    });
    clock.advance(timeoutMs);
    expect(readAnswer(form, await call.answer)).toMatchObject({
      code: "DeadlineExceeded",
      message: "was at the second step",
    });
    clock.advance(keepaliveMs);
    expect(clock.timers).toBe(0);
  });

  it.each(["before", "after"] as const)(
    "answers once when the work is done just %s its time is over",
    async (order) => {
      const works = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
      let calls = 0;
      const { clock, call, again } = await begin(form, async () => (await works[calls++]?.promise) ?? "");
      if (order === "before") works[0]?.resolve("done");
      clock.advance(timeoutMs + graceMs);
      if (order === "after") works[0]?.resolve("done");
      // The timer's turn is the sooner one: whatever was promised before is told after it.
      expect(readAnswer(form, await call.answer)).toMatchObject({ texts: before, code: "DeadlineExceeded" });
      works[1]?.resolve("second");
      expect((await again()).texts).toEqual([...before, "second"]);
    },
  );

  it("answers a caller whose message does not come in time", async () => {
    const arrived = Promise.withResolvers<void>();
    const { port, clock } = await startAdapter({}, { requestGate: () => arrived.resolve() });
    const call = connectTo(port, form.version)(headOf(form, {}, timeoutMs));
    call.send(bodyOf(form).subarray(0, 1));
    call.read();
    await arrived.promise;
    clock.advance(timeoutMs + graceMs);
    expect(readAnswer(form, await call.answer)).toMatchObject({ texts: [], code: "DeadlineExceeded" });
  });
});

it("counts the time from the call's arrival, not from its message", async () => {
  const form = forms[0] as Form;
  const arrived = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<number | undefined>();
  const { port, clock } = await startAdapter(
    {
      chat: (_, context) => {
        begun.resolve(context.timeoutMs());
        return {};
      },
    },
    { requestGate: () => arrived.resolve() },
  );
  const call = connectTo(port, form.version)(headOf(form, {}, timeoutMs));
  call.send(bodyOf(form).subarray(0, 1));
  await arrived.promise;
  clock.advance(400);
  call.end(bodyOf(form).subarray(1));
  expect(await begun.promise).toBe(timeoutMs - 400);
});
