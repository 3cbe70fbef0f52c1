import { describe, expect, it } from "vitest";
import { chunksOf, dataOf, textOf, useBench } from "./harness.ts";

const bench = useBench();
const user = { role: "user", content: "hi" };
const fn = (name: string, parameters?: object) => ({ type: "function", function: { name, parameters } });
const tool = fn("f", { type: "object", properties: { a: { type: "integer" } } });
const older = "gemini/gemini-2.0-flash";
const model = "gemini/gemini-2.5-flash";
const newer = "gemini/gemini-3-pro-preview";

const head = { modelVersion: "gemini-2.5-flash", responseId: "resp-1" };
const usageMetadata = { promptTokenCount: 4, candidatesTokenCount: 2, totalTokenCount: 6 };
type Fields = Readonly<Record<string, unknown>>;
/** One event of a stream. */
const says = (parts: readonly object[], more: Fields = {}, beside: Fields = {}) =>
  `data: ${JSON.stringify({ candidates: [{ content: { role: "model", parts }, index: 0, ...more }], ...head, ...beside })}\n\n`;
const stop = { finishReason: "STOP" };
const calls = (name: string, args: object, more: Fields = {}, beside: Fields = {}) => ({
  functionCall: { name, args, ...more },
  ...beside,
});
const stream = (extra: object = {}) =>
  bench.post("/v1/chat/completions", { model, messages: [user], tools: [tool], stream: true, ...extra });
const plain = { headers: { "content-type": "application/json" } };
const whole = (parts: readonly object[], more: Fields = {}) => ({
  ...plain,
  pieces: [
    JSON.stringify({
      candidates: [{ content: { role: "model", parts }, index: 0, ...stop, ...more }],
      usageMetadata,
      ...head,
    }),
  ],
});

/** Sends a request whose answer does not matter and returns what the provider was asked. */
async function sent(request: object) {
  bench.script(whole([{ text: "Hi" }]));
  const got = await bench.post("/v1/chat/completions", { model, messages: [user], ...request });
  expect(got.status, got.text).toBe(200);
  const asked = bench.asked.at(-1);
  return {
    body: asked?.body,
    path: asked?.path,
    headers: asked?.headers,
    loss: String(got.headers["trunkline-loss"] ?? ""),
  };
}
async function answered(script: Parameters<typeof bench.script>[0], request: object = {}) {
  bench.script(script);
  const got = await bench.post("/v1/chat/completions", { model, messages: [user], tools: [tool], ...request });
  return { ...got, body: JSON.parse(got.text) };
}
const toolCalls = (text: string) =>
  // biome-ignore lint/suspicious/noExplicitAny: foreign JSON under test
  chunksOf(text).flatMap((one): any[] => one.choices?.[0]?.delta?.tool_calls ?? []);
const named = (text: string) => toolCalls(text).filter((call) => call.function?.name);
const finishOf = (text: string) =>
  chunksOf(text).find((one) => one.choices?.[0]?.finish_reason)?.choices[0].finish_reason;
const assistant = (...ids: string[]) => ({
  role: "assistant",
  content: null,
  tool_calls: ids.map((id) => ({ id, type: "function", function: { name: `f_${id}`, arguments: "{}" } })),
});
const toolTurn = (id: string, content: unknown) => ({ role: "tool", tool_call_id: id, content });

describe("Gemini answers for callers of chat completions", () => {
  it("streams text from the address and with the header that Google has", async () => {
    bench.script({ pieces: [says([{ text: "Hel" }]), says([{ text: "lo" }], stop, { usageMetadata })] });
    const got = await stream({ stream_options: { include_usage: true } });
    expect(textOf(got.text)).toBe("Hello");
    expect(dataOf(got.text).at(-1)).toBe("[DONE]");
    expect(chunksOf(got.text).at(-1).usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 });
    const asked = bench.asked.at(-1);
    expect(asked?.path).toBe("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse");
    expect(asked?.headers["x-goog-api-key"]).toBe("AIza-upstream-gemini");
    expect(asked?.headers.authorization).toBeUndefined();
  });

  it("answers whole", async () => {
    const { body } = await answered(whole([{ text: "Hello" }]));
    expect(body.choices[0]).toMatchObject({ message: { content: "Hello" }, finish_reason: "stop" });
    expect(bench.asked.at(-1)?.path).toBe("/v1beta/models/gemini-2.5-flash:generateContent");
  });

  it("edge case 98: calls without ids get ids of their own, other ones in each round", async () => {
    const parts = [calls("f", { a: 1 }), calls("f", { a: 2 })];
    const first = (await answered(whole(parts))).body.choices[0].message.tool_calls;
    const messages = [user, { role: "assistant", content: null, tool_calls: first }];
    for (const { id } of first) messages.push(toolTurn(id, "done") as never);
    const second = (await answered(whole(parts), { messages })).body.choices[0].message.tool_calls;
    expect(new Set([...first, ...second].map(({ id }) => id)).size).toBe(4);
    // The provider never gave those ids, and is not told any.
    const [, model1, results] = bench.asked.at(-1)?.body.contents ?? [];
    expect(model1.parts.map((part: Fields) => part.functionCall)).toEqual([
      { name: "f", args: { a: 1 } },
      { name: "f", args: { a: 2 } },
    ]);
    expect(results.parts[0].functionResponse).toEqual({ name: "f", response: { output: "done" } });
  });

  it("edge case 99: an id of the provider's comes out and goes back", async () => {
    const call = (await answered(whole([calls("f", {}, { id: "fc-7" })]))).body.choices[0].message.tool_calls[0];
    expect(call.id).toBe("fc-7");
    const messages = [user, { role: "assistant", content: null, tool_calls: [call] }, toolTurn("fc-7", "done")];
    const { body } = await sent({ messages, tools: [tool] });
    expect(body.contents[1].parts[0].functionCall.id).toBe("fc-7");
    expect(body.contents[2].parts[0].functionResponse.id).toBe("fc-7");
  });

  it("edge case 102: parallel calls in chunks of their own are all kept", async () => {
    bench.script({
      pieces: [says([calls("f", { a: 1 })]), says([calls("f", { a: 2 })]), says([calls("f", { a: 3 })], stop)],
    });
    const got = await stream();
    expect(named(got.text).map((call) => call.index)).toEqual([0, 1, 2]);
    expect(new Set(named(got.text).map((call) => call.id)).size).toBe(3);
    expect(
      toolCalls(got.text)
        .map((call) => call.function?.arguments)
        .filter(Boolean),
    ).toEqual(['{"a":1}', '{"a":2}', '{"a":3}']);
  });

  it("edge case 103: STOP behind a call of an earlier chunk means that tools are to be called", async () => {
    bench.script({ pieces: [says([calls("f", {})]), says([{ text: "" }], stop)] });
    expect(finishOf((await stream()).text)).toBe("tool_calls");
  });

  it("edge case 104: a call's signature comes back on that call, streaming too", async () => {
    const signed = [calls("f", { a: 1 }, {}, { thoughtSignature: "c2ln" }), calls("f", { a: 2 })];
    bench.script({ pieces: [says(signed, stop)] });
    const got = await stream();
    const streamed = toolCalls(got.text).find((call) => call.extra_content);
    expect(streamed).toMatchObject({ index: 0, extra_content: { google: { thought_signature: "c2ln" } } });
    const { tool_calls } = (await answered(whole(signed))).body.choices[0].message;
    const messages = [user, { role: "assistant", content: null, tool_calls }];
    for (const { id } of tool_calls) messages.push(toolTurn(id, "done") as never);
    const { body } = await sent({ messages, tools: [tool], model: newer });
    expect(body.contents[1].parts).toEqual(signed);
  });

  it("edge case 105: a signature without text is kept, and no empty delta is sent", async () => {
    bench.script({ pieces: [says([{ text: "Hi" }]), says([{ text: "", thoughtSignature: "c2ln" }], stop)] });
    const got = await stream();
    const contents = chunksOf(got.text).map((one) => one.choices?.[0]?.delta?.content);
    expect(contents).not.toContain("");
    const details = chunksOf(got.text).find((one) => one.choices?.[0]?.delta?.reasoning_details)?.choices[0].delta;
    const message = { role: "assistant", content: "Hi", ...details };
    const { body, loss } = await sent({ messages: [user, message, user] });
    expect(body.contents[1].parts).toContainEqual({ text: "", thoughtSignature: "c2ln" });
    expect(loss).toBe("");
  });

  it("edge case 106: a signature that the caller lost is stood in for, on the first call of a step alone", async () => {
    const messages = [user, assistant("x", "y"), toolTurn("x", "1"), toolTurn("y", "2")];
    const { body } = await sent({ messages, model: newer });
    const [first, second] = body.contents[1].parts;
    expect(first.thoughtSignature).toBe("skip_thought_signature_validator");
    expect(second.thoughtSignature).toBeUndefined();
    expect((await sent({ messages })).body.contents[1].parts[0].thoughtSignature).toBeUndefined();
  });

  it("edge case 107: thoughts are reasoning and never content", async () => {
    bench.script({ pieces: [says([{ text: "hm", thought: true }]), says([{ text: "Hi" }], stop)] });
    const got = await stream();
    expect(textOf(got.text)).toBe("Hi");
    expect(
      chunksOf(got.text)
        .map((one) => one.choices?.[0]?.delta?.reasoning_content ?? "")
        .join(""),
    ).toBe("hm");
  });

  it("edge case 108: tokens of thoughts count among the answer's", async () => {
    const usage = { promptTokenCount: 4, candidatesTokenCount: 2, thoughtsTokenCount: 30, totalTokenCount: 36 };
    const script = {
      ...plain,
      pieces: [
        JSON.stringify({
          candidates: [{ content: { parts: [{ text: "x" }] }, ...stop }],
          usageMetadata: usage,
          ...head,
        }),
      ],
    };
    const { usage: told } = (await answered(script)).body;
    expect(told).toMatchObject({ prompt_tokens: 4, completion_tokens: 32, total_tokens: 36 });
    expect(told.completion_tokens_details.reasoning_tokens).toBe(30);
    expect(told.prompt_tokens + told.completion_tokens).toBe(told.total_tokens);
  });

  it("edge case 109: of the counts in each chunk the last ones count", async () => {
    const at = (n: number) => ({
      usageMetadata: { promptTokenCount: 4, candidatesTokenCount: n, totalTokenCount: 4 + n },
    });
    bench.script({
      pieces: [says([{ text: "a" }], {}, at(1)), says([{ text: "b" }], {}, at(2)), says([{ text: "c" }], stop, at(3))],
    });
    const got = await stream({ stream_options: { include_usage: true } });
    expect(chunksOf(got.text).at(-1).usage.completion_tokens).toBe(3);
  });

  it("edge case 110: a blocked prompt is filtered, streaming too", async () => {
    const blocked = {
      promptFeedback: { blockReason: "PROHIBITED_CONTENT" },
      usageMetadata: { promptTokenCount: 4, totalTokenCount: 4 },
      ...head,
    };
    const { body } = await answered({ ...plain, pieces: [JSON.stringify(blocked)] });
    expect(body.choices[0]).toMatchObject({ finish_reason: "content_filter", message: { role: "assistant" } });
    bench.script({ pieces: [`data: ${JSON.stringify(blocked)}\n\n`] });
    const got = await stream();
    expect(finishOf(got.text)).toBe("content_filter");
    expect(dataOf(got.text).at(-1)).toBe("[DONE]");
  });

  it("edge case 111: a candidate without content ended at its limit", async () => {
    const candidate = { candidates: [{ finishReason: "MAX_TOKENS", index: 0 }], usageMetadata, ...head };
    const { body } = await answered({ ...plain, pieces: [JSON.stringify(candidate)] });
    expect(body.choices[0].finish_reason).toBe("length");
    expect(body.choices[0].message.content ?? "").toBe("");
  });

  it("edge case 112: a call that the model could not write is an error where nothing else was said", async () => {
    const failed = { finishReason: "MALFORMED_FUNCTION_CALL", finishMessage: "print(f(" };
    const got = await answered(whole([], failed));
    expect(got.status).toBe(502);
    expect(got.body.error.message).toContain("MALFORMED_FUNCTION_CALL");
    bench.script({ pieces: [says([{ text: "Hi" }]), says([], failed)] });
    expect(finishOf((await stream()).text)).toBe("stop");
  });

  it("edge case 120: the time to wait that the body names becomes the header that clients obey", async () => {
    const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "34.4s" }];
    const error = { error: { code: 429, message: "Quota exceeded.", status: "RESOURCE_EXHAUSTED", details } };
    for (const body of [error, [error]]) {
      const got = await answered({ ...plain, status: 429, pieces: [JSON.stringify(body)] });
      expect(got.status).toBe(429);
      expect(got.headers["retry-after"]).toBe("35");
    }
  });

  it("an error inside a stream ends it, and so does a stream without its end", async () => {
    bench.script({
      pieces: [
        says([{ text: "Hi" }]),
        'data: {"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}\n\n',
      ],
    });
    const failed = await stream();
    expect(failed.text).toContain("overloaded");
    expect(failed.text).not.toContain("[DONE]");
    bench.script({ pieces: [says([{ text: "Hi" }])] });
    expect((await stream()).text).not.toContain("[DONE]");
  });
});

describe("chat completions for Gemini", () => {
  it("edge case 100: results in another order than the calls are matched by id", async () => {
    const { body } = await sent({ messages: [user, assistant("x", "y"), toolTurn("y", "2"), toolTurn("x", "1")] });
    const responses = body.contents[2].parts.map((part: Fields) => part.functionResponse);
    expect(responses).toEqual([
      { id: "x", name: "f_x", response: { output: "1" } },
      { id: "y", name: "f_y", response: { output: "2" } },
    ]);
  });

  it("edge case 101: six parallel calls have their six results in one content", async () => {
    const ids = ["1", "2", "3", "4", "5", "6"];
    const { body } = await sent({ messages: [user, assistant(...ids), ...ids.map((id) => toolTurn(id, id)), user] });
    expect(body.contents.map(({ role }: Fields) => role)).toEqual(["user", "model", "user", "user"]);
    expect(body.contents[2].parts).toHaveLength(6);
    expect(body.contents[3].parts).toEqual([{ text: "hi" }]);
  });

  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: {
      a: { type: ["string", "null"] },
      b: { const: 5 },
      c: { oneOf: [{ type: "string" }, { type: "number" }] },
    },
    additionalProperties: false,
  };

  it("edge case 113: a tool's JSON Schema goes as it is where it is taken, and converted where not", async () => {
    const newest = (await sent({ tools: [fn("f", schema)] })).body.tools[0].functionDeclarations[0];
    expect(newest).toEqual({ name: "f", parametersJsonSchema: schema });
    const { parameters } = (await sent({ tools: [fn("f", schema)], model: older })).body.tools[0]
      .functionDeclarations[0];
    expect(parameters).toEqual({
      type: "object",
      properties: {
        a: { type: "string", nullable: true },
        b: { enum: ["5"] },
        c: { anyOf: [{ type: "string" }, { type: "number" }] },
      },
    });
  });

  it("edge case 114: references are put in place, and those that lead back to themselves end", async () => {
    const recursive = {
      type: "object",
      properties: { node: { $ref: "#/$defs/node" }, leaf: { $ref: "#/$defs/leaf" } },
      $defs: { leaf: { type: "string" }, node: { type: "object", properties: { next: { $ref: "#/$defs/node" } } } },
    };
    const { body, loss } = await sent({ tools: [fn("f", recursive)], model: older });
    const { properties } = body.tools[0].functionDeclarations[0].parameters;
    expect(properties.leaf).toEqual({ type: "string" });
    expect(properties.node).toEqual({ type: "object", properties: { next: { type: "object" } } });
    expect(loss).toContain("approximated");
    const newest = (await sent({ tools: [fn("f", recursive)] })).body.tools[0].functionDeclarations[0];
    expect(newest.parametersJsonSchema).toEqual(recursive);
  });

  it("edge case 115: properties may be named like keywords", async () => {
    const odd = {
      type: "object",
      properties: { additionalProperties: { type: "string" }, title: { type: "string" }, $ref: { type: "string" } },
    };
    const { body } = await sent({ tools: [fn("f", odd)], model: older });
    expect(body.tools[0].functionDeclarations[0].parameters).toEqual(odd);
  });

  it("edge case 116: a function without parameters has none", async () => {
    for (const parameters of [undefined, {}, { type: "object", properties: {} }]) {
      const { body } = await sent({ tools: [fn("f", parameters)] });
      expect(body.tools[0].functionDeclarations).toEqual([{ name: "f" }]);
    }
  });

  it("edge case 117: enforced JSON beside tools is told in words to models before 3", async () => {
    const response_format = { type: "json_schema", json_schema: { name: "s", schema: { type: "object" } } };
    const old = await sent({ tools: [tool], response_format });
    expect(old.body.generationConfig).toBeUndefined();
    expect(old.body.systemInstruction.parts[0].text).toContain('{"type":"object"}');
    expect(old.loss).toContain("response_format");
    const { body } = await sent({ tools: [tool], response_format, model: newer });
    expect(body.generationConfig).toMatchObject({
      responseMimeType: "application/json",
      responseJsonSchema: { type: "object" },
    });
  });

  it("edge case 118: a conversation of instructions alone still has a user's turn", async () => {
    const { body, loss } = await sent({ messages: [{ role: "system", content: "Be kind." }] });
    expect(body.systemInstruction.parts).toEqual([{ text: "Be kind." }]);
    expect(body.contents).toEqual([{ role: "user", parts: [{ text: "Begin." }] }]);
    expect(loss).toContain("messages");
  });

  it("edge case 119: what a tool said is an object, wrapped where it was none", async () => {
    const outputs = ["text", "5", "[1,2]", '{"a":1}'];
    const ids = ["a", "b", "c", "d"];
    const { body } = await sent({
      messages: [user, assistant(...ids), ...ids.map((id, i) => toolTurn(id, outputs[i]))],
    });
    expect(body.contents[2].parts.map((part: { functionResponse: Fields }) => part.functionResponse.response)).toEqual([
      { output: "text" },
      { output: "5" },
      { output: "[1,2]" },
      { a: 1 },
    ]);
  });
});
