import { describe, expect, it } from "vitest";
import type { ChatCall } from "../../../src/domain/chat.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import type { Answer } from "../../../src/gateway.ts";
import { eventsOf } from "../../dialects/openai-responses/reading.ts";
import { completed, finished, started, text } from "../../fakes/frames.ts";
import { startRest } from "./harness.ts";

const path = "/v1/responses";
const body = { model: "m", input: "hi" };
const end = [finished(), completed({ input: 1, output: 2 })];

async function* says(id: string, ...words: string[]): Answer {
  yield [started(id), ...words.map((word) => text(word)), ...end];
}

/** Answers each request with the texts of its conversation. */
function repeats() {
  let asked = 0;
  return ({ request }: ChatCall) => {
    const texts = request.messages.flatMap(({ parts }) => parts.map(({ kind }) => String(kind.value)));
    return says(`a${++asked}`, texts.join("|"));
  };
}

describe("POST /v1/responses", () => {
  it("answers whole and as a stream, and keeps both", async () => {
    const rest = await startRest({ chat: repeats() });
    const whole = await rest.ask(path, { body });
    expect(whole.json).toMatchObject({ id: "resp_a1", status: "completed", store: true, temperature: 1 });
    const streamed = await rest.ask(path, { body: { ...body, stream: true } });
    expect(streamed.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    const last = eventsOf(streamed.text).at(-1);
    expect(last).toMatchObject({ type: "response.completed", response: { id: "resp_a2" } });
    expect((await rest.ask(`${path}/resp_a1`)).json).toEqual(whole.json);
    expect((await rest.ask(`${path}/resp_a2`)).json).toEqual(last.response);
  });

  it("goes on from an earlier response with its items, but not with its instructions", async () => {
    const rest = await startRest({ chat: repeats() });
    await rest.ask(path, { body: { ...body, instructions: "old" } });
    const next = await rest.ask(path, {
      body: { model: "m", input: "more", instructions: "new", previous_response_id: "resp_a1" },
    });
    expect(next.json.output[0].content[0].text).toBe("new|hi|old|hi|more");
    const third = await rest.ask(path, { body: { ...body, input: "last", previous_response_id: "resp_a2" } });
    expect(third.json.output[0].content[0].text).toBe("hi|old|hi|more|new|hi|old|hi|more|last");
    expect(third.json.previous_response_id).toBe("resp_a2");
  });

  it("names its own items in errors, not those that an earlier response put before them", async () => {
    const rest = await startRest({ chat: repeats() });
    await rest.ask(path, { body });
    const input = [{ role: "user", content: 7 }];
    const wrong = await rest.ask(path, { body: { model: "m", input, previous_response_id: "resp_a1" } });
    expect(wrong.json.error).toMatchObject({ param: "input[0].content", code: "invalid_value" });
  });

  it("says of which response or item nothing is kept", async () => {
    const rest = await startRest({ chat: repeats() });
    const previous = await rest.ask(path, { body: { ...body, previous_response_id: "resp_x" } });
    expect(previous.status).toBe(400);
    expect(previous.json.error).toMatchObject({ code: "previous_response_not_found", param: "previous_response_id" });
    expect(previous.json.error.message).toContain("resp_x");
    const item = await rest.ask(path, { body: { model: "m", input: [{ type: "item_reference", id: "msg_x" }] } });
    expect([item.status, item.json.error.param]).toEqual([404, "input[0].id"]);
    expect(item.json.error.message).toContain("msg_x");
  });

  it("keeps nothing of an answer that failed, and ends its stream with response.failed", async () => {
    async function* fails(): Answer {
      yield [started("a1"), text("Hi")];
      throw new GatewayError("upstream_cut", "It hung up.");
    }
    const rest = await startRest({ chat: fails });
    const got = await rest.ask(path, { body: { ...body, stream: true } });
    expect(eventsOf(got.text).at(-1)).toMatchObject({ type: "response.failed", response: { status: "failed" } });
    expect((await rest.ask(`${path}/resp_a1`)).status).toBe(404);
  });

  it("lists input items page by page", async () => {
    const rest = await startRest({ chat: repeats() });
    const input = ["a", "b", "c"].map((content) => ({ role: "user", content }));
    await rest.ask(path, { body: { model: "m", input } });
    const list = `${path}/resp_a1/input_items?order=asc&limit=2`;
    const first = (await rest.ask(list)).json;
    expect(first).toMatchObject({ object: "list", has_more: true, data: [{ role: "user" }, { status: "completed" }] });
    const second = (await rest.ask(`${list}&after=${first.last_id}`)).json;
    expect(second).toMatchObject({ has_more: false, data: [{ content: [{ type: "input_text", text: "c" }] }] });
    for (const query of ["order=up", "limit=0", "limit=101", "after=nobody"]) {
      expect((await rest.ask(`${path}/resp_a1/input_items?${query}`)).json.error.param).toBe(query.split("=")[0]);
    }
  });

  it("has no other paths and methods below it", async () => {
    const rest = await startRest({ chat: repeats() });
    await rest.ask(path, { body });
    expect((await rest.ask(`${path}/resp_a1/other`)).status).toBe(404);
    expect((await rest.ask(`${path}/resp_a1/cancel`, { method: "POST" })).status).toBe(400);
    const put = await rest.ask(`${path}/resp_a1`, { method: "PUT" });
    expect([put.status, put.headers.allow]).toEqual([405, "GET, HEAD, DELETE, POST, OPTIONS"]);
    expect((await rest.ask(`${path}/resp_a1?stream=true`)).json.error.param).toBe("stream");
    const gone = await rest.ask(`${path}/resp_a1`, { method: "DELETE" });
    expect(gone.json).toEqual({ id: "resp_a1", object: "response", deleted: true });
    expect((await rest.ask(`${path}/resp_a1`)).status).toBe(404);
  });
});
