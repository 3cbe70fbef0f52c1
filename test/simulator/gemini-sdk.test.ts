import {
  ApiError,
  type Content,
  FunctionCallingConfigMode,
  type GenerateContentParameters,
  type GenerateContentResponse,
  GoogleGenAI,
  Modality,
  ThinkingLevel,
  Type,
} from "@google/genai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningSimulator, startSimulator } from "../../src/simulator/simulator.ts";

const weather = {
  name: "weather",
  parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ["city"] },
};

describe("Google's SDK at the simulator", () => {
  let simulator: RunningSimulator;
  let client: GoogleGenAI;

  const clientWith = (apiKey: string) =>
    new GoogleGenAI({ apiKey, httpOptions: { baseUrl: `${simulator.url}/gemini` } });

  beforeAll(async () => {
    simulator = await startSimulator({ requireKey: true });
    client = clientWith("any");
  });
  afterAll(() => simulator.close());

  const ask = (text: string, config: GenerateContentParameters["config"] = {}): GenerateContentParameters => ({
    model: "gemini-echo",
    contents: text,
    config,
  });
  const streamed = async (request: GenerateContentParameters) => {
    const chunks: GenerateContentResponse[] = [];
    for await (const chunk of await client.models.generateContentStream(request)) chunks.push(chunk);
    return chunks;
  };

  it("gets an answer that says that it is simulated", async () => {
    const answer = await client.models.generateContent(ask("Hello?"));
    expect(answer.text).toBe("This answer is simulated. You said: Hello?");
    expect(answer.candidates?.[0]).toMatchObject({ finishReason: "STOP", index: 0, content: { role: "model" } });
    expect(answer.responseId).toMatch(/^simulated-/);
    const { promptTokenCount, candidatesTokenCount, totalTokenCount } = answer.usageMetadata ?? {};
    expect(totalTokenCount).toBe(Number(promptTokenCount) + Number(candidatesTokenCount));
  });

  it("gets the same answer streamed, with counts that grow", async () => {
    const chunks = await streamed(ask("/say Grüße, 世界 👋"));
    expect(chunks.map((chunk) => chunk.text ?? "").join("")).toBe("Grüße, 世界 👋");
    const counts = chunks.map(({ usageMetadata }) => usageMetadata?.candidatesTokenCount ?? 0);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(chunks.at(-1)?.candidates?.[0]?.finishReason).toBe("STOP");
    expect(chunks.slice(0, -1).some((chunk) => chunk.candidates?.[0]?.finishReason)).toBe(false);
  });

  it("asks by the version of the API that it is given, and by its own", async () => {
    const beta = new GoogleGenAI({
      apiKey: "any",
      httpOptions: { baseUrl: `${simulator.url}/gemini`, apiVersion: "v1beta" },
    });
    await beta.models.generateContent(ask("Hello?"));
    expect(simulator.calls.at(-1)?.path).toBe("/v1beta/models/gemini-echo:generateContent");
    await client.models.generateContent(ask("Hello?"));
    expect(simulator.calls.at(-1)?.path).toBe("/v1/models/gemini-echo:generateContent");
  });

  it("calls tools with ids and a signature, which is checked when it comes back", async () => {
    const tools = [{ functionDeclarations: [weather] }];
    const first = await client.models.generateContent(ask("/call weather\n/call weather", { tools }));
    expect(first.functionCalls).toHaveLength(2);
    expect(new Set(first.functionCalls?.map(({ id }) => id)).size).toBe(2);
    const said = first.candidates?.[0]?.content as Content;
    expect(said.parts?.map((part) => part.thoughtSignature !== undefined)).toEqual([true, false]);
    const results = (first.functionCalls ?? []).map(({ id, name }) => ({
      functionResponse: { ...(id && { id }), ...(name && { name }), response: { output: "sunny" } },
    }));
    const next = (content: Content): GenerateContentParameters => ({
      model: "gemini-echo",
      contents: [{ role: "user", parts: [{ text: "Weather?" }] }, content, { role: "user", parts: results }],
      config: { tools },
    });
    const second = await client.models.generateContent(next(said));
    expect(second.text).toContain("sunny; sunny");

    const signedWith = (thoughtSignature: string | undefined): Content => ({
      role: "model",
      parts: (said.parts ?? []).map(({ thoughtSignature: _, ...part }, i) =>
        i === 0 && thoughtSignature !== undefined ? { ...part, thoughtSignature } : part,
      ),
    });
    await expect(client.models.generateContent(next(signedWith("Zm9yZ2Vk")))).rejects.toThrow(/signature is not valid/);
    await expect(client.models.generateContent(next(signedWith(undefined)))).rejects.toThrow(
      /missing a thought_signature/,
    );
    const skipped = next(signedWith("skip_thought_signature_validator"));
    expect((await client.models.generateContent(skipped)).text).toContain("sunny");
    const short = {
      ...next(said),
      contents: [{ role: "user", parts: [{ text: "?" }] }, said, { role: "user", parts: results.slice(1) }],
    };
    await expect(client.models.generateContent(short)).rejects.toThrow(/number of function response parts/);
  });

  it("thinks, and shows its thoughts when asked to", async () => {
    const thinkingConfig = { thinkingLevel: ThinkingLevel.LOW, includeThoughts: true };
    const answer = await client.models.generateContent(ask("/say Hi", { thinkingConfig }));
    expect(answer.candidates?.[0]?.content?.parts?.map(({ thought }) => thought === true)).toEqual([true, false]);
    expect(answer.text).toBe("Hi");
    const { promptTokenCount, candidatesTokenCount, thoughtsTokenCount, totalTokenCount } = answer.usageMetadata ?? {};
    expect(totalTokenCount).toBe(Number(promptTokenCount) + Number(candidatesTokenCount) + Number(thoughtsTokenCount));
    const older = { ...ask("Hi", { thinkingConfig }), model: "gemini-2.5-flash" };
    await expect(client.models.generateContent(older)).rejects.toThrow(/Thinking level is not supported/);
  });

  it("shapes JSON, stops, tells likelihoods and gives several candidates", async () => {
    const schema = { type: "object", properties: { a: { type: "integer" } }, required: ["a"] };
    const shaped = await client.models.generateContent(
      ask("?", { responseMimeType: "application/json", responseJsonSchema: schema }),
    );
    expect(JSON.parse(shaped.text ?? "")).toEqual({ a: 7 });
    const stopped = await client.models.generateContent(ask("/say one two three", { stopSequences: ["two"] }));
    expect(stopped.text).toBe("one ");
    const told = await client.models.generateContent(
      ask("/say one two", { responseLogprobs: true, logprobs: 2, candidateCount: 2 }),
    );
    expect(told.candidates?.map(({ index }) => index)).toEqual([0, 1]);
    expect(told.candidates?.[0]?.logprobsResult?.topCandidates?.[0]?.candidates).toHaveLength(2);
    const cut = await client.models.generateContent(ask("/words 50", { maxOutputTokens: 5 }));
    expect(cut.candidates?.[0]?.finishReason).toBe("MAX_TOKENS");
    const refused = await client.models.generateContent(ask("/refuse No."));
    expect(refused.candidates?.[0]).toMatchObject({ finishReason: "SAFETY", safetyRatings: [{ blocked: true }] });
  });

  it("draws and speaks where that is asked for", async () => {
    const drawn = await client.models.generateContent(
      ask("A dot", { responseModalities: [Modality.TEXT, Modality.IMAGE] }),
    );
    expect(drawn.candidates?.[0]?.content?.parts?.at(-1)?.inlineData?.mimeType).toBe("image/png");
    const spoken = await client.models.generateContent(ask("Hi", { responseModalities: [Modality.AUDIO] }));
    expect(spoken.data?.length).toBeGreaterThan(1_000);
  });

  it("counts, embeds and lists by pages", async () => {
    expect((await client.models.countTokens({ model: "gemini-echo", contents: "one two" })).totalTokens).toBe(4);
    const { embeddings } = await client.models.embedContent({
      model: "gemini-embedding-echo",
      contents: ["a cat", "a cat sat"],
      config: { outputDimensionality: 64, taskType: "RETRIEVAL_QUERY" },
    });
    expect(embeddings?.map(({ values }) => values?.length)).toEqual([64, 64]);
    const names: unknown[] = [];
    for await (const model of await client.models.list({ config: { pageSize: 1 } })) names.push(model.name);
    expect(names).toEqual(["models/gemini-echo", "models/gemini-reasoner", "models/gemini-embedding-echo"]);
    expect((await client.models.get({ model: "gemini-reasoner" })).thinking).toBe(true);
  });

  it.each([
    [
      "a name that it does not know",
      { generationConfig: { odd: 1 }, contents: [{ parts: [{ text: "x" }] }] },
      'Unknown name "odd"',
    ],
    ["no contents", { contents: [] }, "contents is not specified"],
    ["a part with nothing in it", { contents: [{ parts: [{}] }] }, "required oneof field 'data'"],
    ["a role that it does not know", { contents: [{ role: "assistant", parts: [{ text: "x" }] }] }, "valid role"],
    [
      "JSON Schema where it wants its own",
      {
        contents: [{ parts: [{ text: "x" }] }],
        tools: [{ functionDeclarations: [{ name: "f", parameters: { type: "object", additionalProperties: false } }] }],
      },
      'Unknown name "additionalProperties"',
    ],
  ])("refuses %s, as Google does", async (_, body, message) => {
    const response = await fetch(`${simulator.url}/gemini/v1beta/models/gemini-echo:generateContent`, {
      method: "POST",
      headers: { "x-goog-api-key": "any", "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { status: string; message: string } };
    expect(error).toMatchObject({ code: 400, status: "INVALID_ARGUMENT" });
    expect(error.message).toContain(message);
  });

  it("refuses keys, models, choices and faults that Google would refuse", async () => {
    const failure = async (request: GenerateContentParameters, by = client) => {
      const thrown: unknown = await by.models.generateContent(request).catch((error: unknown) => error);
      if (!(thrown instanceof ApiError)) throw thrown;
      return { status: thrown.status, error: JSON.parse(thrown.message).error };
    };
    const wrongKey = await failure(ask("Hi"), clientWith("invalid"));
    expect(wrongKey.status).toBe(400);
    expect(wrongKey.error.details[0].reason).toBe("API_KEY_INVALID");
    expect(await failure({ ...ask("Hi"), model: "nobody" })).toMatchObject({
      status: 404,
      error: { status: "NOT_FOUND" },
    });
    const limited = await failure({ ...ask("Hi"), model: "gemini-echo+fault=429,seconds=7" });
    expect(limited.error.details.at(-1)).toMatchObject({ retryDelay: "7s" });
    const functionCallingConfig = { mode: FunctionCallingConfigMode.ANY, allowedFunctionNames: ["other"] };
    const tools = [{ functionDeclarations: [weather] }];
    const choice = await failure(ask("Hi", { tools, toolConfig: { functionCallingConfig } }));
    expect(choice.error.message).toContain("other");
  });

  it("streams a list where no events are asked for", async () => {
    const response = await fetch(`${simulator.url}/gemini/v1beta/models/gemini-echo:streamGenerateContent`, {
      method: "POST",
      headers: { "x-goog-api-key": "any", "content-type": "application/json" },
      body: JSON.stringify({ contents: [{ parts: [{ text: "/say a b" }] }] }),
    });
    const list = (await response.json()) as { candidates: { finishReason?: string }[] }[];
    expect(list.length).toBeGreaterThan(1);
    expect(list.at(-1)?.candidates[0]?.finishReason).toBe("STOP");
  });
});
