import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, encodeBinaryHeader, type HandlerContext } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { StreamChatResponseSchema } from "../../../../gen/trunkline/v1/chat_pb.ts";
import { LeanContext } from "../../../../src/edges/rpc/lean/context.ts";
import { byLibrary, startAdapter } from "./adapter.ts";
import { bodyOf, type Form, forms, headOf, readAnswer, toHeaders } from "./forms.ts";
import { ask, connectTo } from "./raw-call.ts";

const raw = encodeBinaryHeader(Uint8Array.of(0, 255, 10, 13, 44));

/** One call of a method that sees its context before it answers, or fails. */
async function play(form: Form, see: (context: HandlerContext) => void, fields = {}, options = {}) {
  const adapter = await startAdapter(
    {
      chat: (_, context) => {
        see(context);
        return {};
      },
      async *streamChat(_, context) {
        see(context);
        yield create(StreamChatResponseSchema, { event: { case: "heartbeat", value: {} } });
      },
    },
    options,
  );
  const answer = await ask(connectTo(adapter.port, form.version), headOf(form, fields), bodyOf(form));
  return { ways: adapter.ways, headers: toHeaders(answer.headers), said: readAnswer(form, answer) };
}

describe.each(forms)("$name", (form) => {
  it("shows a method the caller's metadata", async () => {
    const seen: unknown[] = [];
    const fields = { "x-text": "a b", "x-raw-bin": raw, "x-many": ["one", "two"], cookie: "a=1; b=2" };
    const see = ({ requestHeader, requestMethod, protocolName, url, method, service }: HandlerContext) => {
      const values = ["x-text", "x-raw-bin", "x-many", "cookie"].map((name) => requestHeader.get(name));
      const { pathname } = new URL(url);
      seen.push([...values, requestMethod, protocolName, pathname, method.name, service.typeName]);
    };
    const { ways } = await play(form, see, fields);
    expect((await play(form, see, fields, byLibrary)).ways).toEqual(["library"]);
    expect(ways).toEqual(["lean"]);
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]).toEqual(expect.arrayContaining(["a b", raw, "one, two", "a=1; b=2", "POST"]));
  });

  it.each(["good", "failed"])("sends a method's metadata before and behind an answer: a %s one", async (end) => {
    const { headers, said } = await play(form, ({ responseHeader, responseTrailer }) => {
      for (const [where, name] of [
        [responseHeader, "before"],
        [responseTrailer, "behind"],
      ] as const) {
        where.set("x-text", name);
        where.set("x-raw-bin", raw);
        where.append("x-many", `${name}1`);
        where.append("x-many", `${name}2`);
        where.append("set-cookie", `a=${name}; Path=/`);
        where.append("set-cookie", `b=${name}; Expires=Thu, 01 Jan 2037 00:00:00 GMT`);
      }
      if (end === "failed") throw new ConnectError("no", Code.Aborted, { "x-error": "e" });
    });
    expect(said.code).toBe(end === "good" ? null : "Aborted");
    for (const [where, name] of [
      [headers, "before"],
      [said.trailers, "behind"],
    ] as const) {
      expect([where.get("x-text"), where.get("x-raw-bin")]).toEqual([name, raw]);
      expect(where.get("x-many")?.replace(" ", "")).toBe(`${name}1,${name}2`);
      // The end of Connect's streams has one cookie, as the library writes it.
      if (name === "behind" && form.type.startsWith("application/connect+")) continue;
      const cookies = [`a=${name}; Path=/`, `b=${name}; Expires=Thu, 01 Jan 2037 00:00:00 GMT`];
      expect(where.getSetCookie().join(", ")).toBe(cookies.join(", "));
    }
    if (end === "failed") expect([headers.get("x-error"), said.trailers.get("x-error")]).toContain("e");
  });

  it("joins cookies of the gateway's and of the method's", async () => {
    const { headers } = await play(form, (context) => {
      if (!(context instanceof LeanContext)) throw new Error("not the short way");
      context.header["set-cookie"] = "a=1";
      context.responseHeader.append("set-cookie", "b=2");
      context.header["x-both"] = "the gateway's";
      context.responseHeader.set("x-both", "the method's");
    });
    expect(headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(headers.get("x-both")).toBe("the method's");
  });
});
