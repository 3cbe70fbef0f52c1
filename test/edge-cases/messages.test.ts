import { describe, expect, it } from "vitest";
import { eventsOf, messageOf } from "../dialects/anthropic-messages/reading.ts";
import { chunk, done, useBench } from "./harness.ts";

const bench = useBench();
const path = "/v1/messages";
const user = { role: "user", content: "hi" };
const gpt = "openai/gpt-4o";
const claude = "anthropic/claude-sonnet-4-5";
const json = { headers: { "content-type": "application/json" } };
const usage = { choices: [], usage: { prompt_tokens: 11, completion_tokens: 5, total_tokens: 16 } };
const usageChunk = `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "gpt-4o", ...usage })}\n\n`;

const ask = (body: object, headers: Readonly<Record<string, string>> = {}) =>
  bench.post(path, { model: gpt, max_tokens: 50, messages: [user], ...body }, headers);

async function streamed(...pieces: string[]) {
  bench.script({ pieces });
  const got = await ask({ stream: true });
  expect(got).toMatchObject({ status: 200, clean: true });
  expect(got.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
  return got.text;
}

describe("Messages in front of chat completions", () => {
  it("edge case 91: begins with the thinking, without an empty text before it", async () => {
    const sse = await streamed(
      chunk({ role: "assistant", content: "", reasoning_content: "hm" }) + chunk({ content: "Hi" }),
      chunk({}, "stop") + usageChunk + done,
    );
    expect(messageOf(sse).content).toMatchObject([
      { type: "thinking", thinking: "hm" },
      { type: "text", text: "Hi" },
    ]);
  });

  it("edge cases 92 and 94: starts once and tells the counts that come last", async () => {
    const sse = await streamed(chunk({ role: "assistant", content: "Hi" }), chunk({}, "stop"), usageChunk, done);
    expect(messageOf(sse)).toMatchObject({ stop_reason: "end_turn", usage: { input_tokens: 11, output_tokens: 5 } });
  });

  it("edge case 93: goes from text to a call in one event without losing either", async () => {
    const call = { index: 0, id: "call_1", type: "function", function: { name: "f", arguments: '{"a":1}' } };
    const sse = await streamed(
      chunk({ role: "assistant", content: "Let me" }) + chunk({ content: " see", tool_calls: [call] }),
      chunk({}, "tool_calls") + done,
    );
    expect(messageOf(sse)).toMatchObject({
      content: [
        { type: "text", text: "Let me see" },
        { type: "tool_use", id: "call_1", name: "f", input: { a: 1 } },
      ],
      stop_reason: "tool_use",
    });
  });

  it("edge case 95: a provider that hangs up is an error after what was said, and a whole message if it had finished", async () => {
    const cut = await streamed(chunk({ role: "assistant", content: "Hi" }));
    expect(eventsOf(cut).at(-1)).toMatchObject({ type: "error", error: { type: "api_error" } });
    const finished = await streamed(chunk({ role: "assistant", content: "Hi" }) + chunk({}, "stop"));
    expect(messageOf(finished).content).toMatchObject([{ type: "text", text: "Hi" }]);
  });

  it("edge case 96: sends results first, each a message, and what the user says after them", async () => {
    bench.script({ pieces: [chunk({ content: "ok" }, "stop") + done] });
    const calls = ["a", "b"].map((id) => ({ type: "tool_use", id, name: "f", input: { id } }));
    const results = ["a", "b"].map((id) => ({ type: "tool_result", tool_use_id: id, content: `of ${id}` }));
    const messages = [
      user,
      { role: "assistant", content: [{ type: "text", text: "one moment" }, ...calls] },
      { role: "user", content: [...results, { type: "text", text: "and?" }] },
    ];
    await ask({ messages, system: "be brief", stream: true });
    const sent = bench.asked.at(-1)?.body.messages;
    expect(sent.map(({ role }: { role: string }) => role)).toEqual([
      "system",
      "user",
      "assistant",
      "tool",
      "tool",
      "user",
    ]);
    expect(sent[2].tool_calls).toMatchObject([
      { id: "a", function: { name: "f", arguments: '{"id":"a"}' } },
      { id: "b" },
    ]);
    expect(sent.slice(3)).toMatchObject([
      { tool_call_id: "a", content: "of a" },
      { tool_call_id: "b", content: "of b" },
      { content: "and?" },
    ]);
  });

  it("edge case 97: takes any version and feature, and tells no other provider of them", async () => {
    bench.script({ pieces: [chunk({ content: "ok" }, "stop") + done] });
    const headers = { "anthropic-version": "2031-01-01", "anthropic-beta": "novel-2031", "x-api-key": "mine" };
    expect((await ask({ stream: true }, headers)).status).toBe(200);
    const names = Object.keys(bench.asked.at(-1)?.headers ?? {});
    expect(names.filter((name) => name.startsWith("anthropic") || name === "x-api-key")).toEqual([]);
  });

  it("reports what the target does not get, and refuses it when asked to", async () => {
    bench.script({ pieces: [chunk({ content: "ok" }, "stop") + done] });
    const body = { stream: true, container: "c1", top_k: 5 };
    const got = await ask(body);
    expect(got.headers["trunkline-loss"]).toContain("container;dropped");
    const refused = await ask(body, { "trunkline-loss-policy": "refuse" });
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.text)).toMatchObject({
      type: "error",
      error: { type: "invalid_request_error", details: { error_code: "unsupported_parameter", param: "container" } },
      request_id: refused.headers["request-id"],
    });
  });
});

describe("Messages in front of Anthropic", () => {
  const answer = {
    ...{ id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-4-5", novel: { a: 1 } },
    content: [{ type: "text", text: "Hi", citations: null }],
    ...{ stop_reason: "end_turn", stop_sequence: null, usage: { input_tokens: 3, output_tokens: 2 } },
  };
  const whole = `{ "novel_first": 1.0, ${JSON.stringify(answer).slice(1)}`;

  it("sends the caller's own bytes but for the model, its version and features, and gives Anthropic's back", async () => {
    bench.script({ ...json, pieces: [whole] });
    const rest = `"max_tokens": 5, "novel": {"n": 90071992547409931, "f": 1.0}, "messages": [ {"role":"user","content":"hi"} ]`;
    const headers = { "anthropic-version": "2026-10-21", "anthropic-beta": "a-1,b-2", "x-api-key": "the caller's" };
    const got = await bench.post(path, `{"model": "${claude}", ${rest}}`, headers);
    expect(got).toMatchObject({ status: 200, text: whole });
    expect(got.headers["trunkline-loss"]).toBeUndefined();
    const asked = bench.asked.at(-1);
    expect(asked?.path).toBe("/v1/messages");
    expect(asked?.headers).toMatchObject({
      ...{ "anthropic-version": "2026-10-21", "anthropic-beta": "a-1,b-2", "x-api-key": "sk-upstream-anthropic" },
    });
    expect(asked?.text).toBe(
      '{"model":"claude-sonnet-4-5","max_tokens":5,"novel":{"n": 90071992547409931, "f": 1.0},' +
        '"messages":[ {"role":"user","content":"hi"} ]}',
    );
  });

  it("gives the events of its stream back byte for byte, also those that nobody here knows", async () => {
    const sse = (type: string, fields: object = {}) =>
      `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
    const pieces = [
      sse("message_start", { message: { ...answer, content: [], stop_reason: null } }) + sse("ping"),
      sse("content_block_start", { index: 0, content_block: { type: "novel_block", x: 1 } }),
      sse("content_block_delta", { index: 0, delta: { type: "novel_delta", y: 2 } }),
      sse("content_block_stop", { index: 0 }) + sse("novel_event", { z: 3 }),
      sse("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 2 } }),
      sse("message_stop"),
    ];
    bench.script({ pieces });
    const got = await ask({ model: claude, stream: true });
    expect(got.text).toBe(pieces.join(""));
  });

  it("builds the request anew where it holds another provider's thinking, and says so", async () => {
    bench.script({ ...json, pieces: [whole] });
    const thinking = { type: "thinking", thinking: "hm", signature: "" };
    const messages = [user, { role: "assistant", content: [thinking, { type: "text", text: "Hi" }] }, user];
    const got = await ask({ model: claude, messages, context_management: { edits: [] } });
    expect(got.status, got.text).toBe(200);
    expect(got.headers["trunkline-loss"]).toBe("messages[1].parts[0].reasoning;dropped");
    const { body } = bench.asked.at(-1) ?? {};
    expect(body.messages[1].content).toEqual([{ type: "text", text: "Hi" }]);
    expect(body.context_management).toEqual({ edits: [] });
  });

  it("counts tokens there", async () => {
    bench.script({ ...json, pieces: ['{"input_tokens":14}'] });
    const got = await bench.post("/v1/messages/count_tokens", { model: claude, messages: [user] });
    expect(got).toMatchObject({ status: 200, text: '{"input_tokens":14}' });
    expect(bench.asked.at(-1)).toMatchObject({
      path: "/v1/messages/count_tokens",
      body: { model: "claude-sonnet-4-5", messages: [user] },
    });
  });

  it("edge case 147: tells Anthropic's clients 529 of an overloaded provider, with its advice", async () => {
    const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    bench.script({ status: 529, headers: { ...json.headers, "retry-after": "3" }, pieces: [JSON.stringify(error)] });
    const got = await ask({ model: claude });
    expect(got).toMatchObject({ status: 529, headers: { "retry-after": "3" } });
    expect(JSON.parse(got.text)).toMatchObject({ type: "error", error: { type: "overloaded_error" } });
  });

  it("edge case 148: lets a refusal's rate limits reach the caller", async () => {
    const headers = {
      ...json.headers,
      ...{
        "retry-after": "7",
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "0",
      },
      ...{ "anthropic-ratelimit-requests-reset": "2026-11-25T10:00:00Z", "anthropic-organization-id": "org" },
    };
    const error = { type: "error", error: { type: "rate_limit_error", message: "Slow down" } };
    bench.script({ status: 429, headers, pieces: [JSON.stringify(error)] });
    const got = await ask({ model: claude });
    expect(got.status).toBe(429);
    expect(got.headers).toMatchObject({
      ...{ "retry-after": "7", "anthropic-ratelimit-requests-limit": "50" },
      "anthropic-ratelimit-requests-reset": "2026-11-25T10:00:00Z",
    });
    expect(got.headers["anthropic-organization-id"]).toBeUndefined();
  });
});
