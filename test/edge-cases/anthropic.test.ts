import { describe, expect, it } from "vitest";
import { chunksOf, dataOf, textOf, useBench } from "./harness.ts";

const bench = useBench();
const user = { role: "user", content: "hi" };
const tool = { type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } };
const model = "anthropic/claude-sonnet-4-5";
const newer = "anthropic/claude-opus-4-8";

const sse = (type: string, fields: object = {}) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const message = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-4-5",
  content: [],
  stop_reason: null,
  stop_sequence: null,
  usage: { input_tokens: 10, output_tokens: 1 },
};
const start = sse("message_start", { message });
const block = (index: number, content_block: object) => sse("content_block_start", { index, content_block });
const delta = (index: number, fields: object) => sse("content_block_delta", { index, delta: fields });
const stopBlock = (index: number) => sse("content_block_stop", { index });
const finish = (stop_reason: string, usage: object = { output_tokens: 5 }, more: object = {}) =>
  sse("message_delta", { delta: { stop_reason, stop_sequence: null, ...more }, usage });
const stop = sse("message_stop");
const says = (index: number, text: string) =>
  block(index, { type: "text", text: "" }) + delta(index, { type: "text_delta", text }) + stopBlock(index);
const uses = (index: number, id: string, name: string, ...json: string[]) =>
  block(index, { type: "tool_use", id, name, input: {} }) +
  json.map((partial_json) => delta(index, { type: "input_json_delta", partial_json })).join("") +
  stopBlock(index);

const stream = (extra: object = {}) =>
  bench.post("/v1/chat/completions", { model, messages: [user], tools: [tool], stream: true, ...extra });
const plain = { headers: { "content-type": "application/json" } };
const whole = (fields: object = {}) => ({
  ...plain,
  pieces: [
    JSON.stringify({
      ...message,
      content: [{ type: "text", text: "Hi", citations: null }],
      stop_reason: "end_turn",
      usage: { input_tokens: 3, output_tokens: 2 },
      ...fields,
    }),
  ],
});

/** Sends a request whose answer does not matter and returns what the provider was asked. */
async function sent(request: object) {
  bench.script(whole());
  const got = await bench.post("/v1/chat/completions", { model, messages: [user], ...request });
  expect(got.status, got.text).toBe(200);
  return { body: bench.asked.at(-1)?.body, loss: String(got.headers["trunkline-loss"] ?? "") };
}
async function refused(request: object) {
  const before = bench.asked.length;
  const got = await bench.post("/v1/chat/completions", { model, messages: [user], ...request });
  expect(bench.asked).toHaveLength(before);
  expect(got.status).toBe(400);
  return JSON.parse(got.text).error;
}
async function answered(fields: object, request: object = {}) {
  bench.script(whole(fields));
  const got = await bench.post("/v1/chat/completions", { model, messages: [user], ...request });
  return JSON.parse(got.text);
}
const calls = (text: string) => {
  const found: { index: number; id: string; name: string; arguments: string }[] = [];
  for (const one of chunksOf(text)) {
    for (const call of one.choices?.[0]?.delta?.tool_calls ?? []) {
      found[call.index] ??= { index: call.index, id: "", name: "", arguments: "" };
      const known = found[call.index];
      if (!known) continue;
      known.id ||= call.id ?? "";
      known.name ||= call.function?.name ?? "";
      known.arguments += call.function?.arguments ?? "";
    }
  }
  return found;
};
const finishOf = (text: string) => chunksOf(text).find((one) => one.choices?.[0]?.finish_reason)?.choices[0];

describe("Anthropic answers for callers of chat completions", () => {
  it("edge case 47: a call without arguments has {} as arguments", async () => {
    bench.script({ pieces: [start, uses(0, "t1", "f", ""), finish("tool_use"), stop] });
    expect(calls((await stream()).text)).toEqual([{ index: 0, id: "t1", name: "f", arguments: "{}" }]);
  });

  it("edge case 48: arguments that come as deltas do not begin with {}", async () => {
    bench.script({ pieces: [start, uses(0, "t1", "f", "", '{"a":', "1}"), finish("tool_use"), stop] });
    expect(calls((await stream()).text)[0]?.arguments).toBe('{"a":1}');
  });

  it("edge cases 51 and 52: tool indexes count tools, and blocks in between do not matter", async () => {
    const hosted = block(1, { type: "server_tool_use", id: "srv", name: "web_search", input: {} }) + stopBlock(1);
    const found = block(2, { type: "web_search_tool_result", tool_use_id: "srv", content: [] }) + stopBlock(2);
    bench.script({
      pieces: [
        start,
        says(0, "Hi"),
        hosted,
        found,
        says(3, "!"),
        uses(5, "t1", "f", "{}"),
        uses(6, "t2", "f", "{}"),
        finish("tool_use"),
        stop,
      ],
    });
    const got = await stream();
    expect(textOf(got.text)).toBe("Hi!");
    expect(calls(got.text).map((call) => [call.index, call.id])).toEqual([
      [0, "t1"],
      [1, "t2"],
    ]);
  });

  it("edge case 53: pings anywhere are no content", async () => {
    const ping = sse("ping");
    bench.script({ pieces: [ping, start, ping, says(0, "Hi"), ping, finish("end_turn"), ping, stop] });
    const got = await stream();
    expect(textOf(got.text)).toBe("Hi");
    expect(dataOf(got.text).at(-1)).toBe("[DONE]");
  });

  it("edge case 54: events and blocks newer than the gateway do not stop the stream", async () => {
    const odd = block(0, { type: "mcp_tool_use", id: "x" }) + delta(0, { type: "new_delta", x: 1 }) + stopBlock(0);
    bench.script({ pieces: [start, sse("fallback", { x: 1 }), odd, says(1, "Hi"), finish("end_turn"), stop] });
    const got = await stream();
    expect(textOf(got.text)).toBe("Hi");
    expect(finishOf(got.text).finish_reason).toBe("stop");
  });

  it("edge case 55: an error event after 200 is an error for the caller", async () => {
    const error = sse("error", { error: { type: "overloaded_error", message: "Overloaded" } });
    bench.script({ pieces: [start, says(0, "Hi"), error] });
    const got = await stream();
    expect(chunksOf(got.text).at(-1).error).toMatchObject({ code: "overloaded" });
    expect(got.text).not.toContain("[DONE]");
  });

  it("edge case 56: the final usage replaces the first", async () => {
    const usage = { input_tokens: 99, output_tokens: 7 };
    bench.script({ pieces: [start, says(0, "Hi"), finish("end_turn", usage), stop] });
    const got = await stream({ stream_options: { include_usage: true } });
    expect(chunksOf(got.text).at(-1).usage).toMatchObject({ prompt_tokens: 99, completion_tokens: 7 });
  });

  it("edge case 57: a second message_start begins nothing anew", async () => {
    bench.script({ pieces: [start, start, says(0, "Hi"), finish("end_turn"), stop] });
    const got = await stream();
    expect(chunksOf(got.text).filter((one) => one.choices?.[0]?.delta?.role)).toHaveLength(1);
  });

  it.each([
    [58, "pause_turn", "stop"],
    [60, "model_context_window_exceeded", "length"],
    [61, "stop_sequence", "stop"],
  ])("edge case %i: %s is %s", async (_number, reason, expected) => {
    expect((await answered({ stop_reason: reason })).choices[0].finish_reason).toBe(expected);
  });

  it("edge case 59: a refusal without content is content_filter with its words as refusal", async () => {
    const details = { stop_details: { type: "refusal", category: "cyber", explanation: "Not this." } };
    bench.script({ pieces: [start, finish("refusal", undefined, details), stop] });
    const got = await stream();
    expect(finishOf(got.text).finish_reason).toBe("content_filter");
    expect(
      chunksOf(got.text)
        .map((one) => one.choices?.[0]?.delta?.refusal ?? "")
        .join(""),
    ).toContain("Not this.");
    const unary = await answered({ content: [], stop_reason: "refusal", ...details });
    expect(unary.choices[0]).toMatchObject({ finish_reason: "content_filter", message: { refusal: "Not this." } });
    expect(unary.choices[0].message.content ?? "").toBe("");
  });

  it("edge cases 62 and 64: cached prompt and thinking are parts of the totals", async () => {
    const usage = {
      input_tokens: 7,
      cache_read_input_tokens: 9000,
      cache_creation_input_tokens: 1000,
      output_tokens: 50,
      output_tokens_details: { thinking_tokens: 30 },
    };
    expect((await answered({ usage })).usage).toMatchObject({
      prompt_tokens: 10007,
      completion_tokens: 50,
      total_tokens: 10057,
      prompt_tokens_details: { cached_tokens: 9000, cache_write_tokens: 1000 },
      completion_tokens_details: { reasoning_tokens: 30 },
    });
  });
});

describe("chat completions for Anthropic", () => {
  const asks = (args: string, id = "t1", name = "f") => ({
    role: "assistant",
    content: null,
    tool_calls: [{ id, type: "function", function: { name, arguments: args } }],
  });
  const result = (id = "t1", content: unknown = "ok") => ({ role: "tool", tool_call_id: id, content });

  it("edge case 49: empty arguments in the history become an empty object", async () => {
    const { body } = await sent({ tools: [tool], messages: [user, asks(""), result()] });
    expect(body.messages[1].content[0].input).toEqual({});
  });

  it("edge case 50: arguments in the history that are no JSON are refused by path", async () => {
    const error = await refused({ tools: [tool], messages: [user, asks("{oops"), result()] });
    expect(error.param).toContain("messages[1].tool_calls[0]");
  });

  it("edge case 65: max_tokens is always sent", async () => {
    expect((await sent({})).body.max_tokens).toBe(64_000);
    expect((await sent({ max_completion_tokens: 100 })).body.max_tokens).toBe(100);
  });

  it("edge cases 67 to 70: sampling is sent as the model takes it, and what is lost is told", async () => {
    const dropped = await sent({ model: newer, temperature: 0.2 });
    expect(dropped.body).not.toHaveProperty("temperature");
    expect(dropped.loss).toContain("temperature;dropped");
    const clamped = await sent({ temperature: 1.5 });
    expect(clamped.body.temperature).toBe(1);
    expect(clamped.loss).toContain("temperature;approximated");
    const both = await sent({ temperature: 0.5, top_p: 0.5 });
    expect([both.body.temperature, both.body.top_p].filter((value) => value !== undefined)).toHaveLength(1);
    const prefixed = await sent({ model: "anthropic/us.anthropic.claude-opus-4-7-v1", temperature: 0.2 });
    expect(prefixed.body).not.toHaveProperty("temperature");
  });

  it("edge case 71: effort none is sent to a model that thinks by default", async () => {
    expect((await sent({ model: newer, reasoning_effort: "none" })).body.thinking).toEqual({ type: "disabled" });
  });

  it("edge case 72: a forced tool with thinking is downgraded, visibly", async () => {
    const { body, loss } = await sent({
      model: newer,
      tools: [tool],
      tool_choice: "required",
      reasoning_effort: "high",
    });
    const forced = body.tool_choice?.type === "any";
    expect(forced && body.thinking?.type !== "disabled" && body.thinking !== undefined).toBe(false);
    expect(loss).not.toBe("");
  });

  it("edge case 73: a schema with thinking uses the native output format", async () => {
    const schema = {
      type: "object",
      properties: { a: { type: "string" } },
      required: ["a"],
      additionalProperties: false,
    };
    const { body } = await sent({
      model: newer,
      reasoning_effort: "high",
      response_format: { type: "json_schema", json_schema: { name: "x", schema, strict: true } },
    });
    expect(body.output_config.format).toMatchObject({ type: "json_schema" });
    expect(body.tools ?? []).toEqual([]);
  });

  it("edge cases 79 and 80: the results of a turn are one user message, one block an id", async () => {
    const two = {
      role: "assistant",
      content: null,
      tool_calls: [asks("{}", "t1"), asks("{}", "t2")].map((one) => one.tool_calls[0]),
    };
    const { body } = await sent({
      tools: [tool],
      messages: [user, two, result("t1"), result("t2"), result("t2", "again"), user],
    });
    const blocks = body.messages[2].content;
    expect(blocks.map((one: { type: string }) => one.type)).toEqual(["tool_result", "tool_result", "text"]);
    expect(body.messages).toHaveLength(3);
  });

  it("edge case 81: a result without its call is refused by path", async () => {
    const error = await refused({ messages: [user, result("nobody")] });
    expect(error.param).toContain("messages[1]");
  });

  it("edge cases 83 and 84: image types are told by their bytes, and others refused", async () => {
    const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46]).toString("base64");
    const image = (url: string) => ({ role: "user", content: [{ type: "image_url", image_url: { url } }] });
    const { body } = await sent({ messages: [image(`data:image/png;base64,${jpeg}`)] });
    expect(body.messages[0].content[0].source.media_type).toBe("image/jpeg");
    const svg = Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>").toString("base64");
    const error = await refused({ messages: [image(`data:image/svg+xml;base64,${svg}`)] });
    expect(error.param).toContain("messages[0].content[0]");
  });

  it("edge case 85: no empty block is sent", async () => {
    const { body } = await sent({
      tools: [tool],
      messages: [
        { role: "system", content: "  " },
        {
          role: "user",
          content: [
            { type: "text", text: "" },
            { type: "text", text: "hi" },
          ],
        },
        { ...asks("{}"), content: "" },
        result(),
      ],
    });
    expect(JSON.stringify(body)).not.toContain('"text":""');
    expect(body.system ?? []).toEqual([]);
  });

  it("edge case 86: a system message midway keeps its place", async () => {
    const { body } = await sent({
      messages: [user, { role: "assistant", content: "yo" }, { role: "system", content: "be brief" }, user],
    });
    const text = JSON.stringify(body.messages);
    expect(text.indexOf("be brief")).toBeGreaterThan(text.indexOf("yo"));
  });

  it("edge case 87: cache marks survive", async () => {
    const mark = { cache_control: { type: "ephemeral" } };
    const { body } = await sent({
      tools: [{ ...tool, ...mark }],
      messages: [
        { role: "system", content: [{ type: "text", text: "rules", ...mark }] },
        { role: "user", content: [{ type: "text", text: "hi", ...mark }] },
      ],
    });
    expect(body.system[0].cache_control).toEqual({ type: "ephemeral" });
    expect(body.tools[0].cache_control).toEqual({ type: "ephemeral" });
    expect(body.messages[0].content[0].cache_control).toEqual({ type: "ephemeral" });
  });

  it("edge case 88: names that Anthropic refuses are mapped, and mapped back", async () => {
    const named = (name: string) => ({ type: "function", function: { name } });
    const tools = [named("a.b:c"), named("a_b_c")];
    bench.script(whole());
    await bench.post("/v1/chat/completions", { model, messages: [user], tools });
    const names = bench.asked.at(-1)?.body.tools.map((one: { name: string }) => one.name);
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,128}$/);
    bench.script({ pieces: [start, uses(0, "t1", names[0], "{}"), finish("tool_use"), stop] });
    const got = await stream({ tools });
    expect(calls(got.text)[0]?.name).toBe("a.b:c");
  });

  it("edge cases 89 and 90: missing parameters and parallel_tool_calls", async () => {
    const bare = { type: "function", function: { name: "f" } };
    const { body } = await sent({ tools: [bare], parallel_tool_calls: false });
    expect(body.tools[0].input_schema).toEqual({ type: "object", properties: {} });
    expect(body.tool_choice).toEqual({ type: "auto", disable_parallel_tool_use: true });
    expect((await sent({})).body).not.toHaveProperty("tool_choice");
  });

  it("edge case 150: the key in a provider's 401 does not reach the caller", async () => {
    const body = {
      type: "error",
      error: { type: "authentication_error", message: "invalid key sk-upstream-anth***pic" },
    };
    bench.script({ status: 401, ...plain, pieces: [JSON.stringify(body)] });
    const got = await bench.post("/v1/chat/completions", { model, messages: [user] });
    expect(got.status).toBe(502);
    expect(got.text).not.toContain("sk-upstream");
    expect(JSON.parse(got.text).error.code).toBe("upstream_auth");
  });
});
