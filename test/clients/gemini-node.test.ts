import {
  ApiError,
  type Content,
  type FunctionCall,
  FunctionCallingConfigMode,
  type GenerateContentParameters,
  type GenerateContentResponse,
  GoogleGenAI,
  type Model,
  ThinkingLevel,
  Type,
} from "@google/genai";
import OpenAI from "openai";
import { afterAll, describe, expect, it } from "vitest";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { useGateway, withoutRetries } from "../fakes/gateway.ts";

const simulator = await startSimulator({ requireKey: true });
afterAll(() => simulator.close());
const gateway = useGateway(
  {
    GEMINI_API_KEY: "k",
    GEMINI_BASE_URL: `${simulator.url}/gemini`,
    OPENAI_API_KEY: "k",
    OPENAI_BASE_URL: `${simulator.url}/openai/v1`,
    ANTHROPIC_API_KEY: "k",
    ANTHROPIC_BASE_URL: `${simulator.url}/anthropic`,
    COHERE_API_KEY: "k",
    COHERE_BASE_URL: `${simulator.url}/cohere`,
    MISTRAL_API_KEY: "k",
    MISTRAL_BASE_URL: `${simulator.url}/mistral/v1`,
    OLLAMA_API_KEY: "k",
    OLLAMA_BASE_URL: `${simulator.url}/ollama`,
  },
  withoutRetries,
);
const client = (apiVersion?: string) =>
  new GoogleGenAI({ apiKey: "any", httpOptions: { baseUrl: gateway.url, ...(apiVersion && { apiVersion }) } });

const weather = {
  name: "weather",
  description: "The weather in a city.",
  parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING, nullable: true } }, required: ["city"] },
};
const tools = [{ functionDeclarations: [weather] }];

async function streamed(request: GenerateContentParameters): Promise<GenerateContentResponse[]> {
  const chunks: GenerateContentResponse[] = [];
  for await (const chunk of await client().models.generateContentStream(request)) chunks.push(chunk);
  return chunks;
}

async function failureOf(promise: Promise<unknown>): Promise<{ status: number; error: Record<string, unknown> }> {
  const thrown: unknown = await promise.catch((error: unknown) => error);
  if (!(thrown instanceof ApiError)) throw thrown;
  return { status: thrown.status, error: JSON.parse(thrown.message.replace(/^got status: \w+\. /, "")).error };
}

/** Results of calls, as the caller's program gives them back. */
const resultsOf = (calls: readonly FunctionCall[], keepsIds: boolean) =>
  calls.map(({ id, name }, i) => ({
    functionResponse: { ...(keepsIds && id && { id }), ...(name && { name }), response: { output: `sunny ${i}` } },
  }));

/** The models in each wire format: that think when asked to, and that always do. */
const targets = [
  ["gemini/gemini-echo", "gemini/gemini-reasoner"],
  ["openai/echo", "openai/reasoner"],
  ["anthropic/claude-echo", "anthropic/claude-reasoner"],
] as const;

describe.each(targets)("Google's SDK, through the gateway to %s,", (model, reasoner) => {
  it("gets an answer, and the same streamed", async () => {
    const contents = "/say Grüße, 世界 👋";
    const answer = await client().models.generateContent({ model, contents });
    expect(answer.text).toBe("Grüße, 世界 👋");
    expect(answer.candidates).toMatchObject([{ finishReason: "STOP", index: 0, content: { role: "model" } }]);
    expect(answer.responseId).toMatch(/./);
    expect(answer.sdkHttpResponse?.headers?.["trunkline-provider"]).toBe(model.split("/")[0]);
    const { promptTokenCount = 0, candidatesTokenCount = 0, totalTokenCount } = answer.usageMetadata ?? {};
    expect(totalTokenCount).toBe(promptTokenCount + candidatesTokenCount);
    const chunks = await streamed({ model, contents });
    expect(chunks.map(({ text = "" }) => text).join("")).toBe("Grüße, 世界 👋");
    expect(chunks.at(-1)?.candidates?.[0]?.finishReason).toBe("STOP");
    expect(chunks.at(-1)?.usageMetadata).toMatchObject({ promptTokenCount, candidatesTokenCount, totalTokenCount });
    expect(chunks.slice(0, -1).some(({ candidates }) => candidates?.[0]?.finishReason)).toBe(false);
  });

  it.each(["v1", "v1beta"])("asks by %s", async (version) => {
    const answer = await client(version).models.generateContent({ model: `models/${model}`, contents: "/say Hi" });
    expect(answer.text).toBe("Hi");
  });

  it.each([true, false])("runs tools: parallel calls and their results, ids kept: %s", async (keepsIds) => {
    const asked: Content = {
      role: "user",
      parts: [{ text: '/call weather {"city":"Oslo"}\n/call weather {"city":"Rome"}' }],
    };
    const first = await client().models.generateContent({ model, contents: [asked], config: { tools } });
    const calls = first.functionCalls ?? [];
    expect(calls.map(({ args }) => args)).toEqual([{ city: "Oslo" }, { city: "Rome" }]);
    expect(first.candidates?.[0]?.finishReason).toBe("STOP");
    const said = first.candidates?.[0]?.content ?? {};
    if (!keepsIds) for (const part of said.parts ?? []) delete part.functionCall?.id;
    const contents = [asked, said, { role: "user", parts: resultsOf(calls, keepsIds) }];
    const second = await client().models.generateContent({ model, contents, config: { tools } });
    expect(second.text).toMatch(/sunny 0.*sunny 1/s);
  });

  it("holds a chat with tools, streamed, whose history the SDK keeps", async () => {
    const chat = client().chats.create({
      model: reasoner,
      config: { tools, thinkingConfig: { includeThoughts: true, thinkingBudget: 1_024 } },
    });
    const calls: FunctionCall[] = [];
    let thought = "";
    for await (const chunk of await chat.sendMessageStream({ message: '/call weather {"city":"Oslo"}' })) {
      calls.push(...(chunk.functionCalls ?? []));
      thought += (chunk.candidates?.[0]?.content?.parts ?? []).map((part) => (part.thought ? part.text : "")).join("");
    }
    expect(calls).toMatchObject([{ name: "weather", args: { city: "Oslo" } }]);
    // OpenAI's chat completions show no reasoning.
    if (!reasoner.startsWith("openai")) expect(thought).toMatch(/./);
    let text = "";
    for await (const chunk of await chat.sendMessageStream({ message: resultsOf(calls, true) }))
      text += chunk.text ?? "";
    expect(text).toContain("sunny 0");
    const third = await chat.sendMessage({ message: "/say done" });
    expect(third.text).toBe("done");
  });

  it("must call what it is told to", async () => {
    const functionCallingConfig = { mode: FunctionCallingConfigMode.ANY, allowedFunctionNames: ["weather"] };
    const config = { tools, toolConfig: { functionCallingConfig } };
    const answer = await client().models.generateContent({ model, contents: "Hello?", config });
    expect(answer.functionCalls).toMatchObject([{ name: "weather" }]);
  });

  it.each([
    [
      "Google's schema",
      { responseSchema: { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ["city"] } },
    ],
    [
      "JSON Schema",
      {
        responseJsonSchema: {
          type: "object",
          properties: { city: { type: "string" } },
          required: ["city"],
          additionalProperties: false,
        },
      },
    ],
  ])("gets JSON by %s", async (_, schema) => {
    const config = { responseMimeType: "application/json", ...schema };
    const answer = await client().models.generateContent({ model, contents: "Where?", config });
    expect(JSON.parse(answer.text ?? "")).toEqual({ city: expect.any(String) });
  });

  it("shows pictures, with instructions and limits", async () => {
    const inlineData = { mimeType: "image/png", data: "iVBORw0KGgoAAAANSUhEUg==" };
    const answer = await client().models.generateContent({
      model,
      contents: [{ inlineData }, { text: "What is this?" }],
      config: { systemInstruction: "Be brief.", maxOutputTokens: 500, stopSequences: ["nowhere"] },
    });
    expect(answer.text).toContain("What is this?");
    const cut = await client().models.generateContent({ model, contents: "/words 50", config: { maxOutputTokens: 3 } });
    expect(cut.candidates?.[0]?.finishReason).toBe("MAX_TOKENS");
  });

  it("counts tokens", async () => {
    const few = await client().models.countTokens({ model, contents: "Hello?" });
    const more = await client().models.countTokens({ model, contents: "Hello? ".repeat(50) });
    expect(few.totalTokens).toBeGreaterThan(0);
    expect(more.totalTokens).toBeGreaterThan(few.totalTokens ?? 0);
  });

  it.each([
    ["400", 400, "INVALID_ARGUMENT"],
    ["429,seconds=7", 429, "RESOURCE_EXHAUSTED"],
    ["500", 502, "UNAVAILABLE"],
    ["drop", 502, "UNAVAILABLE"],
  ])("gets Google's error for fault %s", async (fault, status, word) => {
    const faulty = { model: `${model}+fault=${fault}`, contents: "Hi" };
    for (const failure of [
      await failureOf(client().models.generateContent(faulty)),
      await failureOf(streamed(faulty)),
    ]) {
      expect(failure).toMatchObject({ status, error: { code: status, status: word } });
      expect(JSON.stringify(failure.error.details)).toContain("google.rpc.RequestInfo");
      if (fault.startsWith("429"))
        expect(failure.error.details).toContainEqual(expect.objectContaining({ retryDelay: "7s" }));
    }
  });

  it("gets an error for a stream that breaks off", async () => {
    const failure = await failureOf(streamed({ model: `${model}+fault=cut`, contents: "/words 9" }));
    expect(failure.error).toMatchObject({ code: 502, details: [{ reason: "UPSTREAM_CUT", domain: "trunkline" }, {}] });
  });
});

const pairs = targets.flatMap(([, one]) =>
  targets.flatMap(([other]) => (other.split("/")[0] === one.split("/")[0] ? [] : [[one, other] as const])),
);

describe("Google's SDK, through the gateway,", () => {
  it.each(pairs)("goes on with a conversation of %s at %s, proofs and ids of the first in it", async (one, other) => {
    const asked: Content = { role: "user", parts: [{ text: '/call weather {"city":"Oslo"}' }] };
    const config = { tools, thinkingConfig: { includeThoughts: true, thinkingBudget: 1_024 } };
    const first = await client().models.generateContent({ model: one, contents: [asked], config });
    const said = first.candidates?.[0]?.content ?? {};
    const contents = [asked, said, { role: "user", parts: resultsOf(first.functionCalls ?? [], true) }];
    const second = await client().models.generateContent({ model: other, contents, config: { tools } });
    expect(second.text).toContain("sunny 0");
    // And back again, to whom the proofs belong.
    const third = await client().models.generateContent({ model: one, contents, config });
    expect(third.text).toContain("sunny 0");
  });

  it.each([
    ["gemini/gemini-embedding-echo", 64],
    ["openai/embed", 64],
    ["cohere/embed-echo", 256],
    ["mistral/embed", 64],
    ["ollama/embed", 64],
  ])("embeds with %s", async (model, outputDimensionality) => {
    const config = { outputDimensionality, taskType: "RETRIEVAL_QUERY" };
    const { embeddings } = await client().models.embedContent({ model, contents: ["a cat", "a dog sat"], config });
    expect(embeddings?.map(({ values }) => values?.length)).toEqual([outputDimensionality, outputDimensionality]);
    const distance = (one: number[] = [], other: number[] = []) =>
      one.reduce((sum, x, i) => sum + (x - (other[i] ?? 0)) ** 2, 0);
    const again = await client().models.embedContent({ model, contents: "a cat", config });
    // The same text has the same vector, also alone.
    expect(distance(again.embeddings?.[0]?.values, embeddings?.[0]?.values)).toBeLessThan(1e-9);
  });

  it("lets OpenAI's clients embed with Gemini, up to Google's limit", async () => {
    const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "any", maxRetries: 0 });
    const model = "gemini/gemini-embedding-echo";
    const { data } = await openai.embeddings.create({ model, input: ["a cat", "a dog"], dimensions: 64 });
    expect(data.map(({ embedding }) => embedding.length)).toEqual([64, 64]);
    const input = Array.from({ length: 101 }, () => "x");
    await expect(openai.embeddings.create({ model, input })).rejects.toThrow(/at most 100 items .* has 101/);
  });

  it("lists models by pages, and shows one", async () => {
    const models: Model[] = [];
    for await (const model of await client().models.list({ config: { pageSize: 2 } })) models.push(model);
    const names = models.map(({ name }) => name);
    expect(names).toContain("models/anthropic/claude-echo");
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(6);
    const one = await client("v1beta").models.get({ model: "gemini/gemini-reasoner" });
    expect(one).toMatchObject({ name: "models/gemini/gemini-reasoner", thinking: true, inputTokenLimit: 1_048_576 });
  });

  it("gets the errors of its own requests, the member named", async () => {
    const missing = await failureOf(client().models.generateContent({ model: "no/such", contents: "Hi" }));
    expect(missing).toMatchObject({ status: 404, error: { status: "NOT_FOUND" } });
    const contents = [{ role: "bot", parts: [{ text: "Hi" }] }];
    const wrong = await failureOf(client().models.generateContent({ model: "openai/echo", contents }));
    expect(wrong.status).toBe(400);
    expect(wrong.error.details).toContainEqual(
      expect.objectContaining({ fieldViolations: [expect.objectContaining({ field: "contents[0].role" })] }),
    );
  });

  it("takes a level of thinking to a model of another provider", async () => {
    const thinkingConfig = { thinkingLevel: ThinkingLevel.LOW, includeThoughts: true };
    const answer = await client().models.generateContent({
      model: "anthropic/claude-reasoner",
      contents: "/say Hi",
      config: { thinkingConfig, maxOutputTokens: 8_000 },
    });
    expect(answer.candidates?.[0]?.content?.parts?.map(({ thought }) => thought === true)).toEqual([true, false]);
    expect(answer.text).toBe("Hi");
  });
});
