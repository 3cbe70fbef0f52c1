import { describe, expect, it } from "vitest";
import { chunk, chunksOf, dataOf, done, head, textOf, useBench } from "./harness.ts";

const bench = useBench();
const ask = { model: "openai/gpt-4o", stream: true, messages: [{ role: "user", content: "hi" }] };
const post = () => bench.post("/v1/chat/completions", ask);
const hi = chunk({ role: "assistant", content: "Hi" });
const stop = chunk({}, "stop");

function bytewise(text: string): Uint8Array[] {
  return [...Buffer.from(text)].map((byte) => Uint8Array.of(byte));
}

describe("stream framing, provider to caller", () => {
  it("edge case 1: a character split between two chunks at every byte arrives whole", async () => {
    const event = chunk({ content: "€🌍" });
    const bytes = Buffer.from(event);
    const start = bytes.indexOf("€");
    for (let cut = start + 1; cut < start + 7; cut++) {
      bench.script({ pieces: [hi, bytes.subarray(0, cut), bytes.subarray(cut), stop, done] });
      const got = await post();
      expect(textOf(got.text)).toBe("Hi€🌍");
      expect(got.text).not.toContain("\uFFFD");
    }
  });

  it("edge case 2: a chunk that ends inside a character does not end the stream", async () => {
    const bytes = Buffer.from(chunk({ content: "é" }));
    const cut = bytes.indexOf("é") + 1;
    bench.script({ pieces: [bytes.subarray(0, cut), bytes.subarray(cut), chunk({ content: "!" }), stop, done] });
    const got = await post();
    expect(got.clean).toBe(true);
    expect(textOf(got.text)).toBe("é!");
  });

  it("edge case 3: one byte a chunk gives the same text as one chunk", async () => {
    const whole = hi + chunk({ content: " dé" }) + stop + done;
    bench.script({ pieces: [whole] }, { pieces: bytewise(whole) });
    const [once, bytes] = [await post(), await post()];
    expect(bytes.text).toBe(once.text);
    expect(dataOf(bytes.text).at(-1)).toBe("[DONE]");
  });

  it("edge case 4: lines that end with CRLF are read, usage and model too", async () => {
    const usage = { choices: [], usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 } };
    const text = hi + stop + chunk({}, null, usage) + done;
    bench.script({ pieces: [text.replaceAll("\n", "\r\n")] });
    const got = await bench.post("/v1/chat/completions", { ...ask, stream_options: { include_usage: true } });
    expect(textOf(got.text)).toBe("Hi");
    expect(chunksOf(got.text).at(-1)).toMatchObject({ model: "gpt-4o", usage: { total_tokens: 4 } });
  });

  it("edge case 5: bare CR, and a CRLF split between chunks, are one line end each", async () => {
    bench.script({ pieces: [(hi + chunk({ content: "!" }) + stop + done).replaceAll("\n", "\r")] });
    expect(textOf((await post()).text)).toBe("Hi!");
    const pieces = (hi + chunk({ content: "!" }) + stop + done).replaceAll("\n", "\r\n").split(/(?<=\r)/);
    bench.script({ pieces });
    const got = await post();
    expect(textOf(got.text)).toBe("Hi!");
    expect(dataOf(got.text)).toHaveLength(4);
  });

  it("edge case 6: a missing space after the colon is allowed, and only one is taken away", async () => {
    const spaced = chunk({ content: "x" }).replace("data: ", "data:  ");
    bench.script({
      pieces: [hi.replace("data: ", "data:"), spaced, stop.replace("data: ", "data:"), "data:[DONE]\n\n"],
    });
    const got = await post();
    expect(textOf(got.text.replaceAll("data:  ", "data: "))).toBe("Hix");
    expect(got.text).toContain("[DONE]");
  });

  it("edge case 7: comments before, between and after events are never parsed", async () => {
    const comment = ": OPENROUTER PROCESSING\n\n";
    bench.script({ pieces: [comment, ": keep-alive\n", hi, comment, stop, ":\n", done, comment] });
    const got = await post();
    expect(got.status).toBe(200);
    expect(textOf(got.text)).toBe("Hi");
  });

  it("edge case 8: a last event without its blank line still counts", async () => {
    bench.script({ pieces: [hi, stop.trimEnd()] });
    const got = await post();
    expect(chunksOf(got.text).at(-1).choices[0].finish_reason).toBe("stop");
    expect(got.text.endsWith(done)).toBe(true);
  });

  it("edge case 9: several data lines are one event, joined by LF", async () => {
    const json = JSON.stringify({ ...head, choices: [{ index: 0, delta: { content: "two" }, finish_reason: null }] });
    const split = json.replace(',"choices"', '\ndata: ,"choices"');
    bench.script({ pieces: [`data: ${split}\n\n`, stop, done] });
    const got = await post();
    const content = got.text
      .split("\n\n")
      .filter((event) => event.startsWith("data: {"))
      .map((event) => JSON.parse(event.replaceAll(/^data: /gm, "")).choices[0].delta.content ?? "");
    expect(content.join("")).toBe("two");
  });

  it("edge case 10: an event split in the middle of its JSON is put together", async () => {
    bench.script({ pieces: [hi.slice(0, 40), hi.slice(40), stop, done] });
    expect(textOf((await post()).text)).toBe("Hi");
  });

  it("edge case 11: ten events in one chunk are handled in order", async () => {
    const ten = Array.from({ length: 10 }, (_, i) => chunk({ content: String(i) })).join("");
    bench.script({ pieces: [ten + stop + done] });
    expect(textOf((await post()).text)).toBe("0123456789");
  });

  it("edge case 12: a finish reason and then the end is complete, and [DONE] is sent", async () => {
    bench.script({ pieces: [hi, stop] });
    const got = await post();
    expect(got.clean).toBe(true);
    expect(dataOf(got.text).at(-1)).toBe("[DONE]");
  });

  it("edge case 13: an end without finish reason and sentinel is an error, not a stop", async () => {
    bench.script({ pieces: [hi] });
    const got = await post();
    expect(got.text).not.toContain("[DONE]");
    expect(got.text).not.toContain('"stop"');
    expect(chunksOf(got.text).at(-1).error.code).toBe("upstream_cut");
  });

  it("edge case 14: a second [DONE] and what follows it are ignored", async () => {
    bench.script({ pieces: [hi, stop, done, done, chunk({ content: "ghost" })] });
    const got = await post();
    expect(textOf(got.text)).toBe("Hi");
    expect(dataOf(got.text).filter((data) => data === "[DONE]")).toHaveLength(1);
  });

  it("edge case 15: a connection lost inside a tool call is an error", async () => {
    const call = { tool_calls: [{ index: 0, id: "c1", type: "function", function: { name: "f", arguments: '{"a' } }] };
    bench.script({ pieces: [chunk({ role: "assistant", ...call })], ending: "cut" });
    const got = await post();
    expect(chunksOf(got.text).at(-1).error.code).toBe("upstream_cut");
    expect(got.text).not.toContain('finish_reason":"tool_calls');
    expect(got.text).not.toContain("[DONE]");
  });

  it("edge case 16: event names without data, id and retry lines are ignored", async () => {
    bench.script({ pieces: ["event: ping\n\n", "id: 7\nretry: 10\n\n", `id: 8\n${hi}`, stop, done] });
    const got = await post();
    expect(textOf(got.text.replaceAll("id: 8\n", ""))).toBe("Hi");
    expect(got.text.endsWith(done)).toBe(true);
  });

  it("edge case 17: a byte order mark at the start is ignored", async () => {
    bench.script({ pieces: [Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(hi)]), stop, done] });
    expect(textOf((await post()).text)).toBe("Hi");
  });

  it("edge case 18: an event of 5 MB passes; one above the limit is an error and not a crash", async () => {
    const big = "x".repeat(5_000_000);
    bench.script({ pieces: [chunk({ role: "assistant", content: big }), stop, done] });
    expect(textOf((await post()).text)).toHaveLength(5_000_000);
    bench.script({ pieces: [`data: {"x":"${"y".repeat(40_000_000)}`] });
    const got = await post();
    expect(got.status === 200 ? chunksOf(got.text).at(-1).error.code : JSON.parse(got.text).error.code).toBe(
      "upstream_error",
    );
    bench.script({ pieces: [hi, stop, done] });
    expect(textOf((await post()).text)).toBe("Hi");
  });

  it("edge case 19: a whole JSON answer to a stream request becomes a stream of its own", async () => {
    const body = {
      id: "chatcmpl-9",
      object: "chat.completion",
      created: 5,
      model: "gpt-4o",
      choices: [{ index: 0, message: { role: "assistant", content: "whole" }, finish_reason: "stop", logprobs: null }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    };
    bench.script({ headers: { "content-type": "application/json" }, pieces: [JSON.stringify(body)] });
    const got = await post();
    expect(got.headers["content-type"]).toContain("text/event-stream");
    expect(textOf(got.text)).toBe("whole");
    expect(chunksOf(got.text)[0].id).toBe("chatcmpl-9");
    expect(dataOf(got.text).at(-1)).toBe("[DONE]");
  });

  it("edge case 20: an error with an SSE or HTML body keeps its status and sends no stream headers", async () => {
    bench.script({ status: 503, headers: { "content-type": "text/event-stream" }, pieces: ["<html>busy</html>"] });
    const busy = await post();
    expect(busy.status).toBe(503);
    expect(busy.headers["content-type"]).toContain("application/json");
    expect(JSON.parse(busy.text).error.message).not.toContain("<html>");
    bench.script({ status: 400, headers: { "content-type": "text/html" }, pieces: ["<html>Bad Request</html>"] });
    const bad = await post();
    expect(bad.status).toBe(400);
    expect(JSON.parse(bad.text).error.type).toBe("invalid_request_error");
  });

  it("half a character in any string of a provider reaches no caller, and the rest is untouched", async () => {
    const call = { index: 0, id: "c\ud83d", type: "function", function: { name: "f", arguments: "{}" } };
    const pieces = [chunk({ role: "assistant", tool_calls: [call] }, null, { novel: "\ude00!" }), stop, done];
    bench.script({ pieces });
    const got = await post();
    expect(got.text).not.toMatch(/\\u[dD][89a-f]/);
    expect(chunksOf(got.text)[0]).toMatchObject({ novel: "\ufffd!" });
    expect(chunksOf(got.text)[0].choices[0].delta.tool_calls[0].id).toBe("c\ufffd");
  });
});
