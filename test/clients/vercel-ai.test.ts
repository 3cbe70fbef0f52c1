import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, embedMany, generateText, isStepCount, Output, streamText, tool } from "ai";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { chatModels, gatewayBefore, mainModels } from "./behind.ts";

const { gateway, simulator } = await gatewayBefore();
const place = () => ({ baseURL: `${gateway.url}/v1`, apiKey: "any" });
const compatible = () =>
  createOpenAICompatible({ name: "trunkline", supportsStructuredOutputs: true, includeUsage: true, ...place() });
const google = () => createGoogleGenerativeAI({ ...place(), baseURL: `${gateway.url}/v1beta` });
const edges = {
  "@ai-sdk/openai": (model: string) => createOpenAI(place()).chat(model),
  "@ai-sdk/openai-compatible": (model: string) => compatible()(model),
  "@ai-sdk/anthropic": (model: string) => createAnthropic(place())(model),
  // Names with a slash are paths to this one.
  "@ai-sdk/google": (model: string) => google()(`models/${model}`),
};
type Edge = keyof typeof edges;
const cases = mainModels.flatMap((model) => Object.keys(edges).map((edge) => ({ model, edge: edge as Edge })));

const question = '/call weather {"city":"Oslo"}\n/call weather {"city":"Zürich"}';
const weather = tool({
  description: "The weather in a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => ({ report: `It snows in ${city}.` }),
});
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

describe.each(cases)("Vercel's AI SDK by $edge, through the gateway to $model,", ({ model, edge }) => {
  const settings = () => ({ model: edges[edge](model), maxRetries: 0, maxOutputTokens: 4_000 });
  const inSteps = () => ({ ...settings(), prompt: question, tools: { weather }, stopWhen: isStepCount(3) });

  it("calls tools in steps until it can answer, whole and streamed", async () => {
    const whole = await generateText(inSteps());
    const streamed = streamText(inSteps());
    let heard = "";
    for await (const part of streamed.fullStream) {
      if (part.type === "text-delta") heard += part.text;
      if (part.type === "error") throw part.error;
    }
    for (const { steps, text, usage } of [
      whole,
      { steps: await streamed.steps, text: heard, usage: await streamed.usage },
    ]) {
      expect(steps.map(({ finishReason }) => finishReason)).toEqual(["tool-calls", "stop"]);
      expect(steps[0]?.toolCalls.map(({ input }) => input)).toEqual([{ city: "Oslo" }, { city: "Zürich" }]);
      expect(text).toMatch(/snows in Oslo.*snows in Zürich/s);
      expect(usage.outputTokens).toBeGreaterThan(0);
    }
  });

  it("gets an object that fits its schema, whole and streamed", async () => {
    const schema = z.object({ city: z.string(), degrees: z.number(), sky: z.enum(["clear", "grey"]) });
    const wanted = { ...settings(), prompt: "The weather?", output: Output.object({ schema }) };
    const { output } = await generateText(wanted);
    expect(schema.parse(output)).toEqual(output);
    const partials: unknown[] = [];
    for await (const partial of streamText(wanted).partialOutputStream) partials.push(partial);
    expect(partials.at(-1)).toEqual(output);
  });

  it("shows a picture, with a system prompt and settings", async () => {
    const { text, finishReason } = await generateText({
      ...settings(),
      instructions: "Be brief.",
      temperature: 0.5,
      stopSequences: ["never"],
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What is this?" },
            { type: "file", mediaType: "image/png", data: pixel },
          ],
        },
      ],
    });
    expect(text).toContain("What is this?");
    expect(finishReason).toBe("stop");
  });

  it("gets reasoning, as far as the provider shows it and the SDK reads it", async () => {
    const reasoner = edges[edge](model.replace("llama3.2", "qwen3"));
    const wanted = { ...settings(), model: reasoner, prompt: "/think 3\n/say so", reasoning: "medium" } as const;
    const { text, reasoningText } = await generateText(wanted);
    expect(text).toBe("so");
    // Google shows thoughts only to those who ask, and OpenAI's chat completions have no place for any, on either side.
    const isShown = !/^(gemini|openai)\//.test(model) && edge !== "@ai-sdk/openai";
    expect(reasoningText).toBe(isShown ? "simulated words follow" : undefined);
  });

  it("learns which failures pass", async () => {
    const failing = async (fault: string) => {
      const faulty = { ...settings(), model: edges[edge](`${model}+fault=${fault}`), prompt: "Hi" };
      const whole = await generateText(faulty).then(
        () => null,
        (error: unknown) => error,
      );
      let streamed: unknown = null;
      for await (const part of streamText({ ...faulty, onError: () => {} }).fullStream)
        if (part.type === "error") streamed = part.error;
      return [whole, streamed].map((error) => APICallError.isInstance(error) && [error.statusCode, error.isRetryable]);
    };
    expect(await failing("400")).toEqual([
      [400, false],
      [400, false],
    ]);
    expect(await failing("429,seconds=7")).toEqual([
      [429, true],
      [429, true],
    ]);
    expect(await failing("404")).toEqual([
      [404, false],
      [404, false],
    ]);
  });

  it("hears that a stream broke off", async () => {
    const cut = {
      ...settings(),
      model: edges[edge](`${model}+fault=cut,after=2`),
      prompt: "/say a b c d",
      onError: () => {},
    };
    const kinds: string[] = [];
    let heard = "";
    for await (const part of streamText(cut).fullStream) {
      kinds.push(part.type);
      if (part.type === "text-delta") heard += part.text;
    }
    expect(heard).toBe("a b");
    expect(kinds).toContain("error");
  });
});

it.each(Object.keys(edges) as Edge[])(
  "Google gets its proofs of calls back from %s, whole and streamed",
  async (edge) => {
    const before = simulator.calls.length;
    const asking = { model: edges[edge](chatModels.gemini), prompt: question, maxRetries: 0, maxOutputTokens: 4_000 };
    const inSteps = { ...asking, tools: { weather }, stopWhen: isStepCount(3) };
    await generateText(inSteps);
    await streamText(inSteps).steps;
    const asked = simulator.calls.slice(before).map(({ body }) => JSON.stringify(body));
    // The second word is the gateway's, for a proof that was lost on the way.
    expect(asked.map((body) => /"thoughtSignature":|skip_thought/.exec(body)?.[0])).toEqual([
      undefined,
      '"thoughtSignature":',
      undefined,
      '"thoughtSignature":',
    ]);
    expect(asked.join()).not.toContain("skip_thought");
  },
);

it.each(["openai/text-embedding-3-small", "gemini/gemini-embedding-001", "ollama/nomic-embed-text"])(
  "Vercel's AI SDK gets embeddings of %s",
  async (model) => {
    for (const embedder of [createOpenAI(place()).embeddingModel(model), compatible().embeddingModel(model)]) {
      const { embeddings, usage } = await embedMany({ model: embedder, values: ["one", "two"], maxRetries: 0 });
      expect(embeddings.map(({ length }) => length > 7)).toEqual([true, true]);
      expect(usage.tokens).toBe(2);
    }
    // Google's answers do not count embedded tokens.
    const { embeddings } = await embedMany({ model: google().embeddingModel(model), values: ["one", "two"] });
    expect(embeddings.map(({ length }) => length > 7)).toEqual([true, true]);
  },
);
