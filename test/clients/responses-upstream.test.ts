import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { ChatService } from "../../gen/trunkline/v1/chat_pb.ts";
import { type ChatMessage, Role } from "../../gen/trunkline/v1/message_pb.ts";
import { FinishReason } from "../../gen/trunkline/v1/stream_pb.ts";
import { useGateway } from "../fakes/gateway.ts";

const gateway = useGateway();
const model = "simulator/gpt-5-pro";
const openai = () => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "any", maxRetries: 0 });
const rpc = () => createClient(ChatService, createGrpcTransport({ baseUrl: gateway.url }));
const text = (value: string) => ({ kind: { case: "text" as const, value } });
const user = (value: string) => ({ role: Role.USER, parts: [text(value)] });

const weather: OpenAI.ChatCompletionTool = {
  type: "function",
  function: {
    name: "weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const rpcWeather = {
  kind: { case: "function" as const, value: { name: "weather", parametersSchema: '{"type":"object"}' } },
};

describe("chat completions to a model that lives on the Responses API only", () => {
  it("get an answer, and the same streamed, with the provider's usage", async () => {
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "/say Grüße, 世界 👋" }];
    const whole = await openai().chat.completions.create({ model, messages });
    expect(whole.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "Grüße, 世界 👋" } });
    expect(whole.id).toMatch(/^resp_/);
    expect(whole.usage?.completion_tokens_details?.reasoning_tokens).toBeGreaterThan(0);
    const stream = openai().chat.completions.stream({ model, messages, stream_options: { include_usage: true } });
    expect((await stream.finalChatCompletion()).choices[0]?.message.content).toBe("Grüße, 世界 👋");
    expect(await stream.totalUsage()).toMatchObject({ completion_tokens: whole.usage?.completion_tokens });
  });

  it("call tools in parallel and bring their results, with the reasoning that led to them", async () => {
    const asked: OpenAI.ChatCompletionMessageParam[] = [
      { role: "user", content: '/call weather {"city":"Oslo"}\n/call weather {"city":"Rome"}' },
    ];
    const first = await openai().chat.completions.create({ model, messages: asked, tools: [weather] });
    const message = first.choices[0]?.message;
    expect(first.choices[0]?.finish_reason).toBe("tool_calls");
    const calls = message?.tool_calls ?? [];
    expect(calls.map((call) => call.type === "function" && call.function.arguments)).toEqual([
      '{"city":"Oslo"}',
      '{"city":"Rome"}',
    ]);
    expect(message).toMatchObject({ reasoning_details: [{ type: "reasoning.encrypted", format: "openai/responses" }] });
    const results = calls.map(({ id }, i) => ({ role: "tool" as const, tool_call_id: id, content: `sunny ${i}` }));
    const messages = [...asked, message as OpenAI.ChatCompletionMessageParam, ...results];
    const { data, response } = await openai()
      .chat.completions.create({ model, messages, tools: [weather] })
      .withResponse();
    expect(data.choices[0]?.message.content).toMatch(/sunny 0.*sunny 1/s);
    expect(response.headers.get("trunkline-loss") ?? "").not.toContain("reasoning");
  });

  it("are told what such a model does not take", async () => {
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "Hi" }];
    const call = openai().chat.completions.create({ model, messages, stop: "x", seed: 1, temperature: 0.5 });
    const loss = (await call.withResponse()).response.headers.get("trunkline-loss") ?? "";
    for (const field of ["stop", "seed", "temperature"]) expect(loss).toContain(`${field};dropped`);
    const several = openai().chat.completions.create({ model, messages, n: 2 });
    await expect(several).rejects.toMatchObject({ status: 400, param: "n" });
  });

  it("end at the token limit, and refuse", async () => {
    const say = (content: string, more = {}) =>
      openai().chat.completions.create({ model, messages: [{ role: "user", content }], ...more });
    expect((await say("/words 50", { max_completion_tokens: 20 })).choices[0]?.finish_reason).toBe("length");
    expect((await say("/refuse No.")).choices[0]).toMatchObject({ finish_reason: "stop", message: { refusal: "No." } });
    await expect(say("Hi", { max_completion_tokens: 4 })).rejects.toMatchObject({ status: 400 });
  });

  it("get the provider's failure in the middle of a stream", async () => {
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "/words 9" }];
    for (const fault of ["error-event", "cut", "early-end"]) {
      const stream = openai().chat.completions.stream({ model: `${model}+fault=${fault}:2`, messages });
      await expect(stream.finalChatCompletion()).rejects.toThrow();
    }
  });
});

describe("the contract's service to a model that lives on the Responses API only", () => {
  it("streams reasoning as a summary, then the text, and names who served", async () => {
    const request = { model, messages: [user("/say yes")], reasoning: { effort: "high", summary: "auto" } };
    const cases: string[] = [];
    let reasoning = "";
    for await (const { event } of rpc().streamChat({ request })) {
      if (event.case !== cases.at(-1)) cases.push(String(event.case));
      if (event.case === "reasoningDelta") reasoning += event.value;
      if (event.case === "completed") expect(event.value.servedBy?.instance).toBe("simulator");
    }
    expect(reasoning).toContain("simulated");
    expect(cases).toEqual([
      ...["started", "partStarted", "reasoningDelta", "partFinished"],
      ...["partStarted", "textDelta", "partFinished", "finished", "usage", "completed"],
    ]);
  });

  it("sends a turn back as it was received: reasoning with its proof, calls with their ids", async () => {
    const messages = [user('/call weather {"city":"Oslo"}')];
    const first = await rpc().chat({ model, messages, tools: [rpcWeather] });
    const turn = first.choices[0]?.message as ChatMessage;
    expect(first.choices[0]?.finishReason).toBe(FinishReason.TOOL_CALLS);
    const [thought, call] = turn.parts;
    expect(thought?.proof).toMatchObject({ issuer: "openai/responses", format: "encrypted" });
    expect(call?.id).toMatch(/^fc_/);
    const callId = call?.kind.case === "toolCall" ? call.kind.value.id : "";
    const result = { kind: { case: "toolResult" as const, value: { callId, parts: [text("sunny")] } } };
    const answer = await rpc().chat({
      model,
      messages: [...messages, turn, { role: Role.TOOL, parts: [result] }],
      tools: [rpcWeather],
    });
    const [, said] = answer.choices[0]?.message?.parts ?? [];
    expect(said?.kind.value).toContain("sunny");
    expect(answer.notices).toEqual([]);
  });

  it("never sends its proof to another provider", async () => {
    const first = await rpc().chat({ model, messages: [user("/say a")] });
    const turn = first.choices[0]?.message as ChatMessage;
    const messages = [user("/say a"), turn, user("/say b")];
    const answer = await rpc().chat({ model: "simulator-anthropic/claude-echo", messages });
    expect(answer.notices.map(({ field }) => field)).toContain("messages[1].parts[0].reasoning");
  });
});
