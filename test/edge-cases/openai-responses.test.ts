import { describe, expect, it } from "vitest";
import { chunksOf, done, textOf, useBench } from "./harness.ts";

const bench = useBench({ OPENAI_MODELS: "gpt-5-pro" });
const tools = [{ type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } }];
const post = (extra = {}) =>
  bench.post("/v1/chat/completions", {
    model: "openai/gpt-5-pro",
    stream: true,
    messages: [{ role: "user", content: "hi" }],
    ...extra,
  });
const event = (type: string, fields: object = {}) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const created = event("response.created", { response: { id: "resp_1", model: "gpt-5-pro", created_at: 1 } });
const completed = (output: object[], fields: object = {}) =>
  event("response.completed", { response: { id: "resp_1", status: "completed", output, ...fields } });
const call = { type: "function_call", id: "fc_1", call_id: "call_1", name: "f", arguments: '{"a":1}' };

function callsOf(text: string) {
  const deltas = chunksOf(text).flatMap((one) => one.choices[0]?.delta.tool_calls ?? []);
  return {
    ids: deltas.flatMap(({ id }) => id ?? []),
    arguments: deltas.map((delta) => delta.function?.arguments ?? "").join(""),
  };
}

describe("a model of the Responses API, as it is and not as it should be", () => {
  it("edge case 141: arguments that come whole, without deltas, come once", async () => {
    const begun = event("response.output_item.added", { output_index: 0, item: { ...call, arguments: "" } });
    const whole = { output_index: 0, item_id: "fc_1", arguments: call.arguments };
    const told = event("response.function_call_arguments.done", whole);
    const ended = event("response.output_item.done", { output_index: 0, item: call });
    // The same call, told by fewer and fewer events.
    for (const pieces of [[begun, told, ended], [begun, told], [begun, ended], [ended], []]) {
      bench.script({ pieces: [created, ...pieces, completed([call])] });
      const got = await post({ tools });
      expect(callsOf(got.text)).toEqual({ ids: ["call_1"], arguments: '{"a":1}' });
      expect(chunksOf(got.text).at(-1)?.choices[0].finish_reason).toBe("tool_calls");
      expect(got.text.endsWith(done)).toBe(true);
    }
  });

  it("edge case 143: reasoning of earlier turns never becomes what the model said", async () => {
    const said = { type: "message", id: "msg_1", content: [{ type: "output_text", text: "yes" }] };
    bench.script({
      headers: { "content-type": "application/json" },
      pieces: [`{"status":"completed","output":[${JSON.stringify(said)}]}`],
    });
    const history = [
      { role: "user", content: "hi" },
      { role: "assistant", content: "Hello.", reasoning_content: "hidden thought" },
      { role: "user", content: "so?" },
    ];
    const got = await post({ messages: history, stream: false });
    expect(JSON.parse(got.text).choices[0].message.content).toBe("yes");
    expect(bench.asked.at(-1)?.path).toBe("/v1/responses");
    // This server may be the one that showed it; OpenAI's own gets it back by its proof alone.
    const thought = { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "hidden thought" }] };
    const { input } = bench.asked.at(-1)?.body ?? {};
    expect(input[1]).toEqual(thought);
    const messages = input.filter((item: { type: string }) => item.type === "message");
    expect(JSON.stringify(messages)).not.toContain("hidden thought");
  });

  it("is cut where no terminal event came, even with all of its text", async () => {
    const delta = event("response.output_text.delta", { item_id: "m", output_index: 0, content_index: 0, delta: "Hi" });
    bench.script({ pieces: [created, delta] });
    const got = await post();
    expect(textOf(got.text)).toBe("Hi");
    expect(got.text).toContain("upstream_cut");
    expect(got.text.endsWith(done)).toBe(false);
  });

  it("fails with the provider's reason where the response failed before it said anything", async () => {
    const error = { code: "rate_limit_exceeded", message: "Slow down." };
    bench.script({ pieces: [created, event("response.failed", { response: { status: "failed", error } })] });
    const got = await post();
    expect(got.status).toBe(429);
    expect(JSON.parse(got.text).error).toMatchObject({ code: "rate_limit_exceeded" });
  });

  it("ends for its token limit and its filter as chat has it", async () => {
    for (const [reason, finish] of [
      ["max_output_tokens", "length"],
      ["content_filter", "content_filter"],
    ]) {
      const response = { id: "resp_1", status: "incomplete", output: [], incomplete_details: { reason } };
      bench.script({ pieces: [created, event("response.incomplete", { response })] });
      expect(chunksOf((await post()).text).at(-1)?.choices[0].finish_reason).toBe(finish);
    }
  });

  it("answers whole where a stream was asked for, and is streamed on", async () => {
    const said = { type: "message", id: "msg_1", content: [{ type: "output_text", text: "yes" }] };
    const usage = { input_tokens: 3, output_tokens: 1, total_tokens: 4 };
    bench.script({
      headers: { "content-type": "application/json" },
      pieces: [JSON.stringify({ id: "resp_1", status: "completed", output: [said], usage })],
    });
    const got = await post({ stream_options: { include_usage: true } });
    expect(textOf(got.text)).toBe("yes");
    expect(chunksOf(got.text).at(-1)?.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 1 });
  });
});
