import { connect as connectHttp2 } from "node:http2";
import { describe, expect, it } from "vitest";
import { type Frame, withWire } from "../../../src/domain/chat.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import type { Answer } from "../../../src/gateway.ts";
import { completed, finished, started, text, usage } from "../../fakes/frames.ts";
import { dial, key, rawChat, startRest, until } from "./harness.ts";

const chatPath = "/v1/chat/completions";
const body = { model: "m", messages: [{ role: "user", content: "hi" }], stream: true };
const raw = rawChat(JSON.stringify(body));
const end: readonly Frame[] = [finished(), completed({ input: 1, output: 2 })];

/** An answer whose batches the test hands out one by one. */
function createFeed() {
  const waiting: (readonly Frame[] | GatewayError | "end")[] = [];
  let wake = () => {};
  let left = false;
  async function* chat(_: unknown, { signal }: { readonly signal: AbortSignal }): Answer {
    try {
      for (;;) {
        const next = waiting.shift();
        if (next === "end") return;
        if (next instanceof GatewayError) throw next;
        if (next) {
          yield next;
          continue;
        }
        signal.throwIfAborted();
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
    } finally {
      left = true;
    }
  }
  return {
    chat,
    push(...batches: (readonly Frame[] | GatewayError | "end")[]) {
      waiting.push(...batches);
      wake();
    },
    /** Whether the loop over the answer was left, and everything behind it released. */
    get left() {
      return left;
    },
  };
}

describe("a stream", () => {
  it("is an event stream that ends with [DONE]", async () => {
    const feed = createFeed();
    feed.push([started(), text("Hel")], [text("lo")], end, "end");
    const rest = await startRest(feed);
    const got = await rest.ask(chatPath, { body });
    expect(got).toMatchObject({
      status: 200,
      headers: {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        "x-request-id": "req_1",
      },
    });
    expect(got.text.match(/"content":"(\w+)"/g)).toEqual(['"content":"Hel"', '"content":"lo"']);
    expect(got.text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(rest.clock.timers).toBe(0);
  });

  it("tells usage only when asked (edge case 23)", async () => {
    const rest = await startRest({
      async *chat() {
        yield [started(), text("x"), usage(1, 2), ...end];
      },
    });
    expect((await rest.ask(chatPath, { body })).text).not.toContain("usage");
    const asked = await rest.ask(chatPath, { body: { ...body, stream_options: { include_usage: true } } });
    expect(asked.text).toContain('"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}');
  });

  it("hands on each batch as it comes, in one write", async () => {
    const feed = createFeed();
    const rest = await startRest(feed);
    const { socket, received } = dial(rest.port);
    socket.write(raw);
    feed.push([started(), text("first")]);
    await until(() => received().includes("first"));
    expect(received()).not.toContain("second");
    feed.push([text("second"), text("third")]);
    await until(() => received().includes("third"));
    // One chunk of HTTP for both events.
    expect(
      received()
        .split("\r\n")
        .filter((part) => part.includes("second") && part.includes("third")),
    ).toHaveLength(1);
  });

  it("writes the provider's own events untouched", async () => {
    const own = 'data: {"id":"own","x_big":9007199254740993,"choices":[]}\n\n';
    const rest = await startRest({
      async *chat() {
        yield withWire([started(), text("x")], "openai-chat", own);
        yield end;
      },
    });
    expect((await rest.ask(chatPath, { body })).text.startsWith(own)).toBe(true);
  });

  it("works over HTTP/2", async () => {
    const feed = createFeed();
    feed.push([started(), text("Hello")], end, "end");
    const rest = await startRest(feed);
    const session = connectHttp2(`http://127.0.0.1:${rest.h2Port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": chatPath,
      "content-type": "application/json",
      ...key,
    });
    let received = "";
    stream.setEncoding("utf8").on("data", (chunk) => {
      received += chunk;
    });
    stream.end(JSON.stringify(body));
    await until(() => received.includes("[DONE]"));
    expect(received).toContain('"content":"Hello"');
    session.destroy();
  });

  it("is the same over HTTP/2, byte for byte, when its last batches come in one turn", async () => {
    const chat = async function* (): Answer {
      yield [started(), text("Hello")];
      yield [text(" world")];
      yield [text("!")];
      yield end;
    };
    const rest = await startRest({ chat });
    const want = (await rest.ask(chatPath, { body })).text;
    const session = connectHttp2(`http://127.0.0.1:${rest.h2Port}`);
    const head = { ":method": "POST", ":path": chatPath, "content-type": "application/json", ...key };
    const got: string[] = [];
    for (let i = 0; i < 5; i++) {
      const stream = session.request(head).setEncoding("utf8");
      stream.end(JSON.stringify(body));
      got.push((await stream.toArray()).join(""));
    }
    session.destroy();
    expect(got.map(withoutId)).toEqual(Array(5).fill(withoutId(want)));
  });
});

/** Answers differ in their request's id alone. */
function withoutId(answer: string): string {
  return answer.replaceAll(/chatcmpl-\w+/g, "chatcmpl");
}

describe("before the first content", () => {
  it("the head waits, so that a failure is an ordinary error", async () => {
    const feed = createFeed();
    const rest = await startRest(feed);
    const { socket, received } = dial(rest.port);
    socket.write(raw);
    feed.push([started()]);
    await until(() => rest.chats.length === 1);
    expect(received()).toBe("");
    feed.push(new GatewayError("overloaded", "Busy.", { retryAfterMs: 3_000 }));
    await until(() => received().includes("overloaded"));
    expect(received()).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: 3\r\n/);
    expect(received()).not.toContain("event-stream");
  });

  it("a silence is broken by comments, and a failure then comes in the stream, without [DONE]", async () => {
    const feed = createFeed();
    const rest = await startRest(feed);
    const { socket, received } = dial(rest.port);
    socket.write(raw);
    await until(() => rest.chats.length === 1 && rest.clock.timers === 1);
    rest.clock.advance(14_999);
    expect(received()).toBe("");
    rest.clock.advance(1);
    await until(() => received().includes(": keep-alive"));
    rest.clock.advance(15_000);
    await until(() => received().split(": keep-alive").length === 3);
    feed.push(new GatewayError("upstream_error", "It broke."));
    await until(() => received().endsWith("0\r\n\r\n"));
    expect(received()).toContain(
      'data: {"error":{"message":"It broke.","type":"upstream_error","param":null,"code":"upstream_error"}}',
    );
    expect(received()).not.toContain("[DONE]");
    expect(rest.logged).toEqual([]);
  });
});

describe("after the first content", () => {
  it("a silence is broken by comments between events", async () => {
    const feed = createFeed();
    const rest = await startRest(feed);
    const { socket, received } = dial(rest.port);
    socket.write(raw);
    feed.push([started(), text("x")]);
    await until(() => received().includes('"x"'));
    rest.clock.advance(15_000);
    await until(() => received().includes("}\n\n\r\n") && received().includes(": keep-alive\n\n"));
    feed.push(end, "end");
    await until(() => received().includes("[DONE]"));
    expect(rest.clock.timers).toBe(0);
  });

  it("a failure is an event, and no [DONE] follows", async () => {
    const feed = createFeed();
    feed.push([started(), text("Hel")], new GatewayError("upstream_cut", "It hung up."));
    const rest = await startRest(feed);
    const got = await rest.ask(chatPath, { body });
    expect(got.status).toBe(200);
    expect(got.text).toContain('"code":"upstream_cut"');
    expect(got.text).not.toContain("[DONE]");
    expect(got.text.endsWith("}}\n\n")).toBe(true);
  });

  it("unforeseen failures say nothing of the inside", async () => {
    const rest = await startRest({
      async *chat() {
        yield [started(), text("x")];
        throw new Error("secret inside");
      },
    });
    const got = await rest.ask(chatPath, { body });
    expect(got.text).toContain('"code":"internal"');
    expect(got.text).not.toContain("secret");
  });
});

describe("edge case 149: a caller that hangs up", () => {
  it.each(["before the first token", "mid-stream"])("%s aborts the work behind the answer", async (when) => {
    const feed = createFeed();
    const rest = await startRest(feed);
    const { socket, received } = dial(rest.port);
    socket.write(raw);
    if (when === "mid-stream") {
      feed.push([started(), text("x")]);
      await until(() => received().includes('"x"'));
    }
    await until(() => rest.chats.length === 1);
    socket.destroy();
    await until(() => feed.left);
    expect(rest.chats[0]?.signal.reason).toMatchObject({ code: "canceled" });
    await until(() => rest.clock.timers === 0);
  });

  it("in a call that does not stream aborts it too", async () => {
    const feed = createFeed();
    const rest = await startRest(feed);
    const { socket } = dial(rest.port);
    socket.write(rawChat(JSON.stringify({ ...body, stream: false })));
    await until(() => rest.chats.length === 1);
    socket.destroy();
    await until(() => feed.left);
    expect(rest.chats[0]?.signal.reason).toMatchObject({ code: "canceled" });
  });

  it("aborts pipelined requests that still wait for their turn", async () => {
    const rest = await startRest({
      chat: (_, { signal }) => ({
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
        }),
      }),
    });
    const { socket } = dial(rest.port);
    socket.write(raw + raw + raw);
    await until(() => rest.chats.length === 3);
    socket.destroy();
    await until(() => rest.chats.every(({ signal }) => signal.aborted));
  });

  it("on HTTP/2 aborts its own stream and no other", async () => {
    const feed = createFeed();
    const rest = await startRest(feed);
    const session = connectHttp2(`http://127.0.0.1:${rest.h2Port}`);
    const ask = () => {
      const stream = session.request({
        ":method": "POST",
        ":path": chatPath,
        "content-type": "application/json",
        ...key,
      });
      stream.on("error", () => {});
      stream.end(JSON.stringify(body));
      return stream;
    };
    const first = ask();
    await until(() => rest.chats.length === 1);
    ask();
    await until(() => rest.chats.length === 2);
    first.close(8);
    await until(() => rest.chats[0]?.signal.aborted === true);
    expect(rest.chats[1]?.signal.aborted).toBe(false);
    session.destroy();
    await until(() => rest.chats[1]?.signal.aborted === true);
  });
});

describe("attack 37: a slow reader", () => {
  it("holds the answer back, and then gets all of it", async () => {
    const pieces = 400;
    const piece = "x".repeat(100_000);
    let given = 0;
    const rest = await startRest({
      async *chat() {
        yield [started()];
        while (given < pieces) {
          given++;
          yield [text(piece)];
        }
        yield end;
      },
    });
    const { socket } = dial(rest.port);
    // Only the end is kept: the whole would be 40 MB of text.
    let tail = "";
    socket.removeAllListeners("data").on("data", (chunk) => {
      tail = `${tail}${chunk}`.slice(-200);
    });
    socket.pause();
    socket.write(raw);
    // The answer goes on until the kernel's buffers are full; it must stop long before its end.
    let seen = -1;
    for (let quiet = 0; quiet < 200; quiet++) {
      if (given !== seen) quiet = 0;
      seen = given;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(given).toBeLessThan(pieces);
    socket.resume();
    await until(() => tail.endsWith("0\r\n\r\n"));
    expect(given).toBe(pieces);
    expect(tail).toContain("[DONE]");
  });

  it.each(["hangs up", "ends its own side"])(
    "that %s while it is behind frees the work behind the answer",
    async (how) => {
      let left = false;
      const rest = await startRest({
        async *chat() {
          try {
            for (;;) yield [text("x".repeat(100_000))];
          } finally {
            left = true;
          }
        },
      });
      const { socket } = dial(rest.port);
      socket.pause();
      socket.write(raw);
      await until(() => rest.chats.length === 1);
      for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (how === "hangs up") socket.destroy();
      else socket.end();
      await until(() => left);
    },
  );
});
