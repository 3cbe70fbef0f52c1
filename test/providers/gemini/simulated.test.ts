import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import OpenAI from "openai";
import { afterAll, describe, expect, it } from "vitest";
import { type ChatResponse, ChatService } from "../../../gen/trunkline/v1/chat_pb.ts";
import { EmbeddingsService } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { type Part, Role, type ToolCall } from "../../../gen/trunkline/v1/message_pb.ts";
import { FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { useGateway } from "../../fakes/gateway.ts";

const simulator = await startSimulator({ requireKey: true });
const env = { GEMINI_API_KEY: "any", GEMINI_BASE_URL: `${simulator.url}/gemini` };
const gateway = useGateway(env, (config) => {
  const versioned = config.providers.map((one) => ({ ...one, name: "gemini-v1", baseUrl: `${one.baseUrl}/v1` }));
  return { ...config, providers: [...config.providers, ...versioned] };
});
afterAll(() => simulator.close());

const model = "gemini/gemini-echo";
const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const text = (value: string) => ({ case: "text" as const, value });
const tools = [
  { kind: { case: "function" as const, value: { name: "weather", parametersSchema: JSON.stringify(parameters) } } },
];
const chat = () => createClient(ChatService, createGrpcTransport({ baseUrl: gateway.url }));
const user = (value: string) => ({ role: Role.USER, parts: [{ kind: text(value) }] });

/** Results for all calls of an answer. */
const results = (parts: readonly Part[]) => ({
  role: Role.TOOL,
  parts: parts.flatMap(({ kind }) =>
    kind.case === "toolCall"
      ? [{ kind: { case: "toolResult" as const, value: { callId: kind.value.id, parts: [{ kind: text("sunny") }] } } }]
      : [],
  ),
});
const said = (answer: ChatResponse) => answer.choices[0]?.message?.parts ?? [];

describe("Gemini through the gateway", () => {
  it("keeps a tool loop going whose signature the provider checks, typed", async () => {
    const first = await chat().chat({ model, tools, messages: [user("/call weather\n/call weather")] });
    expect(first.choices[0]?.finishReason).toBe(FinishReason.TOOL_CALLS);
    const parts = said(first);
    expect(parts.map(({ proof }) => proof?.issuer)).toEqual(["gemini", undefined]);
    const messages = [user("Weather?"), { role: Role.ASSISTANT, parts }, results(parts)];
    const second = await chat().chat({ model, tools, messages });
    expect(said(second)[0]?.kind.value).toContain("sunny; sunny");
    // Without the proof a call that nobody remembers is stood in for, and with a false one the provider refuses.
    const [call, other] = parts;
    if (!call || !other) throw new Error("two calls were expected");
    const unknown = [other, other].map((part, i) => ({
      ...part,
      kind: { case: "toolCall" as const, value: { ...(part.kind.value as ToolCall), id: `call_unknown_${i}` } },
    }));
    await chat().chat({
      model,
      tools,
      messages: [user("?"), { role: Role.ASSISTANT, parts: unknown }, results(unknown)],
    });
    expect(JSON.stringify(simulator.calls.at(-1)?.body)).toContain("skip_thought_signature_validator");
    if (call.proof) call.proof.data = Buffer.from("Zm9yZ2Vk");
    const forged = chat().chat({
      model,
      tools,
      messages: [user("?"), { role: Role.ASSISTANT, parts: [call, other] }, results(parts)],
    });
    await expect(forged).rejects.toThrow(/signature is not valid/);
  });

  it("keeps the same loop going for a chat client that streams", async () => {
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "any", maxRetries: 0 });
    const openAiTools = [{ type: "function" as const, function: { name: "weather", parameters } }];
    const stream = client.chat.completions.stream({
      model,
      tools: openAiTools,
      messages: [{ role: "user", content: "/call weather" }],
      stream_options: { include_usage: true },
    });
    const first = await stream.finalChatCompletion();
    const message = first.choices[0]?.message;
    if (!message) throw new Error("a message was expected");
    expect(message.tool_calls).toHaveLength(1);
    expect(first.usage?.total_tokens).toBe(Number(first.usage?.prompt_tokens) + Number(first.usage?.completion_tokens));
    const second = await client.chat.completions.create({
      model,
      tools: openAiTools,
      messages: [
        { role: "user", content: "Weather?" },
        message,
        { role: "tool", tool_call_id: message.tool_calls?.[0]?.id ?? "", content: "sunny" },
      ],
    });
    expect(second.choices[0]?.message.content).toContain("sunny");
  });

  it("shows thoughts when asked to, and counts them", async () => {
    const reasoning = { effort: "low", includeText: true };
    const answer = await chat().chat({ model, reasoning, messages: [user("/say Hi")] });
    expect(said(answer).map(({ kind }) => kind.case)).toEqual(["reasoning", "text"]);
    const { inputTokens, outputTokens, reasoningTokens, totalTokens } = answer.usage ?? {};
    expect(reasoningTokens).toBeGreaterThan(0);
    expect(Number(inputTokens) + Number(outputTokens)).toBe(totalTokens);
  });

  it("brings pictures and speech", async () => {
    const drawn = await chat().chat({ model, output: { modalities: ["text", "image"] }, messages: [user("A dot")] });
    const image = said(drawn).find(({ kind }) => kind.case === "image")?.kind;
    expect(image?.case === "image" && image.value.media?.mediaType).toBe("image/png");
    const spoken = await chat().chat({
      model,
      output: { modalities: ["audio"], audio: { voice: "Kore" } },
      messages: [user("Hi")],
    });
    const [audio] = said(spoken);
    expect(audio?.kind.case === "audio" && audio.kind.value.media?.source.value?.length).toBe(4_800);
  });

  it("counts, embeds and lists", async () => {
    const count = await chat().countTokens({ request: { model, messages: [user("one two")] } });
    expect([count.inputTokens, count.exact]).toEqual([4, true]);
    const embeddings = createClient(EmbeddingsService, createGrpcTransport({ baseUrl: gateway.url }));
    const inputs = ["a cat", "a dog"].map((value) => ({ kind: text(value) }));
    const embedded = await embeddings.embed({
      model: "gemini/gemini-embedding-echo",
      inputs,
      dimensions: 8,
      inputType: "search_query",
    });
    expect(embedded.embeddings.map(({ floats }) => floats.length)).toEqual([8, 8]);
    expect(embedded.usage?.inputTokens).toBe(4);
    const { data } = (await (await fetch(`${gateway.url}/v1/models`)).json()) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toEqual(expect.arrayContaining(["gemini/gemini-echo", "gemini/gemini-reasoner"]));
  });

  it("asks by the version that the base URL ends in, else by v1beta", async () => {
    const paths: unknown[] = [];
    for (const instance of ["gemini", "gemini-v1"]) {
      await chat().chat({ model: `${instance}/gemini-echo`, messages: [user("Hi")] });
      paths.push(simulator.calls.at(-1)?.path);
    }
    expect(paths).toEqual(["v1beta", "v1"].map((version) => `/${version}/models/gemini-echo:generateContent`));
  });

  it("tells callers how long to wait", async () => {
    const failed = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        model: "gemini/gemini-echo+fault=429,seconds=7",
        messages: [{ role: "user", content: "Hi" }],
      }),
    });
    expect([failed.status, failed.headers.get("retry-after")]).toEqual([429, "7"]);
  });
});
