import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../src/domain/errors.ts";
import type { Answer } from "../../../src/gateway.ts";
import { eventsOf, messageOf } from "../../dialects/anthropic-messages/reading.ts";
import { completed, finished, started, text } from "../../fakes/frames.ts";
import { dial, startRest, until } from "./harness.ts";

const path = "/v1/messages";
const body = { model: "m", max_tokens: 9, messages: [{ role: "user", content: "hi" }] };
const end = [finished(), completed({ input: 1, output: 2 })];

async function* says(...words: string[]): Answer {
  yield [started(), ...words.map((word) => text(word)), ...end];
}

describe("POST /v1/messages", () => {
  it("answers whole, with the request's id under Anthropic's name too", async () => {
    const rest = await startRest({ chat: () => says("Hel", "lo") });
    const got = await rest.ask(path, { body });
    expect(got).toMatchObject({ status: 200, headers: { "request-id": "req_1", "x-request-id": "req_1" } });
    expect(got.json).toMatchObject({ type: "message", content: [{ type: "text", text: "Hello" }] });
  });

  it("answers as a stream over HTTP/1.1", async () => {
    const rest = await startRest({ chat: () => says("Hi") });
    const got = await rest.ask(path, { body: { ...body, stream: true } });
    expect(got.headers).toMatchObject({ "content-type": "text/event-stream; charset=utf-8", "request-id": "req_1" });
    expect(messageOf(got.text).content).toMatchObject([{ type: "text", text: "Hi" }]);
  });

  it("holds the head until the first content: a failure before it is an ordinary error", async () => {
    async function* fails(): Answer {
      yield [started()];
      throw new GatewayError("overloaded", "Too much at once.", { retryAfterMs: 2_000 });
    }
    const rest = await startRest({ chat: fails });
    const got = await rest.ask(path, { body: { ...body, stream: true } });
    expect(got).toMatchObject({ status: 529, headers: { "retry-after": "2", "request-id": "req_1" } });
    expect(got.json).toEqual({
      type: "error",
      error: { type: "overloaded_error", message: "Too much at once.", details: { error_code: "overloaded" } },
      request_id: "req_1",
    });
  });

  it("ends in an error event when it fails later", async () => {
    async function* fails(): Answer {
      yield [started(), text("Hi")];
      throw new GatewayError("upstream_cut", "It hung up.");
    }
    const rest = await startRest({ chat: fails });
    const got = await rest.ask(path, { body: { ...body, stream: true } });
    expect(got.status).toBe(200);
    expect(eventsOf(got.text).map(({ type }) => type)).toEqual([
      ...["message_start", "content_block_start", "content_block_delta", "error"],
    ]);
  });

  it("breaks a silence with a ping, before the answer begins too", async () => {
    let wake = () => {};
    async function* slow(): Answer {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      yield* says("Hi");
    }
    const rest = await startRest({ chat: slow });
    const { socket, received } = dial(rest.port);
    const json = JSON.stringify({ ...body, stream: true });
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer right\r\ncontent-type: application/json\r\n` +
        `content-length: ${json.length}\r\n\r\n${json}`,
    );
    await until(() => rest.chats.length === 1);
    rest.clock.advance(15_000);
    await until(() => received().includes('event: ping\ndata: {"type":"ping"}'));
    wake();
    await until(() => received().includes("message_stop"));
    expect(received().indexOf("event: ping")).toBeLessThan(received().indexOf("message_start"));
  });

  it.each([
    ["no body", { body: "" }, 400, "invalid_request_error"],
    ["no JSON", { body: "{" }, 400, "invalid_request_error"],
    ["another content type", { body, headers: { "content-type": "text/plain" } }, 415, "invalid_request_error"],
    ["too large a body", { body: { ...body, system: "x".repeat(2_000) } }, 413, "request_too_large"],
    ["a wrong key", { body, headers: { authorization: "Bearer wrong" } }, 401, "authentication_error"],
    ["another method", { method: "GET" }, 405, "invalid_request_error"],
    ["a bad deadline", { body, headers: { "x-request-timeout-ms": "soon" } }, 400, "invalid_request_error"],
  ])("refuses %s in Anthropic's words", async (_, options, status, type) => {
    const rest = await startRest({});
    const got = await rest.ask(path, options);
    expect(got.status).toBe(status);
    expect(got.json).toMatchObject({ type: "error", error: { type }, request_id: got.headers["request-id"] });
    expect(got.headers["x-request-id"]).toBe(got.headers["request-id"]);
  });

  it("knows no other path below it, and says so in Anthropic's words", async () => {
    const rest = await startRest({});
    for (const wrong of ["/v1/messages/none", "/v1/messages/batches/x", "/v1/messages/"]) {
      const got = await rest.ask(wrong, { body });
      expect(got).toMatchObject({ status: 404, json: { type: "error", error: { type: "not_found_error" } } });
    }
    expect((await rest.ask("/v1/messagesx", { body })).json).toMatchObject({ error: { code: "unknown_url" } });
  });

  it("names the member at fault by its own name, also where a later stage found it", async () => {
    async function* refuses(): Answer {
      yield [started()];
      throw new GatewayError("unsupported_value", "messages[1].parts[0].image is too large.", {
        field: "messages[1].parts[0].image",
      });
    }
    const rest = await startRest({ chat: refuses });
    const got = await rest.ask(path, { body: { ...body, system: "s" } });
    expect(got.json.error).toEqual({
      type: "invalid_request_error",
      message: "messages.0.content.0: is too large.",
      details: { error_code: "unsupported_value", param: "messages[0].content[0]" },
    });
  });
});
