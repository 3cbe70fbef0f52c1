import { create } from "@bufbuild/protobuf";
import type { HandlerContext, Interceptor } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { StreamChatResponseSchema } from "../../../../gen/trunkline/v1/chat_pb.ts";
import { byLibrary, startAdapter } from "./adapter.ts";
import { bodyOf, forms, headOf, readAnswer } from "./forms.ts";
import { ask, connectTo } from "./raw-call.ts";

/** Answers with the time that is left. */
const timeLeft = {
  chat: (_: unknown, context: HandlerContext) => ({ model: `${context.timeoutMs()}` }),
  async *streamChat(_: unknown, context: HandlerContext) {
    const value = `${context.timeoutMs()}`;
    yield create(StreamChatResponseSchema, { event: { case: "textDelta", value } });
  },
};

const isConnect = (type: string) => !type.startsWith("application/grpc");

/** Deadlines as they are written, and in milliseconds. */
const timeouts: Readonly<Record<"connect" | "grpc", readonly (readonly [string, number])[]>> = {
  connect: [
    ["1", 1],
    ["0005000", 5_000],
    // More than any timer waits.
    ["9999999999", 2_147_483_647],
  ],
  grpc: [
    ["1m", 1],
    ["7S", 7_000],
    ["2M", 120_000],
    ["3H", 10_800_000],
    ["5000u", 5],
    ["2000000n", 2],
    ["99999999H", 2_147_483_647],
  ],
};

describe.each(forms)("$name", (form) => {
  it("goes the short way, and knows its deadline", async () => {
    const { port, ways } = await startAdapter(timeLeft);
    const call = connectTo(port, form.version);
    const name = isConnect(form.type) ? "connect-timeout-ms" : "grpc-timeout";
    const kind = isConnect(form.type) ? "connect" : "grpc";
    for (const [text, ms] of timeouts[kind]) {
      const answer = await ask(call, headOf(form, { [name]: text }), bodyOf(form));
      expect(readAnswer(form, answer).texts).toEqual([`${ms}`]);
    }
    expect(readAnswer(form, await ask(call, headOf(form), bodyOf(form))).texts).toEqual(["undefined"]);
    expect(new Set(ways)).toEqual(new Set(["lean"]));
  });

  it.each<[string, Record<string, string>]>([
    ["a content type with a parameter", { "content-type": `${form.type}; charset=utf-8` }],
    ["a content type in capitals", { "content-type": form.type.toUpperCase() }],
    ["compression", { "content-encoding": "gzip", "grpc-encoding": "gzip", "connect-content-encoding": "gzip" }],
    ["a deadline that is no number", { "connect-timeout-ms": "soon", "grpc-timeout": "soon" }],
    ["a deadline of nothing", { "connect-timeout-ms": "0", "grpc-timeout": "0S" }],
  ])("goes the library's way with %s", async (_, fields) => {
    const { port, ways } = await startAdapter(timeLeft);
    await ask(connectTo(port, form.version), headOf(form, fields), bodyOf(form));
    expect(ways).toEqual(["library"]);
  });

  it("goes the library's way where there are interceptors", async () => {
    const { port, ways } = await startAdapter(timeLeft, byLibrary);
    expect(readAnswer(form, await ask(connectTo(port, form.version), headOf(form), bodyOf(form))).code).toBeNull();
    expect(ways).toEqual(["library"]);
  });

  it("goes the library's way for a service that has options of its own", async () => {
    let intercepted = 0;
    const interceptor: Interceptor = (next) => (request) => {
      intercepted++;
      return next(request);
    };
    const { port, ways } = await startAdapter(timeLeft, {}, { interceptors: [interceptor] });
    expect(readAnswer(form, await ask(connectTo(port, form.version), headOf(form), bodyOf(form))).code).toBeNull();
    expect([ways, intercepted]).toEqual([["library"], 1]);
  });
});

it.each(forms.filter(({ type }) => isConnect(type)))(
  "$name goes the library's way in another version",
  async (form) => {
    const { port, ways } = await startAdapter(timeLeft);
    await ask(connectTo(port, form.version), headOf(form, { "connect-protocol-version": "2" }), bodyOf(form));
    expect(ways).toEqual(["library"]);
  },
);

it("gRPC over HTTP/1.1 goes the library's way, which has words for it", async () => {
  const { port, ways } = await startAdapter(timeLeft);
  const form = { name: "gRPC", version: "1.1", type: "application/grpc", kind: "unary" } as const;
  const { status } = await ask(connectTo(port, "1.1"), headOf(form), bodyOf(form));
  expect([status, ways]).toEqual([200, ["library"]]);
});
