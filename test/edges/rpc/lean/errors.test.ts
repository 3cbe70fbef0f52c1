import { create, type DescMessage, type Message, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../../gen/google/rpc/error_details_pb.ts";
import { ChatResponseSchema, StreamChatResponseSchema } from "../../../../gen/trunkline/v1/chat_pb.ts";
import { Batches } from "../../../../src/edges/rpc/batches.ts";
import type { MessageWriter } from "../../../../src/edges/rpc/lean/codec.ts";
import { LeanContext } from "../../../../src/edges/rpc/lean/context.ts";
import type { Output } from "../../../../src/edges/rpc/lean/output.ts";
import { startAdapter } from "./adapter.ts";
import { bodyOf, type Form, forms, headOf, readAnswer, streamForms } from "./forms.ts";
import { ask, connectTo } from "./raw-call.ts";

const textEvent = (value: string) => create(StreamChatResponseSchema, { event: { case: "textDelta", value } });

const halfWriters = {
  writers: new Map([ChatResponseSchema, StreamChatResponseSchema].map((type) => [type.typeName, halfWriter(type)])),
};

/** The answer of a method that fails; a stream says something before, if told. */
async function failing(form: Form, thrown: unknown, before: readonly string[] = []) {
  const adapter = await startAdapter({
    chat() {
      throw thrown;
    },
    async *streamChat() {
      yield* before.map(textEvent);
      throw thrown;
    },
  });
  const answer = await ask(connectTo(adapter.port, form.version), headOf(form), bodyOf(form));
  expect(adapter.ways).toEqual(["lean"]);
  return { adapter, answer, said: readAnswer(form, answer) };
}

const messages = ["plain", "", "a % b", "naïve €5 — 世界 👋", "line\nbreak\ttab\u0000nul", "é".repeat(300)];

describe.each(forms)("$name", (form) => {
  it.each(messages)("says what went wrong: %j", async (message) => {
    const { said } = await failing(form, new ConnectError(message, Code.FailedPrecondition));
    expect(said).toMatchObject({ texts: [], code: "FailedPrecondition", message });
  });

  it("sends an error's details and metadata", async () => {
    const details = [
      { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason: "R", metadata: { model: "ü/€" } }) },
      { desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay: { seconds: 7n } }) },
    ];
    const metadata = { "x-hint": "one", "x-raw-bin": "AQID/w" };
    const { adapter, answer, said } = await failing(form, new ConnectError("no", Code.Aborted, metadata, details));
    expect(said.error?.findDetails(ErrorInfoSchema)[0]).toMatchObject({ reason: "R", metadata: { model: "ü/€" } });
    expect(said.error?.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(7n);
    const fields = { ...answer.headers, ...Object.fromEntries(said.trailers) };
    expect(fields).toMatchObject(metadata);
    // It says more than its code already.
    expect(adapter.refused).toEqual([]);
  });

  it.each([
    ["an error", new TypeError("password hunter2 of db.internal")],
    ["a text", "hunter2"],
    ["nothing", undefined],
  ])("tells nothing of a bug in a method: %s is thrown", async (_, thrown) => {
    const { adapter, answer, said } = await failing(form, thrown);
    expect(said).toMatchObject({ code: "Internal", message: "internal error" });
    expect(JSON.stringify([answer, answer.body.toString("latin1")])).not.toContain("hunter2");
    // Whoever logs it is told all.
    expect(adapter.refused.map(({ cause }) => cause)).toEqual([thrown]);
  });
});

describe.each(streamForms)("$name", (form) => {
  it("fails after what was said", async () => {
    const { said } = await failing(form, new ConnectError("cut €", Code.DataLoss), ["one", "two"]);
    expect(said).toMatchObject({ texts: ["one", "two"], code: "DataLoss", message: "cut €" });
  });

  it("fails at a message that cannot be written, after those before it", async () => {
    const list = ["one", "two", "bad", "three"].map(textEvent);
    const { port } = await startAdapter({ streamChat: () => new Batches(only(list)) }, halfWriters);
    const answer = await ask(connectTo(port, form.version), headOf(form), bodyOf(form));
    expect(readAnswer(form, answer)).toMatchObject({ texts: ["one", "two"], code: "Internal" });
  });
});

describe.each(forms)("$name", (form) => {
  it("sends nothing of a message that could not be written to other callers", async () => {
    let calls = 0;
    const all = Promise.withResolvers<void>();
    const next = async () => {
      const text = calls++ % 2 === 0 ? "bad" : "good";
      if (calls === 8) all.resolve();
      await all.promise;
      return text;
    };
    const { port } = await startAdapter(
      {
        chat: async () => ({ model: await next() }),
        async *streamChat() {
          yield textEvent(await next());
        },
      },
      halfWriters,
    );
    const callers = Array.from({ length: 8 }, () => connectTo(port, form.version));
    const answers = await Promise.all(callers.map((call) => ask(call, headOf(form), bodyOf(form))));
    const said = answers.map((answer) => readAnswer(form, answer)).map(({ texts, code }) => `${texts} ${code}`);
    expect(said.sort()).toEqual([...Array(4).fill(" Internal"), ...Array(4).fill("good null")]);
  });

  it("ends a call whose head cannot be sent, and no other", async () => {
    let calls = 0;
    const spoil = (context: HandlerContext) => {
      if (calls++ === 0 && context instanceof LeanContext) context.header[":bad"] = "1";
    };
    const { port } = await startAdapter({
      chat: (_, context) => {
        spoil(context);
        return { model: "good" };
      },
      async *streamChat(_, context) {
        spoil(context);
        yield textEvent("good");
      },
    });
    const [first, second] = [connectTo(port, form.version), connectTo(port, form.version)];
    expect((await ask(first, headOf(form), bodyOf(form))).whole).toBe(false);
    expect(readAnswer(form, await ask(second, headOf(form), bodyOf(form))).texts).toEqual(["good"]);
  });
});

/** A writer that fails at the text `bad`, when it has written a part of it. */
function halfWriter(type: DescMessage): MessageWriter {
  const failAt = (message: Message, output: Output) => {
    if (!toJsonString(type, message).includes('"bad"')) return;
    output.text("half of it");
    throw new Error("it cannot be written");
  };
  return {
    json(message, output) {
      failAt(message, output);
      output.text(toJsonString(type, message));
    },
    binary(message, output) {
      failAt(message, output);
      output.append(toBinary(type, message));
    },
  };
}

async function* only<T>(one: T): AsyncIterable<T> {
  yield one;
}
