import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningSimulator, startSimulator } from "../../src/simulator/simulator.ts";

const weather: OpenAI.ChatCompletionTool = {
  type: "function",
  function: {
    name: "weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

describe("OpenAI's SDK at the simulator", () => {
  let simulator: RunningSimulator;
  let client: OpenAI;

  beforeAll(async () => {
    simulator = await startSimulator({ requireKey: true });
    client = new OpenAI({ baseURL: `${simulator.url}/v1`, apiKey: "any", maxRetries: 0 });
  });
  afterAll(() => simulator.close());

  const ask = (content: string, more: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> = {}) =>
    client.chat.completions.create({ model: "echo", messages: [{ role: "user", content }], ...more });
  const streamed = (content: string, more: Partial<OpenAI.ChatCompletionCreateParamsStreaming> = {}) =>
    client.chat.completions.stream({ model: "echo", messages: [{ role: "user", content }], ...more });

  it("gets an answer that says that it is simulated, with usage", async () => {
    const answer = await ask("Hello?");
    expect(answer.choices[0]?.message.content).toBe("This answer is simulated. You said: Hello?");
    expect(answer).toMatchObject({ system_fingerprint: "simulated", choices: [{ finish_reason: "stop" }] });
    expect(answer.usage?.total_tokens).toBe(
      (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0),
    );
  });

  it("gets the same text streamed, then usage, then the end", async () => {
    const stream = streamed("/say Grüße, 世界 👋", { stream_options: { include_usage: true } });
    const answer = await stream.finalChatCompletion();
    expect(answer.choices[0]?.message.content).toBe("Grüße, 世界 👋");
    expect(await stream.totalUsage()).toMatchObject({ completion_tokens: 3 });
  });

  it("calls a tool, and answers its result", async () => {
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "How is it?" }];
    const first = await client.chat.completions.create({ model: "echo", messages, tools: [weather] });
    const message = first.choices[0]?.message;
    if (message?.tool_calls?.[0]?.type !== "function") throw new Error("a call was expected");
    const [call] = message.tool_calls;
    expect(JSON.parse(call.function.arguments)).toEqual({ city: "simulated" });
    messages.push(message, { role: "tool", tool_call_id: call.id, content: "sunny" });
    const second = await client.chat.completions.create({ model: "echo", messages, tools: [weather] });
    expect(second.choices[0]?.message.content).toContain("sunny");
  });

  it("streams parallel calls with the arguments that were dictated", async () => {
    const content = '/call weather {"city":"Oslo"}\n/call weather {"city":"Rome"}';
    const answer = await streamed(content, { tools: [weather] }).finalChatCompletion();
    const calls = answer.choices[0]?.message.tool_calls ?? [];
    expect(calls.map((call) => call.type === "function" && call.function.arguments)).toEqual([
      '{"city":"Oslo"}',
      '{"city":"Rome"}',
    ]);
    const one = await ask(content, { tools: [weather], parallel_tool_calls: false });
    expect(one.choices[0]?.message.tool_calls).toHaveLength(1);
  });

  it("answers by the JSON schema that was asked for", async () => {
    const schema = {
      type: "object",
      properties: {
        kind: { enum: ["a", "b"] },
        size: { type: "integer", minimum: 12 },
        next: { anyOf: [{ $ref: "#" }, { type: "null" }] },
      },
      required: ["kind", "size", "next"],
    };
    const answer = await ask("Give me one.", {
      response_format: { type: "json_schema", json_schema: { name: "thing", schema, strict: true } },
    });
    const thing = JSON.parse(answer.choices[0]?.message.content ?? "");
    expect(thing).toMatchObject({ kind: "a", size: 12, next: { kind: "a" } });
  });

  it("reasons when asked to, and counts it", async () => {
    const answer = await ask("/say yes\n", { reasoning_effort: "low" });
    expect(answer.usage?.completion_tokens_details?.reasoning_tokens).toBeGreaterThan(0);
    expect(answer.choices[0]?.message).toHaveProperty("reasoning_content");
    const none = await ask("/say yes", { reasoning_effort: "none" });
    expect(none.usage?.completion_tokens_details?.reasoning_tokens).toBe(0);
  });

  it("stops at sequences and at the token limit, and refuses when told to", async () => {
    expect((await ask("/say one two three", { stop: " two" })).choices[0]).toMatchObject({
      finish_reason: "stop",
      message: { content: "one" },
    });
    expect((await ask("/words 50", { max_completion_tokens: 4 })).choices[0]?.finish_reason).toBe("length");
    expect((await ask("/refuse I would rather not.")).choices[0]?.message).toMatchObject({
      content: null,
      refusal: "I would rather not.",
    });
  });

  it("gives several choices and log probabilities", async () => {
    const { choices } = await ask("/say a b", { n: 2, logprobs: true, top_logprobs: 3 });
    expect(choices.map(({ index }) => index)).toEqual([0, 1]);
    expect(choices[1]?.logprobs?.content?.map(({ token, top_logprobs }) => [token, top_logprobs.length])).toEqual([
      ["a", 3],
      [" b", 3],
    ]);
  });

  it("embeds: of equal length, close where words are shared, the same in both encodings", async () => {
    const input = ["red green blue", "red green grey", "unlike anything"];
    const { data, usage } = await client.embeddings.create({ model: "embed", input, dimensions: 64 });
    const [one = [], near = [], far = []] = data.map(({ embedding }) => embedding);
    const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, at) => sum + x * (b[at] ?? 0), 0);
    expect(dot(one, one)).toBeCloseTo(1, 5);
    expect(dot(one, near)).toBeGreaterThan(dot(one, far));
    expect(usage.total_tokens).toBe(8);
    const floats = await client.embeddings.create({ model: "embed", input, dimensions: 64, encoding_format: "float" });
    expect(floats.data[0]?.embedding.map((x) => Math.fround(x))).toEqual([...one].map((x) => Math.fround(x)));
  });

  it("lists models, and says that others do not exist", async () => {
    const ids = (await Array.fromAsync(client.models.list())).map(({ id }) => id);
    expect(ids).toEqual(["echo", "reasoner", "embed"]);
    await expect(client.models.retrieve("nobody")).rejects.toThrow(OpenAI.NotFoundError);
    await expect(ask("Hi", { model: "nobody" })).rejects.toMatchObject({ code: "model_not_found", status: 404 });
  });

  it("is refused with what is wrong", async () => {
    await expect(ask("Hi", { temperature: 3 })).rejects.toMatchObject({ status: 400, param: "temperature" });
    await expect(
      client.chat.completions.create({ model: "echo", messages: [{ role: "tool", tool_call_id: "x", content: "y" }] }),
    ).rejects.toMatchObject({ status: 400, param: "messages[0].tool_call_id" });
    const foreign = { top_k: 3 } as Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>;
    await expect(ask("Hi", foreign)).rejects.toMatchObject({ code: "unknown_parameter" });
    const stranger = new OpenAI({ baseURL: `${simulator.url}/v1`, apiKey: "invalid", maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toThrow(OpenAI.AuthenticationError);
  });
});
