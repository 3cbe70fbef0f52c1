import OpenAI from "openai";
import { afterAll, describe, expect, it } from "vitest";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { useGateway, withoutBreaker } from "../../fakes/gateway.ts";

const simulator = await startSimulator({ requireKey: true });
afterAll(() => simulator.close());
const gateway = useGateway(
  { COHERE_BASE_URL: `${simulator.url}/cohere`, COHERE_API_KEY: "co-upstream" },
  withoutBreaker,
);
const client = () => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "any", maxRetries: 0 });

const weather: OpenAI.ChatCompletionTool = {
  type: "function",
  function: {
    name: "weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const asking = (content: string): OpenAI.ChatCompletionMessageParam[] => [{ role: "user", content }];
const lastCall = () => simulator.calls.findLast(({ path }) => path.startsWith("/v2/"));

async function failureOf(promise: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof OpenAI.APIError) return error;
    throw error;
  }
  throw new Error("it was answered");
}

describe("a caller of chat completions, through the gateway to Cohere,", () => {
  it("gets an answer, and the same streamed, with the gateway's key", async () => {
    const model = "cohere/command-echo";
    const messages = asking("/say Grüße, 世界 👋");
    const { data, response } = await client().chat.completions.create({ model, messages }).withResponse();
    expect(data.choices[0]).toMatchObject({ message: { content: "Grüße, 世界 👋" }, finish_reason: "stop" });
    expect(data.usage).toMatchObject({ prompt_tokens: 64, completion_tokens: 3 });
    expect(response.headers.get("trunkline-provider")).toBe("cohere");
    expect(lastCall()?.headers.authorization).toBe("Bearer co-upstream");
    const stream = client().chat.completions.stream({ model, messages, stream_options: { include_usage: true } });
    expect((await stream.finalChatCompletion()).choices[0]?.message.content).toBe("Grüße, 世界 👋");
    // The prompt is in the provider's cache by now.
    expect(await stream.totalUsage()).toMatchObject({ prompt_tokens: 64, completion_tokens: 3 });
  });

  it("runs tools: a plan, parallel calls, streamed, and their results", async () => {
    const model = "cohere/command-echo";
    const asked = asking('/call weather {"city":"Oslo"}\n/call weather {"city":"Rome"}');
    const stream = client().chat.completions.stream({ model, messages: asked, tools: [weather] });
    const [choice] = (await stream.finalChatCompletion()).choices;
    expect(choice?.finish_reason).toBe("tool_calls");
    const message = choice?.message as OpenAI.ChatCompletionMessage & { reasoning_content?: string };
    const calls = message.tool_calls ?? [];
    expect(calls.map((call) => call.type === "function" && JSON.parse(call.function.arguments))).toEqual([
      { city: "Oslo" },
      { city: "Rome" },
    ]);
    const results = calls.map(({ id }, i) => ({ role: "tool" as const, tool_call_id: id, content: `sunny ${i}` }));
    const said = { role: "assistant" as const, tool_calls: calls, reasoning_content: "I will look." };
    const messages = [...asked, said, ...results];
    const answer = await client().chat.completions.create({ model, messages, tools: [weather] });
    expect(answer.choices[0]?.message.content).toMatch(/sunny 0.*sunny 1/s);
  });

  it("gets reasoning apart, and sends it back where the model reasons", async () => {
    const model = "cohere/command-reasoner";
    const { choices } = await client().chat.completions.create({
      model,
      messages: asking("Hm?"),
      reasoning_effort: "low",
    });
    const message = choices[0]?.message as OpenAI.ChatCompletionMessage & { reasoning_content?: string };
    expect(message.reasoning_content).toContain("This reasoning is simulated");
    expect(lastCall()?.body).toMatchObject({ thinking: { type: "enabled", token_budget: 2048 } });
    await client().chat.completions.create({ model, messages: [...asking("Hm?"), message, ...asking("And?")] });
    expect(lastCall()?.body).toMatchObject({
      messages: [{}, { content: [{ type: "thinking" }, { type: "text" }] }, {}],
    });
  });

  it("gets JSON of its schema, log probabilities and stops at its words", async () => {
    const schema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
    const { choices } = await client().chat.completions.create({
      model: "cohere/command-echo",
      messages: asking("Shape!"),
      response_format: { type: "json_schema", json_schema: { name: "s", schema } },
      logprobs: true,
    });
    expect(choices[0]?.message.content).toBe('{"ok":true}');
    expect(choices[0]?.logprobs?.content?.map(({ token }) => token).join("")).toBe('{"ok":true}');
    const stopped = await client().chat.completions.create({
      model: "cohere/command-echo",
      messages: asking("/say one two END three"),
      stop: "END",
    });
    expect(stopped.choices[0]).toMatchObject({ message: { content: "one two " }, finish_reason: "stop" });
  });

  it("is told what was lost, or refused for it", async () => {
    const lossy = { model: "cohere/command-echo", messages: asking("Hi"), temperature: 2, verbosity: "low" as const };
    const { response } = await client().chat.completions.create(lossy).withResponse();
    expect(response.headers.get("trunkline-loss")).toBe("verbosity;dropped, temperature;approximated");
    expect(lastCall()?.body).toMatchObject({ temperature: 1 });
    const headers = { "trunkline-loss-policy": "refuse" };
    const refused = await failureOf(client().chat.completions.create(lossy, { headers }));
    expect([refused.status, refused.code, refused.param]).toEqual([400, "unsupported_parameter", "verbosity"]);
  });

  it.each([
    ["command-echo+fault=401", 502, "upstream_auth"],
    ["nobody", 404, "model_not_found"],
    ["command-echo+fault=429", 429, "rate_limit_exceeded"],
    ["command-echo+fault=503", 503, "service_unavailable"],
    ["command-echo+fault=500", 502, "upstream_error"],
    ["command-echo+fault=html", 503, "service_unavailable"],
    ["command-echo+fault=empty", 502, "upstream_error"],
  ])("is told how %s fails: %i %s", async (model, status, code) => {
    const failed = await failureOf(
      client().chat.completions.create({ model: `cohere/${model}`, messages: asking("Hi") }),
    );
    expect([failed.status, failed.code]).toEqual([status, code]);
  });

  it.each(["cut", "early-end", "error-event", "malformed"])(
    "never takes a stream for whole after %s",
    async (fault) => {
      let text = "";
      const read = async () => {
        const model = `cohere/command-echo+fault=${fault}`;
        const stream = await client().chat.completions.create({ model, messages: asking("/words 9"), stream: true });
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
      };
      await expect(read()).rejects.toBeInstanceOf(Error);
      expect(text).toBe("simulated words");
    },
  );

  it("gets vectors", async () => {
    const input = ["one", "two"];
    const { data, usage } = await client().embeddings.create({ model: "cohere/embed-echo", input, dimensions: 8 });
    expect(data.map(({ embedding }) => embedding.length)).toEqual([8, 8]);
    expect(usage.prompt_tokens).toBe(2);
    expect(lastCall()?.body).toEqual({
      model: "embed-echo",
      texts: input,
      input_type: "search_document",
      output_dimension: 8,
      truncate: "NONE",
      embedding_types: ["float"],
    });
  });

  it("sees the models of the provider's list", async () => {
    const ids: string[] = [];
    for await (const { id } of client().models.list()) ids.push(id);
    expect(ids.filter((id) => id.startsWith("cohere/"))).toEqual([
      "cohere/command-echo",
      "cohere/command-reasoner",
      "cohere/embed-echo",
    ]);
  });
});
