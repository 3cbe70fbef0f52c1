import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import { describe, expect, it } from "vitest";
import { useGateway, withoutRetries } from "../fakes/gateway.ts";

const gateway = useGateway({}, withoutRetries);
const client = () => new Anthropic({ baseURL: gateway.url, apiKey: "any", maxRetries: 0 });
const max_tokens = 2_000;

const weather: Anthropic.Tool = {
  name: "weather",
  description: "The weather in a city.",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

function asking(content: Anthropic.MessageParam["content"]): Anthropic.MessageParam[] {
  return [{ role: "user", content }];
}

async function failureOf(promise: Promise<unknown>): Promise<InstanceType<typeof Anthropic.APIError>> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Anthropic.APIError) return error;
    throw error;
  }
  throw new Error("it was answered");
}

/** The models in one wire format and in the other: that think only when asked to, and that always do. */
const targets = [
  ["simulator/echo", "simulator/reasoner"],
  ["simulator-anthropic/claude-echo", "simulator-anthropic/claude-reasoner"],
] as const;

describe.each(targets)("Anthropic's SDK, through the gateway to %s,", (model, reasoner) => {
  it("gets an answer, and the same streamed", async () => {
    const messages = asking("/say Grüße, 世界 👋");
    const { data, response } = await client().messages.create({ model, max_tokens, messages }).withResponse();
    expect(data.content).toMatchObject([{ type: "text", text: "Grüße, 世界 👋" }]);
    expect(data).toMatchObject({ id: expect.stringMatching(/^msg_/), stop_reason: "end_turn", stop_sequence: null });
    expect(response.headers.get("request-id")).toBe(response.headers.get("x-request-id"));
    expect(response.headers.get("trunkline-provider")).toBe(model.split("/")[0]);
    const stream = client().messages.stream({ model, max_tokens, messages });
    const streamed = await stream.finalMessage();
    expect(streamed.content).toMatchObject([{ type: "text", text: "Grüße, 世界 👋" }]);
    const { input_tokens, output_tokens } = data.usage;
    expect(streamed.usage).toMatchObject({ input_tokens, output_tokens });
    expect(input_tokens).toBeGreaterThan(0);
  });

  it("runs tools: parallel calls, streamed, and their results", async () => {
    const asked = asking('/call weather {"city":"Oslo"}\n/call weather {"city":"Rome"}');
    const message = await client()
      .messages.stream({ model, max_tokens, messages: asked, tools: [weather] })
      .finalMessage();
    const calls = message.content.filter((block) => block.type === "tool_use");
    expect(calls.map(({ input }) => input)).toEqual([{ city: "Oslo" }, { city: "Rome" }]);
    expect(message.stop_reason).toBe("tool_use");
    const results = calls.map(({ id }, i) => ({
      type: "tool_result" as const,
      tool_use_id: id,
      content: [{ type: "text" as const, text: `sunny ${i}` }],
    }));
    const messages: Anthropic.MessageParam[] = [
      ...asked,
      { role: "assistant", content: message.content },
      { role: "user", content: results },
    ];
    const answer = await client().messages.create({ model, max_tokens, messages, tools: [weather] });
    expect(answer.content).toMatchObject([{ type: "text", text: expect.stringMatching(/sunny 0.*sunny 1/s) }]);
  });

  it("lets its tool runner work, whole and streamed", async () => {
    const asked: unknown[] = [];
    const tool = betaTool({
      name: "weather",
      description: "The weather in a city.",
      inputSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
      run: ({ city }) => {
        asked.push(city);
        return `It snows in ${city}.`;
      },
    });
    const messages = asking('/call weather {"city":"Oslo"}');
    const last = await client().beta.messages.toolRunner({ model, max_tokens, messages, tools: [tool] });
    expect(last.content).toMatchObject([{ type: "text", text: expect.stringContaining("It snows in Oslo.") }]);
    const runner = client().beta.messages.toolRunner({ model, max_tokens, messages, tools: [tool], stream: true });
    for await (const stream of runner) await stream.finalMessage();
    expect(asked).toEqual(["Oslo", "Oslo"]);
  });

  it("gets thinking, and gives it back as it came", async () => {
    const thinking = { type: "enabled", budget_tokens: 1_024 } as const;
    const asked = asking('/call weather {"city":"Oslo"}');
    const request = { model: reasoner, max_tokens, thinking, tools: [weather] };
    const first = await client()
      .messages.stream({ ...request, messages: asked })
      .finalMessage();
    expect(first.content.map(({ type }) => type)).toEqual(["thinking", "tool_use"]);
    const call = first.content.at(-1);
    if (call?.type !== "tool_use") throw new Error("a call was expected");
    const second = await client().messages.create({
      ...request,
      messages: [
        ...asked,
        { role: "assistant", content: first.content },
        { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "sunny" }] },
      ],
    });
    expect(second.content.at(-1)).toMatchObject({ type: "text", text: expect.stringContaining("sunny") });
  });

  it("gets JSON by a schema", async () => {
    const schema = {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    };
    const output_config = { format: { type: "json_schema", schema } } as const;
    const { content } = await client().messages.create({
      model,
      max_tokens,
      messages: asking("Where?"),
      output_config,
    });
    expect(content).toMatchObject([{ type: "text" }]);
    expect(JSON.parse(content[0]?.type === "text" ? content[0].text : "")).toEqual({ city: expect.any(String) });
  });

  it("shows pictures and documents, with a system prompt and cache marks", async () => {
    const picture = { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" } as const;
    const messages = asking([
      { type: "image", source: picture },
      { type: "document", source: { type: "base64", media_type: "application/pdf", data: "JVBERi0=" }, title: "t" },
      { type: "text", text: "What is this?", cache_control: { type: "ephemeral" } },
    ]);
    const system = [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral", ttl: "1h" } }] as const;
    const answer = await client().messages.create({ model, max_tokens, messages, system: [...system] });
    expect(answer.content).toMatchObject([{ type: "text", text: expect.stringContaining("What is this?") }]);
  });

  it("ends by a stop sequence and by the token limit", async () => {
    const whole = await client().messages.create({ model, max_tokens: 2, messages: asking("/words 9") });
    expect(whole.stop_reason).toBe("max_tokens");
    const stopped = await client().messages.create({
      model,
      max_tokens,
      messages: asking("/say one two three"),
      stop_sequences: [" three"],
    });
    expect(stopped.content).toMatchObject([{ type: "text", text: "one two" }]);
  });

  it("counts tokens", async () => {
    const few = await client().messages.countTokens({ model, messages: asking("Hello?") });
    const more = await client().messages.countTokens({
      model,
      messages: asking("Hello? ".repeat(50)),
      tools: [weather],
    });
    expect(few.input_tokens).toBeGreaterThan(0);
    expect(more.input_tokens).toBeGreaterThan(few.input_tokens);
  });

  it("ends a stream that the caller leaves", async () => {
    const stalling = `${model}+fault=stall`;
    const stream = client().messages.stream({ model: stalling, max_tokens, messages: asking("/words 9") });
    for await (const event of stream) if (event.type === "content_block_delta") break;
    const canceled = () =>
      gateway.logged.some(({ fields }) => fields.outcome === "canceled" && fields.model === stalling);
    for (let i = 0; i < 500 && !canceled(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(canceled()).toBe(true);
  });

  it.each([
    ["400", Anthropic.BadRequestError, "invalid_request_error"],
    ["429,seconds=7", Anthropic.RateLimitError, "rate_limit_error"],
    ["500", Anthropic.InternalServerError, "api_error"],
    ["529", Anthropic.InternalServerError, "overloaded_error"],
    ["drop", Anthropic.InternalServerError, undefined],
    ["html", Anthropic.InternalServerError, undefined],
  ])("gets its own error class for fault %s", async (fault, kind, type) => {
    const faulty = { model: `${model}+fault=${fault}`, max_tokens, messages: asking("Hi") };
    const whole = await failureOf(client().messages.create(faulty));
    const streamed = await failureOf(client().messages.stream(faulty).finalMessage());
    for (const error of [whole, streamed]) {
      expect(error).toBeInstanceOf(kind);
      if (type) expect(error.type).toBe(type);
      expect(error.requestID).toMatch(/./);
    }
    if (fault.startsWith("429")) expect(whole.headers?.get("retry-after")).toBe("7");
  });

  it("gets an error for a stream that breaks off", async () => {
    const stream = client().messages.stream({ model: `${model}+fault=cut`, max_tokens, messages: asking("/words 9") });
    const error = await failureOf(stream.finalMessage());
    expect(error.type).toBe("api_error");
    expect(stream.receivedMessages).toEqual([]);
  });
});

it("gets the errors of its own requests by class, the member named", async () => {
  const model = "simulator/echo";
  const missing = await failureOf(client().messages.create({ model: "no/such", max_tokens, messages: asking("Hi") }));
  expect(missing).toBeInstanceOf(Anthropic.NotFoundError);
  // A mistake that the types would have found.
  const messages = [{ role: "bot", content: "" } as unknown as Anthropic.MessageParam];
  const wrong = await failureOf(client().messages.create({ model, max_tokens, messages }));
  expect(wrong).toBeInstanceOf(Anthropic.BadRequestError);
  expect(wrong.message).toContain("messages.0.role: must be one of 'user', 'assistant', 'system'.");
});

it("lists models by pages, and shows one", async () => {
  const ids: string[] = [];
  for await (const model of client().models.list({ limit: 2 })) ids.push(model.id);
  expect(ids).toContain("simulator-anthropic/claude-echo");
  expect(ids.length).toBeGreaterThan(3);
  expect(new Set(ids).size).toBe(ids.length);
  const model = await client().models.retrieve("simulator/echo");
  expect(model).toMatchObject({ type: "model", id: "simulator/echo", lifecycle: "active" });
});
