import { connect as connectHttp2 } from "node:http2";
import { describe, expect, it } from "vitest";
import { completed, finished, started } from "../../fakes/frames.ts";
import { dial, key, rawChat, startRest, until } from "./harness.ts";

const chatPath = "/v1/chat/completions";
const limit = 1_000;

/** A good body of so many bytes. */
function bodyOf(bytes: number): string {
  const head = '{"model":"m","messages":[{"role":"user","content":"';
  return `${head}${"x".repeat(bytes - head.length - 4)}"}]}`;
}

async function* done() {
  yield [started(), finished(), completed()];
}

describe("the size of a body", () => {
  it("may be the limit, and not one byte more", async () => {
    const rest = await startRest({ chat: done });
    expect((await rest.ask(chatPath, { body: bodyOf(limit) })).status).toBe(200);
    const over = await rest.ask(chatPath, { body: bodyOf(limit + 1) });
    expect(over).toMatchObject({
      status: 413,
      headers: { connection: "close" },
      json: { error: { code: "request_too_large" } },
    });
    expect(over.json.error.message).toContain("1000 bytes");
    expect(rest.chats).toHaveLength(1);
  });

  it("is refused by its declared length before any of it comes", async () => {
    const rest = await startRest({});
    const { socket, received } = dial(rest.port);
    socket.write(rawChat("", "content-length: 1001\r\n").replace("content-length: 0\r\n", ""));
    await until(() => received().includes("request_too_large"));
  });

  it("is counted where it is not declared", async () => {
    const rest = await startRest({});
    const chunked = (bytes: number) => {
      const body = bodyOf(bytes);
      return rawChat(`${body.length.toString(16)}\r\n${body}\r\n`, "transfer-encoding: chunked\r\n");
    };
    const { socket, received } = dial(rest.port);
    socket.write(chunked(limit + 1));
    await until(() => received().includes("request_too_large"));
    expect(received()).toContain("connection: close");
  });

  it("the rest of a refused body is thrown away for a while, then the connection closes", async () => {
    const rest = await startRest({});
    const { socket, received } = dial(rest.port);
    let closed = false;
    socket.on("close", () => {
      closed = true;
    });
    socket.write(rawChat("x".repeat(500), "content-length: 5000\r\n").replace("content-length: 500\r\n", ""));
    await until(() => received().includes("request_too_large"));
    socket.write("x".repeat(500));
    rest.clock.advance(1_000);
    await until(() => closed);
    expect(received()).not.toContain("HTTP/1.1 400");
  });

  it("is bounded on HTTP/2 as well", async () => {
    const rest = await startRest({});
    const session = connectHttp2(`http://127.0.0.1:${rest.h2Port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": chatPath,
      "content-type": "application/json",
      ...key,
    });
    let status: number | undefined;
    let text = "";
    stream.on("response", (headers) => {
      status = headers[":status"];
    });
    stream.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    stream.on("error", () => {});
    stream.write(bodyOf(limit + 1));
    await until(() => text.includes("request_too_large"));
    expect(status).toBe(413);
    session.destroy();
  });
});

describe("the time of a body", () => {
  it("that comes too slowly is 408, and the connection closes", async () => {
    const rest = await startRest({});
    const { socket, received } = dial(rest.port);
    socket.write(rawChat("{", "content-length: 50\r\n").replace("content-length: 1\r\n", ""));
    await until(() => rest.clock.timers === 1);
    rest.clock.advance(10_000);
    await until(() => received().includes("request_timeout"));
    expect(received()).toMatch(/^HTTP\/1\.1 408 [\s\S]*x-should-retry: false/);
    expect(received()).toContain("connection: close");
  });

  it("a body that breaks off reaches nobody", async () => {
    const rest = await startRest({});
    const { socket } = dial(rest.port);
    socket.write(rawChat('{"model"', "content-length: 50\r\n").replace("content-length: 8\r\n", ""));
    await until(() => rest.clock.timers === 1);
    socket.destroy();
    await until(() => rest.clock.timers === 0);
    expect(rest.chats).toHaveLength(0);
  });

  it("the key is judged before the body has come", async () => {
    const rest = await startRest({});
    const { socket, received } = dial(rest.port);
    socket.write(rawChat("", "content-length: 900\r\n").replace("content-length: 0\r\n", "").replace("right", "wrong"));
    await until(() => received().includes("invalid_api_key"));
  });
});

describe("the type of a body", () => {
  it.each([
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON;charset=UTF-8",
    "application/vnd.x+json",
  ])("%s is JSON", async (type) => {
    const rest = await startRest({ chat: done });
    expect((await rest.ask(chatPath, { body: bodyOf(100), headers: { "content-type": type } })).status).toBe(200);
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=utf-16",
    "application/jsonx",
    "",
    "application/grpc",
  ])("%j is not", async (type) => {
    const rest = await startRest({});
    const got = await rest.ask(chatPath, { body: bodyOf(100), headers: { "content-type": type } });
    expect(got).toMatchObject({ status: 415, json: { error: { code: "unsupported_media_type" } } });
  });

  it.each(["gzip", "br", "gzip, gzip"])("a body in %s is refused unread (attack 30)", async (encoding) => {
    const rest = await startRest({});
    const got = await rest.ask(chatPath, { body: bodyOf(100), headers: { "content-encoding": encoding } });
    expect(got).toMatchObject({ status: 415, json: { error: { code: "unsupported_media_type" } } });
  });

  it.each(["", "[]", "{", '{"model":"m"', "nul", "\u0000", "[".repeat(500)])(
    "%j is refused as a value",
    async (body) => {
      const rest = await startRest({});
      expect(await rest.ask(chatPath, { body })).toMatchObject({
        status: 400,
        json: { error: { code: "invalid_value" } },
      });
    },
  );

  it("bytes that are not UTF-8 are refused", async () => {
    const rest = await startRest({});
    const got = await rest.ask(chatPath, { body: new Uint8Array([0x7b, 0xff, 0x7d]) });
    expect(got).toMatchObject({ status: 400, json: { error: { code: "invalid_value" } } });
  });
});

describe("a body that nobody reads", () => {
  it("is thrown away after the answer, and the connection is used again", async () => {
    const rest = await startRest({ chat: done });
    const { socket, received } = dial(rest.port);
    socket.write(rawChat("", "content-length: 900\r\n").replace("content-length: 0\r\n", "").replace("right", "wrong"));
    await until(() => received().includes("invalid_api_key"));
    socket.write("x".repeat(900) + rawChat(bodyOf(100)));
    await until(() => received().includes("chat.completion"));
    expect(rest.clock.timers).toBe(0);
  });

  it.each(["GET /health/live", "GET /v1/models", "POST /nowhere"])(
    "ends the connection of %s when it takes too long",
    async (line) => {
      const rest = await startRest({});
      const { socket, received } = dial(rest.port);
      let closed = false;
      socket.on("close", () => {
        closed = true;
      });
      socket.write(`${line} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer right\r\ncontent-length: 900\r\n\r\nx`);
      await until(() => received().includes("\r\n\r\n{"));
      rest.clock.advance(1_000);
      await until(() => closed);
    },
  );
});
