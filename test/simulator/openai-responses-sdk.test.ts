import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningSimulator, startSimulator } from "../../src/simulator/simulator.ts";

type Ask = Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming>;

const weather: OpenAI.Responses.FunctionTool = {
  type: "function",
  name: "weather",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
  strict: true,
};

describe("OpenAI's SDK at the simulator's Responses API", () => {
  let simulator: RunningSimulator;
  let client: OpenAI;

  beforeAll(async () => {
    simulator = await startSimulator({ requireKey: true });
    client = new OpenAI({ baseURL: `${simulator.url}/v1`, apiKey: "any", maxRetries: 0 });
  });
  afterAll(() => simulator.close());

  const ask = (input: OpenAI.Responses.ResponseCreateParams["input"] & {}, more: Ask = {}) =>
    client.responses.create({ model: "gpt-5-pro", input, ...more });
  const eventsOf = async (input: string, more: Ask = {}) => {
    const stream = await client.responses.create({ model: "gpt-5-pro", input, ...more, stream: true });
    return Array.fromAsync(stream);
  };

  it("gets an answer with ids, status and usage that adds up", async () => {
    const answer = await ask("/say Grüße, 世界 👋");
    expect(answer.output_text).toBe("Grüße, 世界 👋");
    expect(answer).toMatchObject({ object: "response", status: "completed", error: null, store: true });
    expect(answer.id).toMatch(/^resp_[0-9a-f]{48}$/);
    expect(answer.output.map(({ type }) => type)).toEqual(["reasoning", "message"]);
    const { input_tokens = 0, output_tokens = 0, total_tokens, output_tokens_details } = answer.usage ?? {};
    expect(total_tokens).toBe(input_tokens + output_tokens);
    expect(output_tokens - 3).toBe(output_tokens_details?.reasoning_tokens);
  });

  it("streams events in order, numbered from 0 without gaps", async () => {
    const events = await eventsOf("/say a b", { reasoning: { summary: "auto" } });
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, at) => at));
    const kinds = events.map(({ type }) => type.replace("response.", ""));
    expect(kinds.filter((kind, at) => kind !== kinds[at - 1])).toEqual([
      ...["created", "in_progress", "output_item.added", "reasoning_summary_part.added"],
      ...["reasoning_summary_text.delta", "reasoning_summary_text.done", "reasoning_summary_part.done"],
      ...["output_item.done", "output_item.added", "content_part.added", "output_text.delta", "output_text.done"],
      ...["content_part.done", "output_item.done", "completed"],
    ]);
  });

  it("counts content within its item, and ends with the whole response", async () => {
    const stream = client.responses.stream({ model: "gpt-5-pro", input: "/say a b" });
    const places: number[][] = [];
    stream.on("response.output_text.delta", (event) => places.push([event.output_index, event.content_index]));
    const whole = await stream.finalResponse();
    expect(places).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(whole).toMatchObject({ id: expect.stringMatching(/^resp_/), model: "gpt-5-pro", status: "completed" });
    expect(whole.output_text).toBe("a b");
    expect(whole.usage?.output_tokens).toBeGreaterThan(2);
  });

  it("calls tools, and answers their results beside encrypted reasoning", async () => {
    const include = ["reasoning.encrypted_content" as const];
    const input: OpenAI.Responses.ResponseInput = [{ role: "user", content: '/call weather {"city":"Oslo"}' }];
    const first = await ask(input, { tools: [weather], store: false, include });
    const call = first.output.find((item) => item.type === "function_call");
    if (call?.type !== "function_call") throw new Error("a call was expected");
    expect(JSON.parse(call.arguments)).toEqual({ city: "Oslo" });
    expect(call.id).toMatch(/^fc_/);
    const output = { type: "function_call_output" as const, call_id: call.call_id, output: "sunny" };
    const back = [...input, ...(first.output as OpenAI.Responses.ResponseInput), output];
    const second = await ask(back, { tools: [weather], store: false, include });
    expect(second.output_text).toContain("sunny");
    const forged = back.map((item) => (item.type === "reasoning" ? { ...item, encrypted_content: "gAAAAABx" } : item));
    await expect(ask(forged, { tools: [weather] })).rejects.toMatchObject({ code: "invalid_encrypted_content" });
    const unsealed = { type: "reasoning" as const, id: "rs_0", summary: [] };
    const lost: OpenAI.Responses.ResponseInput = [unsealed, ...back.filter((item) => item.type !== "reasoning")];
    await expect(ask(lost, { tools: [weather], store: false })).rejects.toThrow(/not persisted/);
    await expect(ask([...input, output], { tools: [weather] })).rejects.toThrow(/No tool call found/);
    await expect(ask([...input, call], { tools: [weather] })).rejects.toThrow(/No tool output found/);
  });

  it("streams calls of functions and of custom tools", async () => {
    const tools: OpenAI.Responses.Tool[] = [weather, { type: "custom", name: "shell" }];
    const input = '/call weather {"city":"Rome"}\n/call shell ls -la';
    const stream = client.responses.stream({ model: "echo", input, tools });
    const { output } = await stream.finalResponse();
    expect(output).toMatchObject([
      { type: "function_call", name: "weather", arguments: '{"city":"Rome"}' },
      { type: "custom_tool_call", name: "shell", input: "ls -la" },
    ]);
  });

  it("parses an answer by the JSON schema that was asked for", async () => {
    const schema = { type: "object", properties: { kind: { enum: ["a", "b"] } }, required: ["kind"] };
    const format = { type: "json_schema" as const, name: "thing", schema, strict: true };
    const answer = await client.responses.parse({ model: "gpt-5-pro", input: "Give me one.", text: { format } });
    expect(answer.output_parsed).toEqual({ kind: "a" });
  });

  it("searches, and cites what it found", async () => {
    const answer = await ask("Search the web for whales.", { tools: [{ type: "web_search" }] });
    expect(answer.output.map(({ type }) => type)).toEqual(["reasoning", "web_search_call", "message"]);
    const message = answer.output.at(-1);
    const [text] = message?.type === "message" ? message.content : [];
    expect(text).toMatchObject({ annotations: [{ type: "url_citation", start_index: 0 }] });
  });

  it("is incomplete at the token limit, and says so streamed too", async () => {
    const answer = await ask("/words 50", { max_output_tokens: 20 });
    expect(answer).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } });
    const events = await eventsOf("/words 50", { max_output_tokens: 20 });
    expect(events.at(-1)?.type).toBe("response.incomplete");
  });

  it("refuses when told to, and gives log probabilities", async () => {
    const [, refusal] = (await ask("/refuse I would rather not.")).output;
    expect(refusal).toMatchObject({ content: [{ type: "refusal", refusal: "I would rather not." }] });
    const include = ["message.output_text.logprobs" as const];
    const spoken = await ask("/say a b", { model: "gpt-4o", include, top_logprobs: 2 });
    expect(spoken.output[0]).toMatchObject({ content: [{ logprobs: [{ token: "a" }, { token: " b" }] }] });
  });

  it.each<readonly [string, object, object]>([
    ["chat's name of the input", { messages: [] }, { code: "unsupported_parameter", param: "messages" }],
    ["an unknown name", { odd: 1 }, { code: "unknown_parameter", param: "odd" }],
    ["stop, which it has not", { stop: "x" }, { code: "unknown_parameter", param: "stop" }],
    [
      "temperature from a model that reasons",
      { temperature: 0.5 },
      { code: "unsupported_parameter", param: "temperature" },
    ],
    ["too small a limit", { max_output_tokens: 4 }, { code: "integer_below_min_value", param: "max_output_tokens" }],
    ["chat's form of a tool", { tools: [{ type: "function", function: { name: "f" } }] }, { param: "tools[0].name" }],
    [
      "an open schema where strict is meant",
      { tools: [{ type: "function", name: "f", parameters: { type: "object" } }] },
      { code: "invalid_function_parameters" },
    ],
    ["what it does not remember", { previous_response_id: "resp_1" }, { code: "previous_response_not_found" }],
    ["an unknown item", { input: [{ type: "thought" }] }, { param: "input[0].type" }],
    [
      "chat's form of text",
      { input: [{ role: "user", content: [{ type: "text", text: "a" }] }] },
      { param: "input[0].content[0].type" },
    ],
    [
      "encrypted reasoning of a model that does not reason",
      { model: "gpt-4o", include: ["reasoning.encrypted_content"] },
      { param: "include" },
    ],
    ["an unknown include", { include: ["everything"] }, { param: "include" }],
    [
      "a schema without a name",
      { text: { format: { type: "json_schema", schema: {} } } },
      { param: "text.format.name" },
    ],
  ])("is refused %s", async (_, more, error) => {
    const refused = client.responses.create({ model: "gpt-5-pro", input: "Hi", ...more } as Ask & { model: string });
    await expect(refused).rejects.toMatchObject({ status: 400, type: "invalid_request_error", ...error });
  });

  it("says in chat that a model lives here only", async () => {
    const chat = client.chat.completions.create({ model: "o3-pro", messages: [{ role: "user", content: "Hi" }] });
    await expect(chat).rejects.toMatchObject({
      status: 404,
      param: "model",
      message: expect.stringMatching(/v1\/responses/),
    });
  });

  it("fails in the middle of a stream when told to", async () => {
    await expect(eventsOf("/words 9", { model: "gpt-5-pro+fault=error-event" })).rejects.toThrow(/simulated/);
  });
});
