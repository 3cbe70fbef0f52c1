import OpenAI from "openai";
import { afterAll, describe, expect, it } from "vitest";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { useGateway, withoutBreaker } from "../../fakes/gateway.ts";

const simulator = await startSimulator();
afterAll(() => simulator.close());
const gateway = useGateway({ OLLAMA_BASE_URL: `${simulator.url}/ollama` }, withoutBreaker);
const client = () => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "any", maxRetries: 0 });

const weather: OpenAI.ChatCompletionTool = {
  type: "function",
  function: {
    name: "weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const asking = (content: string): OpenAI.ChatCompletionMessageParam[] => [{ role: "user", content }];

function lastCall() {
  return simulator.calls.findLast(({ path }) => path.startsWith("/api/chat") || path.startsWith("/api/embed"));
}

async function failureOf(promise: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof OpenAI.APIError) return error;
    throw error;
  }
  throw new Error("it was answered");
}

async function readStream(model: string): Promise<{ text: string; error: unknown }> {
  let text = "";
  try {
    const stream = await client().chat.completions.create({ model, messages: asking("/words 9"), stream: true });
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    return { text, error: null };
  } catch (error) {
    return { text, error };
  }
}

describe("a caller of chat completions, through the gateway to Ollama,", () => {
  it("gets an answer, and the same streamed, without any key", async () => {
    const messages = asking("/say Grüße, 世界 👋");
    const { data, response } = await client()
      .chat.completions.create({ model: "ollama/echo", messages })
      .withResponse();
    expect(data.choices[0]).toMatchObject({ message: { content: "Grüße, 世界 👋" }, finish_reason: "stop" });
    expect(data.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 3, total_tokens: 7 });
    expect(response.headers.get("trunkline-provider")).toBe("ollama");
    expect(lastCall()?.headers.authorization).toBeUndefined();
    const stream = client().chat.completions.stream({ model: "ollama/echo", messages });
    expect((await stream.finalChatCompletion()).choices[0]?.message.content).toBe("Grüße, 世界 👋");
  });

  it("edge case 123: gets a whole answer without asking, as the server streams unless told not to", async () => {
    await client().chat.completions.create({ model: "ollama/echo", messages: asking("Hi") });
    expect(lastCall()?.body).toMatchObject({ stream: false });
  });

  it("edge case 121: runs tools, streamed, whose calls come before a plain stop", async () => {
    const asked = asking('/call weather {"city":"Oslo"}\n/call weather {"city":"Rome"}');
    const stream = client().chat.completions.stream({ model: "ollama/echo", messages: asked, tools: [weather] });
    const [choice] = (await stream.finalChatCompletion()).choices;
    expect(choice?.finish_reason).toBe("tool_calls");
    const calls = choice?.message.tool_calls ?? [];
    expect(calls.map((call) => call.type === "function" && JSON.parse(call.function.arguments))).toEqual([
      { city: "Oslo" },
      { city: "Rome" },
    ]);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
    const results = calls.map(({ id }, i) => ({ role: "tool" as const, tool_call_id: id, content: `sunny ${i}` }));
    const messages = [...asked, { role: "assistant" as const, tool_calls: calls }, ...results];
    const answer = await client().chat.completions.create({ model: "ollama/echo", messages, tools: [weather] });
    expect(answer.choices[0]?.message.content).toMatch(/sunny 0.*sunny 1/s);
    // The simulator makes no ids: those of another answer must not be the same.
    const again = await client().chat.completions.create({ model: "ollama/echo", messages: asked, tools: [weather] });
    const [first] = again.choices[0]?.message.tool_calls ?? [];
    expect(calls.map(({ id }) => id)).not.toContain(first?.id);
  });

  it("gets reasoning apart, and sends it back", async () => {
    const { choices } = await client().chat.completions.create({
      model: "ollama/reasoner",
      messages: asking("Hm?"),
      reasoning_effort: "high",
    });
    // Not in the SDK's types: the form in which compatible servers show it.
    const message = choices[0]?.message as OpenAI.ChatCompletionMessage & { reasoning_content?: string };
    expect(message.reasoning_content).toContain("This reasoning is simulated");
    await client().chat.completions.create({
      model: "ollama/reasoner",
      messages: [...asking("Hm?"), message, ...asking("And?")],
    });
    expect(lastCall()?.body).toMatchObject({ messages: [{}, { thinking: message.reasoning_content }, {}] });
  });

  it("gets JSON of its schema and log probabilities", async () => {
    const schema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
    const { choices } = await client().chat.completions.create({
      model: "ollama/echo",
      messages: asking("Shape!"),
      response_format: { type: "json_schema", json_schema: { name: "s", schema } },
      logprobs: true,
      top_logprobs: 2,
    });
    expect(choices[0]?.message.content).toBe('{"ok":true}');
    expect(choices[0]?.logprobs?.content?.[0]).toMatchObject({ logprob: -0.125, top_logprobs: [{}, {}] });
  });

  it("edge case 122: sends a picture as base64 alone, and is told that addresses are not fetched", async () => {
    const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/VscvDQAAAABJRU5ErkJggg==";
    const look = (url: string) =>
      client().chat.completions.create({
        model: "ollama/echo",
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "Look" },
              { type: "image_url", image_url: { url } },
            ],
          },
        ],
      });
    const { choices } = await look(`data:image/png;base64,${picture}`);
    expect(choices[0]?.message.content).toContain("You attached 1");
    expect(lastCall()?.body).toMatchObject({ messages: [{ images: [picture] }] });
    const refused = await failureOf(look("https://a.example/a.png"));
    expect([refused.status, refused.code]).toEqual([400, "unsupported_value"]);
    expect(refused.message).toContain("fetches nothing");
  });

  it("edge case 133: has its developer turn sent as the system's", async () => {
    const messages = [{ role: "developer" as const, content: "Be brief." }, ...asking("Hi")];
    await client().chat.completions.create({ model: "ollama/echo", messages });
    expect(lastCall()?.body).toMatchObject({ messages: [{ role: "system", content: "Be brief." }, { role: "user" }] });
  });

  it("is told what was lost, or refused for it", async () => {
    const lossy = { model: "ollama/echo", messages: asking("Hi"), verbosity: "low" as const, logit_bias: { "5": 1 } };
    const { response } = await client().chat.completions.create(lossy).withResponse();
    expect(response.headers.get("trunkline-loss")).toBe("logit_bias;dropped, verbosity;dropped");
    const headers = { "trunkline-loss-policy": "refuse" };
    const refused = await failureOf(client().chat.completions.create(lossy, { headers }));
    expect([refused.status, refused.code, refused.param]).toEqual([400, "unsupported_parameter", "logit_bias"]);
  });

  it("is refused a prompt beyond the context instead of an answer to the half of it", async () => {
    const messages = asking(`${"many words ".repeat(20_000)}`);
    const refused = await failureOf(client().chat.completions.create({ model: "ollama/echo", messages }));
    expect([refused.status, refused.code]).toEqual([400, "context_length_exceeded"]);
  });

  it.each([
    ["nobody", 404, "model_not_found"],
    ["echo+fault=401", 502, "upstream_auth"],
    ["echo+fault=429", 429, "rate_limit_exceeded"],
    ["echo+fault=503", 503, "overloaded"],
    ["echo+fault=500", 502, "upstream_error"],
    ["echo+fault=html", 503, "service_unavailable"],
    ["echo+fault=empty", 502, "upstream_error"],
  ])("is told how %s fails: %i %s", async (model, status, code) => {
    const failed = await failureOf(
      client().chat.completions.create({ model: `ollama/${model}`, messages: asking("Hi") }),
    );
    expect([failed.status, failed.code]).toEqual([status, code]);
  });

  it("edge case 124: never takes a stream for whole that was cut, ended early or told an error", async () => {
    for (const fault of ["cut", "early-end", "error-event", "malformed"]) {
      const { text, error } = await readStream(`ollama/echo+fault=${fault}`);
      expect(text, fault).toBe("simulated words");
      expect(error, fault).toBeInstanceOf(Error);
    }
    const { text, error } = await readStream("ollama/echo+fault=split-utf8");
    expect([text.split(" ").length, error]).toEqual([9, null]);
  });

  it("gets vectors, in base64 too", async () => {
    const input = ["one", "two"];
    const { data, usage } = await client().embeddings.create({ model: "ollama/embed", input, dimensions: 8 });
    expect(data.map(({ embedding }) => embedding.length)).toEqual([8, 8]);
    expect(usage.prompt_tokens).toBe(2);
    expect(lastCall()?.body).toEqual({ model: "embed", input, dimensions: 8, truncate: false });
  });

  it("has reasoning left out, and is told so, where the server says that the model has none", async () => {
    for await (const _ of client().models.list()); // The list has been read then.
    const { response } = await client()
      .chat.completions.create({ model: "ollama/echo", messages: asking("Hi"), reasoning_effort: "high" })
      .withResponse();
    expect(response.headers.get("trunkline-loss")).toBe("reasoning.effort;dropped");
    expect(lastCall()?.body).not.toHaveProperty("think");
  });

  it("sees the models that were pulled, with and without the tag that goes without saying", async () => {
    const ids: string[] = [];
    for await (const { id } of client().models.list()) ids.push(id);
    expect(ids.filter((id) => id.startsWith("ollama/"))).toEqual([
      "ollama/echo",
      "ollama/echo:latest",
      "ollama/embed",
      "ollama/embed:latest",
      "ollama/reasoner",
      "ollama/reasoner:latest",
    ]);
  });
});
