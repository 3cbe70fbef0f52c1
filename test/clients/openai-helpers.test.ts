import { join } from "node:path";
import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { pythonEnvironment } from "../tooling/python.ts";
import { repository } from "../tooling/repository.ts";
import { mustRun } from "../tooling/run-tool.ts";
import { chatModels, gatewayBefore } from "./behind.ts";

const key = "a-master-key-of-these-tests";
const { gateway } = await gatewayBefore({ TRUNKLINE_MASTER_KEY: key });
const client = (more = {}) => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0, ...more });

const models = Object.values(chatModels);
const embedders = [
  "openai/text-embedding-3-small",
  "gemini/gemini-embedding-001",
  "mistral/mistral-embed",
  "ollama/nomic-embed-text",
  "cohere/embed-v4.0",
];
const asking = (content: string): OpenAI.ChatCompletionMessageParam[] => [{ role: "user", content }];
const bothCities = asking('/call weather {"city":"Oslo"}\n/call weather {"city":"Zürich"}');
const City = z.object({ city: z.string() });
const Report = z.object({ city: z.string(), degrees: z.number(), sky: z.enum(["clear", "grey"]) });

async function failureOf(promise: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (error instanceof OpenAI.APIError) return error;
  throw error ?? new Error("it was answered");
}

describe.each(models)("the helpers of OpenAI's SDK, through the gateway to %s,", (model) => {
  it("run tools until there is an answer, whole and streamed", async () => {
    const asked: string[] = [];
    const weather = zodFunction({
      name: "weather",
      parameters: City,
      function: ({ city }) => {
        asked.push(city);
        return `It snows in ${city}.`;
      },
    });
    const wanted = { model, messages: bothCities, tools: [weather] };
    const whole = client().chat.completions.runTools(wanted);
    expect(await whole.finalContent()).toMatch(/snows in Oslo.*snows in Zürich/s);
    const told = { stream: true, stream_options: { include_usage: true } } as const;
    const streamed = client().chat.completions.runTools({ ...wanted, ...told });
    expect(await streamed.finalContent()).toMatch(/snows in Oslo.*snows in Zürich/s);
    expect(asked).toEqual(["Oslo", "Zürich", "Oslo", "Zürich"]);
    expect((await streamed.totalUsage()).completion_tokens).toBe((await whole.totalUsage()).completion_tokens);
  });

  it("parse an object and the arguments of calls by their schemas, whole and streamed", async () => {
    const wanted = { model, messages: asking("The weather?"), response_format: zodResponseFormat(Report, "report") };
    const whole = (await client().chat.completions.parse(wanted)).choices[0]?.message.parsed;
    const streamed = (await client().chat.completions.stream(wanted).finalChatCompletion()).choices[0]?.message.parsed;
    for (const report of [whole, streamed]) expect(Report.parse(report)).toEqual(report);
    const tools = [zodFunction({ name: "weather", parameters: City })];
    const called = await client().chat.completions.parse({ model, messages: bothCities, tools });
    const heard = await client().chat.completions.stream({ model, messages: bothCities, tools }).finalChatCompletion();
    for (const { choices } of [called, heard]) {
      const calls = choices[0]?.message.tool_calls?.map((call) => "function" in call && call.function.parsed_arguments);
      expect(calls).toEqual([{ city: "Oslo" }, { city: "Zürich" }]);
      expect(choices[0]?.finish_reason).toBe("tool_calls");
    }
  });

  it("tell what is said as it is said", async () => {
    const stream = client().chat.completions.stream({ model, messages: asking("/say Grüße, 世界 👋") });
    let heard = "";
    const ends: string[] = [];
    stream.on("content", (delta) => (heard += delta));
    stream.on("content.done", ({ content }) => ends.push(content));
    await stream.done();
    expect([heard, ...ends]).toEqual(["Grüße, 世界 👋", "Grüße, 世界 👋"]);
  });

  it.each([
    ["400", OpenAI.BadRequestError],
    ["401", OpenAI.InternalServerError],
    ["404", OpenAI.NotFoundError],
    ["429,seconds=7", OpenAI.RateLimitError],
    ["503", OpenAI.InternalServerError],
  ])("give fault %s a class of its own", async (fault, kind) => {
    const faulty = { model: `${model}+fault=${fault}`, messages: asking("Hi") };
    const whole = await failureOf(client().chat.completions.create(faulty));
    const streamed = await failureOf(client().chat.completions.stream(faulty).finalChatCompletion());
    for (const error of [whole, streamed]) {
      expect(error).toBeInstanceOf(kind);
      expect(error.code).toMatch(/./);
      expect(error.requestID).toMatch(/^req_/);
      if (fault.startsWith("429")) expect(error.headers?.get("retry-after")).toBe("7");
    }
  });

  it("ask again when the provider says so", async () => {
    const heard: string[] = [];
    const listening: typeof fetch = async (...asked) => {
      const answer = await fetch(...asked);
      heard.push(`${answer.status} ${answer.headers.get("retry-after") ?? "done"}`);
      return answer;
    };
    const messages = asking("/say yes");
    const passing = { model: `${model}+fault=429,seconds=0,times=1`, messages };
    const { choices } = await client({ maxRetries: 1, fetch: listening }).chat.completions.create(passing);
    expect(choices[0]?.message.content).toBe("yes");
    expect(heard).toEqual(["429 0", "200 done"]);
  });

  it("name the member that is wrong, and a model that is not there", async () => {
    const messages = asking("Hi");
    const wrong = await failureOf(client().chat.completions.create({ model, messages, temperature: 9 }));
    expect(wrong).toBeInstanceOf(OpenAI.BadRequestError);
    expect(wrong).toMatchObject({ param: "temperature", code: "invalid_value" });
    const unknown = `${model.split("/", 1)}/nobody`;
    const missing = await failureOf(client().chat.completions.create({ model: unknown, messages }));
    expect(missing).toBeInstanceOf(OpenAI.NotFoundError);
    expect(missing.code).toBe("model_not_found");
  });
});

describe("embeddings", () => {
  it.each(embedders)("of %s come as bytes, which the SDK asks for, and as numbers", async (model) => {
    const input = ["one", "two"];
    const bytes = await client().embeddings.create({ model, input });
    const numbers = await client().embeddings.create({ model, input, encoding_format: "float" });
    expect(bytes.data.map(({ index }) => index)).toEqual([0, 1]);
    for (const [i, { embedding }] of bytes.data.entries()) {
      expect(embedding.length).toBeGreaterThan(7);
      const same = numbers.data[i]?.embedding ?? [];
      expect(embedding.map((one, at) => Math.abs(one - (same[at] ?? 9))).every((gap) => gap < 1e-6)).toBe(true);
    }
  });
});

it("a wrong key is an error of authentication", async () => {
  const wrong = await failureOf(client({ apiKey: "wrong" }).models.list());
  expect(wrong).toBeInstanceOf(OpenAI.AuthenticationError);
});

it("the same helpers of OpenAI's package for Python work with each of these models", async () => {
  const python = join(await pythonEnvironment(["openai==3.54.0"]), "bin/python");
  const program = join(repository, "test/clients/python/openai_helpers.py");
  const { stdout } = await mustRun(python, [program, `${gateway.url}/v1`, key, models.join(), embedders.join()]);
  expect(stdout).toBe("all as expected\n");
}, 600_000);
