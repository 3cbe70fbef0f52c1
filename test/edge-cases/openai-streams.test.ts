import { describe, expect, it } from "vitest";
import { chunk, chunksOf, dataOf, done, head, textOf, useBench } from "./harness.ts";

const bench = useBench();
const ask = {
  model: "openai/gpt-4o",
  stream: true,
  messages: [{ role: "user", content: "hi" }],
  tools: [{ type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } }],
};
const post = (extra = {}) => bench.post("/v1/chat/completions", { ...ask, ...extra });
const hi = chunk({ role: "assistant", content: "Hi" });
const stop = chunk({}, "stop");
const tokens = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };

const event = (fields: unknown) => `data: ${JSON.stringify({ ...head, ...(fields as object) })}\n\n`;
const call = (index: number, id: string | undefined, name: string | undefined, args: unknown) => ({
  index,
  ...(id === undefined ? {} : { id, type: "function" }),
  function: { ...(name === undefined ? {} : { name }), arguments: args },
});
const calls = (...entries: unknown[]) => chunk({ tool_calls: entries });

/** The tool calls as an OpenAI SDK puts them together: by index, ids and names set once, arguments appended. */
function callsOf(text: string) {
  const found: { id: string; name: string; arguments: string }[] = [];
  for (const one of chunksOf(text)) {
    for (const delta of one.choices?.[0]?.delta?.tool_calls ?? []) {
      found[delta.index] ??= { id: "", name: "", arguments: "" };
      const known = found[delta.index];
      if (!known) continue;
      if (delta.id) known.id = delta.id;
      if (delta.function?.name) known.name += delta.function.name;
      known.arguments += delta.function?.arguments ?? "";
    }
  }
  return found;
}
const finishOf = (text: string) =>
  chunksOf(text)
    .map((one) => one.choices?.[0]?.finish_reason)
    .filter((reason) => reason !== null && reason !== undefined);

describe("OpenAI-compatible streams, as they are and not as they should be", () => {
  it("edge case 21: a first chunk without choices is neither a crash nor an end", async () => {
    const filter = { id: "", model: "", object: "", created: 0, choices: [], prompt_filter_results: [{}] };
    bench.script({ pieces: [`data: ${JSON.stringify(filter)}\n\n`, hi, stop, done] });
    const got = await post();
    expect(textOf(got.text)).toBe("Hi");
    expect(chunksOf(got.text).at(-1).id).toBe("chatcmpl-1");
  });

  it("edge case 22: a choice without delta is skipped", async () => {
    bench.script({ pieces: [hi, event({ choices: [{ index: 0, content_filter_offsets: {} }] }), stop, done] });
    const got = await post();
    expect(textOf(got.text)).toBe("Hi");
    expect(chunksOf(got.text).every((one) => one.choices.every((choice: object) => "delta" in choice))).toBe(true);
    expect(got.text.endsWith(done)).toBe(true);
  });

  it("edge case 23: usage is asked for always and shown only to who asked", async () => {
    const usage = event({ choices: [], usage: tokens });
    bench.script({ pieces: [hi, stop, usage, done] }, { pieces: [hi, stop, usage, done] });
    const silent = await post();
    expect(bench.asked.at(-1)?.body.stream_options).toEqual({ include_usage: true });
    expect(silent.text).not.toContain("prompt_tokens");
    const asked = await post({ stream_options: { include_usage: true } });
    expect(chunksOf(asked.text).at(-1)).toMatchObject({ choices: [], usage: tokens });
  });

  it("edge case 24: usage on the chunk of the finish reason is not lost", async () => {
    bench.script({ pieces: [hi, chunk({}, "stop", { usage: tokens }), done] });
    const got = await post({ stream_options: { include_usage: true } });
    expect(chunksOf(got.text).filter((one) => one.usage?.total_tokens === 7).length).toBeGreaterThanOrEqual(1);
  });

  it("edge case 25: cumulative usage on every chunk is never summed", async () => {
    const upTo = (n: number) => ({ usage: { prompt_tokens: 5, completion_tokens: n, total_tokens: 5 + n } });
    bench.script({
      headers: { "content-type": "text/event-stream" },
      pieces: [chunk({ content: "a" }, null, upTo(1)), chunk({ content: "b" }, "stop", upTo(2)), done],
    });
    const got = await post({ stream_options: { include_usage: true } });
    const last = chunksOf(got.text).findLast((one) => one.usage);
    expect(last.usage).toMatchObject({ completion_tokens: 2, total_tokens: 7 });
  });

  it("edge case 26: the usage chunk has no choices and earlier chunks say usage null", async () => {
    bench.script({ headers: { "content-type": "application/json" }, pieces: [JSON.stringify(wholeAnswer)] });
    const got = await post({ stream_options: { include_usage: true } });
    const all = chunksOf(got.text);
    expect(all.at(-1)).toMatchObject({ choices: [], usage: tokens });
    for (const one of all.slice(0, -1)) expect(one.usage).toBeNull();
  });

  it("edge case 27: an empty finish reason means none", async () => {
    bench.script({ pieces: [chunk({ content: "a" }, ""), chunk({ content: "b" }, ""), chunk({}, "stop"), done] });
    const got = await post();
    expect(textOf(got.text)).toBe("ab");
    expect(finishOf(got.text)).toEqual(["stop"]);
  });

  it("edge case 28: an error under status 200 is an error in the stream", async () => {
    bench.script({ pieces: [hi, event({ choices: [], error: { message: "boom", type: "server_error" } })] });
    const got = await post();
    expect(chunksOf(got.text).at(-1).error.message).toContain("boom");
    expect(got.text).not.toContain("[DONE]");
  });

  it("edge case 29: finish reason error carries the error's message", async () => {
    const failed = { error: { code: 502, message: "Provider disconnected" } };
    bench.script({ pieces: [hi, chunk({ content: "" }, "error", failed), done] });
    const got = await post();
    expect(chunksOf(got.text).at(-1).error.message).toContain("Provider disconnected");
    expect(got.text).not.toContain("[DONE]");
  });

  it("edge case 30: [DONE] without a finish reason gets its finishing chunk", async () => {
    bench.script({ pieces: [hi, done] }, { pieces: [calls(call(0, "c1", "f", "{}")), done] });
    expect(finishOf((await post()).text)).toEqual(["stop"]);
    const withCalls = await post();
    expect(finishOf(withCalls.text)).toEqual(["tool_calls"]);
    expect(withCalls.text.endsWith(done)).toBe(true);
  });

  it.each([
    ["in its event's name", `event: error\ndata: ${JSON.stringify({ message: "boom", code: 500 })}\n\n`],
    [
      "in its event's name, around an object",
      `event: error\ndata: ${JSON.stringify({ error: { message: "boom" } })}\n\n`,
    ],
    ["in its event's name, in words", "event: error\ndata: boom\n\n"],
    ["as vLLM and Mistral do", event({ object: "error", message: "boom", type: "BadRequestError", code: 500 })],
  ])("edge case 28: also one that says so %s", async (_, failure) => {
    bench.script({ pieces: [hi, failure, done] });
    const got = await post();
    expect(chunksOf(got.text).at(-1).error.message).toContain("boom");
    expect(got.text).not.toContain("[DONE]");
  });

  it("edge case 31: interleaved arguments stay with their calls", async () => {
    bench.script({
      pieces: [
        calls(call(0, "c0", "f", "")),
        calls(call(1, "c1", "g", "")),
        calls(call(0, undefined, undefined, '{"a"')),
        calls(call(1, undefined, undefined, '{"b"')),
        calls(call(0, undefined, undefined, ":1}")),
        calls(call(1, undefined, undefined, ":2}")),
        chunk({}, "tool_calls"),
        done,
      ],
    });
    expect(callsOf((await post()).text)).toEqual([
      { id: "c0", name: "f", arguments: '{"a":1}' },
      { id: "c1", name: "g", arguments: '{"b":2}' },
    ]);
  });

  it("edge case 32: parallel calls that all claim index 0 are told apart by id", async () => {
    bench.script({
      pieces: [
        calls(call(0, "c0", "f", '{"a":1}')),
        calls(call(0, "c1", "g", '{"b":2}')),
        chunk({}, "tool_calls"),
        done,
      ],
    });
    expect(callsOf((await post()).text)).toEqual([
      { id: "c0", name: "f", arguments: '{"a":1}' },
      { id: "c1", name: "g", arguments: '{"b":2}' },
    ]);
  });

  it("edge case 33: parallel calls without ids are told apart by name, with ids of their own", async () => {
    bench.script({
      pieces: [
        calls(call(0, undefined, "f", '{"a":1}')),
        calls(call(0, undefined, "g", '{"b":2}')),
        chunk({}, "tool_calls"),
        done,
      ],
    });
    const found = callsOf((await post()).text);
    expect(found.map((one) => [one.name, one.arguments])).toEqual([
      ["f", '{"a":1}'],
      ["g", '{"b":2}'],
    ]);
    expect(new Set(found.map((one) => one.id)).size).toBe(2);
    expect(found.every((one) => one.id !== "")).toBe(true);
  });

  it("edge case 34: an empty id and name continue the call", async () => {
    bench.script({
      pieces: [calls(call(0, "c0", "f", '{"a"')), calls(call(0, "", "", ":1}")), chunk({}, "tool_calls"), done],
    });
    expect(callsOf((await post()).text)).toEqual([{ id: "c0", name: "f", arguments: '{"a":1}' }]);
  });

  it("edge case 35: a name that comes late is waited for", async () => {
    bench.script({
      pieces: [
        calls(call(0, "c0", undefined, '{"a"')),
        calls(call(0, undefined, "f", ":1")),
        calls(call(0, undefined, undefined, "}")),
        chunk({}, "tool_calls"),
        done,
      ],
    });
    const got = await post();
    expect(callsOf(got.text)).toEqual([{ id: "c0", name: "f", arguments: '{"a":1}' }]);
    const first = chunksOf(got.text).find((one) => one.choices?.[0]?.delta?.tool_calls);
    expect(first.choices[0].delta.tool_calls[0]).toMatchObject({ id: "c0", function: { name: "f" } });
  });

  it("edge case 36: a call without any id gets one for all its fragments", async () => {
    bench.script({
      pieces: [
        calls(call(0, undefined, "f", '{"a"')),
        calls(call(0, undefined, undefined, ":1}")),
        chunk({}, "tool_calls"),
        done,
      ],
    });
    const found = callsOf((await post()).text);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ name: "f", arguments: '{"a":1}' });
    expect(found[0]?.id).toMatch(/.+/);
  });

  it("edge case 37: tool indexes that start at 1 or have gaps come out dense from 0", async () => {
    bench.script({
      pieces: [calls(call(1, "c0", "f", "{}")), calls(call(4, "c1", "g", "{}")), chunk({}, "tool_calls"), done],
    });
    expect(callsOf((await post()).text).map((one) => one.id)).toEqual(["c0", "c1"]);
  });

  it("edge case 39: arguments that come as an object are written as text once", async () => {
    bench.script({ pieces: [calls(call(0, "c0", "f", { a: 1 })), chunk({}, "tool_calls"), done] });
    expect(callsOf((await post()).text)).toEqual([{ id: "c0", name: "f", arguments: '{"a":1}' }]);
  });

  it("edge case 40: stop after tool calls means tool_calls", async () => {
    bench.script({ pieces: [calls(call(0, "c0", "f", "{}")), stop, done] });
    expect(finishOf((await post()).text)).toEqual(["tool_calls"]);
  });

  it("edge case 41: two choices are not mixed", async () => {
    const of = (index: number, content: string, finish: string | null = null) =>
      event({ choices: [{ index, delta: { content }, finish_reason: finish }] });
    bench.script({ pieces: [of(0, "a"), of(1, "x"), of(0, "b"), of(1, "y", "length"), of(0, "", "stop"), done] });
    const got = await post({ n: 2 });
    const texts = ["", ""];
    for (const one of chunksOf(got.text)) {
      for (const choice of one.choices) texts[choice.index] += choice.delta.content ?? "";
    }
    expect(texts).toEqual(["ab", "xy"]);
    const refused = await bench.post("/v1/chat/completions", { ...ask, n: 2, model: "anthropic/claude-sonnet-4-5" });
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.text).error.param).toBe("n");
  });

  it("edge case 42: the role is sent once, in the first chunk, of an answer that is encoded anew", async () => {
    bench.script({ headers: { "content-type": "application/json" }, pieces: [JSON.stringify(wholeAnswer)] });
    const roles = chunksOf((await post()).text).map((one) => one.choices?.[0]?.delta?.role);
    expect(roles[0]).toBe("assistant");
    expect(roles.slice(1).filter((role) => role !== undefined)).toEqual([]);
  });

  it("edge case 43: the same reasoning under two names is shown once", async () => {
    bench.script({ pieces: [chunk({ reasoning_content: "hmm", reasoning: "hmm" }), hi, stop, done] });
    const got = await post();
    const said = chunksOf(got.text).map((one) => one.choices?.[0]?.delta ?? {});
    expect(said.map((delta) => delta.reasoning_content ?? "").join("")).toBe("hmm");
    expect(said.some((delta) => "reasoning" in delta)).toBe(false);
  });

  it("edge case 44: an empty legacy function_call beside tool calls is ignored", async () => {
    const stub = { function_call: { name: "", arguments: "" } };
    bench.script({
      pieces: [chunk({ ...stub, tool_calls: [call(0, "c0", "f", "{}")] }), chunk(stub, "tool_calls"), done],
    });
    expect(callsOf((await post()).text)).toEqual([{ id: "c0", name: "f", arguments: "{}" }]);
  });

  it("edge case 45: fields newer than the gateway reach the caller untouched", async () => {
    const odd = chunk({ content: "Hi" }, null, { obfuscation: "xyz", service_tier: "default", brand_new: { a: 1.0 } });
    const spelled = odd.replace('{"a":1}', '{"a":1.0}');
    bench.script({ pieces: [spelled, stop, done] });
    const got = await post();
    expect(got.text.startsWith(spelled)).toBe(true);
    expect(dataOf(got.text)).toHaveLength(3);
  });
});

const wholeAnswer = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "gpt-4o",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop", logprobs: null }],
  usage: tokens,
};
