import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningSimulator, startSimulator } from "../../src/simulator/simulator.ts";

const weather: Anthropic.Tool = {
  name: "weather",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

describe("Anthropic's SDK at the simulator", () => {
  let simulator: RunningSimulator;
  let client: Anthropic;

  beforeAll(async () => {
    simulator = await startSimulator({ requireKey: true });
    client = new Anthropic({ baseURL: simulator.url, apiKey: "any", maxRetries: 0 });
  });
  afterAll(() => simulator.close());

  const request = (content: string): Anthropic.MessageCreateParamsNonStreaming => ({
    model: "claude-echo",
    max_tokens: 2_000,
    messages: [{ role: "user", content }],
  });

  it("gets an answer that says that it is simulated", async () => {
    const answer = await client.messages.create(request("Hello?"));
    expect(answer.content).toMatchObject([{ type: "text", text: "This answer is simulated. You said: Hello?" }]);
    expect(answer).toMatchObject({ stop_reason: "end_turn", stop_sequence: null, role: "assistant" });
  });

  it("gets the same answer streamed", async () => {
    const stream = client.messages.stream(request("/say Grüße, 世界 👋"));
    const texts: string[] = [];
    stream.on("text", (text) => texts.push(text));
    const answer = await stream.finalMessage();
    expect(answer.content).toMatchObject([{ type: "text", text: "Grüße, 世界 👋" }]);
    expect(texts.length).toBe(answer.usage.output_tokens);
  });

  it("thinks with a signature that is checked when it comes back", async () => {
    const thinking = { type: "enabled", budget_tokens: 1_024 } as const;
    const first = await client.messages
      .stream({ ...request("/call weather"), tools: [weather], thinking })
      .finalMessage();
    expect(first.content.map(({ type }) => type)).toEqual(["thinking", "tool_use"]);
    expect(first.usage.output_tokens_details?.thinking_tokens).toBeGreaterThan(0);
    const call = first.content.at(-1);
    if (call?.type !== "tool_use") throw new Error("a call was expected");
    const next = (content: Anthropic.ContentBlockParam[]): Anthropic.MessageCreateParamsNonStreaming => ({
      ...request(""),
      tools: [weather],
      thinking,
      messages: [
        { role: "user", content: "/call weather" },
        { role: "assistant", content },
        { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "sunny" }] },
      ],
    });
    const second = await client.messages.create(next(first.content));
    expect(second.content.at(-1)).toMatchObject({ type: "text", text: expect.stringContaining("sunny") });
    const [thought, ...others] = first.content;
    const forged = [{ ...thought, thinking: "Something else." }, ...others] as Anthropic.ContentBlockParam[];
    await expect(client.messages.create(next(forged))).rejects.toThrow(/signature/);
  });

  it("calls every tool that the text names", async () => {
    const clock: Anthropic.Tool = { name: "clock", input_schema: { type: "object", properties: {} } };
    const answer = await client.messages.create({ ...request("Ask weather and clock."), tools: [clock, weather] });
    expect(answer.stop_reason).toBe("tool_use");
    expect(answer.content).toMatchObject([
      { name: "clock", input: {} },
      { name: "weather", input: { city: "simulated" } },
    ]);
  });

  it("answers by a schema, stops, runs out of tokens and refuses", async () => {
    const schema = { type: "object", properties: { ok: { type: "boolean" } } };
    const formatted = await client.messages.create({
      ...request("Give me one."),
      output_config: { format: { type: "json_schema", schema } },
    });
    expect(formatted.content).toMatchObject([{ text: '{"ok":true}' }]);
    const stopped = await client.messages.create({ ...request("/say one two three"), stop_sequences: [" two"] });
    expect(stopped).toMatchObject({ stop_reason: "stop_sequence", stop_sequence: " two" });
    const short = await client.messages.create({ ...request("/words 50"), max_tokens: 4 });
    expect(short).toMatchObject({ stop_reason: "max_tokens", usage: { output_tokens: 4 } });
    const refused = await client.messages.create(request("/refuse I would rather not."));
    expect(refused).toMatchObject({ stop_reason: "refusal", content: [], stop_details: { explanation: /./ } });
  });

  it("writes marked prompts to its cache and reads them from there", async () => {
    const text = "A long instruction. ".repeat(50);
    const marked: Anthropic.MessageCreateParamsNonStreaming = {
      ...request("Hi"),
      system: [{ type: "text", text, cache_control: { type: "ephemeral" } }],
    };
    const written = (await client.messages.create(marked)).usage;
    const read = (await client.messages.create(marked)).usage;
    expect(written.cache_creation_input_tokens).toBeGreaterThan(100);
    expect(read.cache_read_input_tokens).toBe(written.cache_creation_input_tokens);
    expect(read.input_tokens).toBe(written.input_tokens);
  });

  it("counts tokens as the usage does", async () => {
    const { input_tokens } = await client.messages.countTokens({
      model: "claude-echo",
      messages: [{ role: "user", content: "How many?" }],
    });
    expect(input_tokens).toBe((await client.messages.create(request("How many?"))).usage.input_tokens);
  });

  it("lists models page by page", async () => {
    const ids = (await Array.fromAsync(client.models.list({ limit: 1 }))).map(({ id }) => id);
    expect(ids).toEqual(["claude-echo", "claude-reasoner"]);
    await expect(client.models.retrieve("nobody")).rejects.toThrow(Anthropic.NotFoundError);
  });

  it("is refused with what is wrong", async () => {
    const { max_tokens: _, ...unbounded } = request("Hi");
    await expect(client.messages.create(unbounded as never)).rejects.toThrow(/max_tokens: Field required/);
    await expect(client.messages.create({ ...request("Hi"), n: 2 } as never)).rejects.toThrow(/n: Extra inputs/);
    await expect(client.messages.create({ ...request("Hi"), messages: [] })).rejects.toThrow(/at least one message/);
    await expect(client.messages.create({ ...request("Hi"), model: "gpt-5" })).rejects.toThrow(Anthropic.NotFoundError);
    const stranger = new Anthropic({ baseURL: simulator.url, apiKey: "invalid", maxRetries: 0 });
    await expect(stranger.messages.create(request("Hi"))).rejects.toThrow(Anthropic.AuthenticationError);
  });
});
