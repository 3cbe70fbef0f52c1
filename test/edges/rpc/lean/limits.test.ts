import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { StreamChatResponseSchema } from "../../../../gen/trunkline/v1/chat_pb.ts";
import { byLibrary, startAdapter } from "./adapter.ts";
import { bodyOf, envelope, type Form, forms, headOf, readAnswer } from "./forms.ts";
import { ask, connectTo } from "./raw-call.ts";

const maxBytes = 300_000;

/** Answers with how long the model's name was. */
const lengths = {
  chat: ({ model }: { model: string }) => ({ model: `${model.length}` }),
  async *streamChat({ request }: { request?: { model: string } | undefined }) {
    yield create(StreamChatResponseSchema, { event: { case: "textDelta", value: `${request?.model.length}` } });
  },
};

const isEnveloped = (form: Form) => !/^application\/(json|proto)$/.test(form.type);

/** The body of a call whose message has just so many bytes. */
function sized(form: Form, bytes: number): { readonly body: Buffer; readonly chars: number } {
  let chars = bytes - bodyOf(form, "").length;
  for (;;) {
    const body = bodyOf(form, "x".repeat(chars));
    const over = body.length - (isEnveloped(form) ? 5 : 0) - bytes;
    if (over === 0) return { body, chars };
    chars -= over;
  }
}

describe.each([
  ["the short way", {}],
  ["the library", byLibrary],
] as const)("by %s", (way, options) => {
  describe.each(forms)("$name", (form) => {
    it("takes a message of the bound, and none of a byte more", async () => {
      const adapter = await startAdapter(lengths, { readMaxBytes: maxBytes, ...options });
      const call = connectTo(adapter.port, form.version);
      const exact = sized(form, maxBytes);
      expect(readAnswer(form, await ask(call, headOf(form), exact.body)).texts).toEqual([`${exact.chars}`]);
      const { body } = sized(form, maxBytes + 1);
      expect(readAnswer(form, await ask(call, headOf(form), body)).code).toBe("ResourceExhausted");
      expect(adapter.ways).toEqual(way === "the library" ? ["library", "library"] : ["lean", "lean", "returned"]);
    });

    it("refuses a message that is much too long before it has come", async () => {
      const { port } = await startAdapter(lengths, { readMaxBytes: maxBytes, ...options });
      const call = connectTo(port, form.version)(headOf(form, { "content-length": `${maxBytes * 100}` }));
      call.read();
      // By its length where it has one, else by its bytes.
      if (isEnveloped(form)) call.send(envelope(Buffer.alloc(maxBytes * 99)).subarray(0, maxBytes + 6));
      else call.send(Buffer.alloc(maxBytes + 1));
      expect(readAnswer(form, await call.answer).code).toBe("ResourceExhausted");
    });
  });

  describe.each(forms.filter(isEnveloped))("$name", (form) => {
    it("tells a caller who sends many messages that it takes one", async () => {
      const { port } = await startAdapter(lengths, { readMaxBytes: maxBytes, ...options });
      const one = sized(form, maxBytes).body;
      const answer = await ask(connectTo(port, form.version), headOf(form), Buffer.concat([one, one, one, one]));
      expect(readAnswer(form, answer).code).toMatch(/Unimplemented|InvalidArgument/);
    });
  });
});

describe.each(forms)("$name", (form) => {
  it("is refused at the gate, before its message has come", async () => {
    const adapter = await startAdapter(lengths, {
      requestGate({ requestHeader }) {
        if (!requestHeader.has("authorization")) throw new ConnectError("who asks?", Code.Unauthenticated);
      },
    });
    const connected = connectTo(adapter.port, form.version);
    const call = connected(headOf(form));
    call.read();
    call.send(bodyOf(form).subarray(0, 2));
    expect(readAnswer(form, await call.answer)).toMatchObject({ code: "Unauthenticated", message: "who asks?" });
    call.end();
    const admitted = await ask(connected, headOf(form, { authorization: "Bearer a" }), bodyOf(form, "abc"));
    expect(readAnswer(form, admitted).texts).toEqual(["3"]);
    expect(adapter.ways).toEqual(["lean", "lean"]);
  });
});
