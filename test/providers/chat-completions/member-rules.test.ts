import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatRequestSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../../../gen/trunkline/v1/message_pb.ts";
import type { ChatCall } from "../../../src/domain/chat.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import type { Target } from "../../../src/domain/target.ts";
import { providerOf } from "../../../src/providers/catalog.ts";
import { parse } from "../../dialects/openai-chat/parsing.ts";
import { packageFacts } from "../../fakes/facts.ts";

function targetOf(provider: string, model: string): Target {
  const facts = packageFacts(provider, model);
  return { name: `${provider}/${model}`, instance: provider, provider, model, wire: "repair", facts };
}

function send(call: ChatCall, provider: string, model: string) {
  const { body, losses } = providerOf(provider).toRequest(call, targetOf(provider, model));
  const text = String(body ?? "");
  return { text, body: JSON.parse(text), losses: losses.map((one) => `${one.field};${one.action}`) };
}

const built = (request: MessageInitShape<typeof ChatRequestSchema>): ChatCall => ({
  request: create(ChatRequestSchema, {
    messages: [{ role: Role.USER, parts: [{ kind: { case: "text", value: "Hi" } }] }],
    ...request,
  }),
  stream: false,
});

const parsing = (body: string | Record<string, unknown>) => parse(body).call;
const messages = [{ role: "user", content: "Hi" }];

describe("a value beyond what a server takes", () => {
  it("is sent as the most it takes, and reported", () => {
    const mistral = send(built({ temperature: 1.9 }), "mistral", "mistral-large-latest");
    expect(mistral.body.temperature).toBe(1.5);
    expect(mistral.losses).toEqual(["temperature;approximated"]);
    const xai = send(built({ topLogprobs: 20 }), "xai", "grok-4");
    expect(xai.body).toMatchObject({ logprobs: true, top_logprobs: 8 });
    expect(xai.losses).toEqual(["top_logprobs;approximated"]);
  });

  it("stays as it is where it is within", () => {
    expect(send(built({ temperature: 1.5 }), "mistral", "mistral-large-latest").losses).toEqual([]);
  });
});

describe("a member that has one value only", () => {
  it("is refused by its name in the contract", () => {
    const refused = () => send(built({ choiceCount: 2 }), "groq", "llama-3.3-70b-versatile");
    expect(refused).toThrow(GatewayError);
    expect(refused).toThrow("choice_count must be 1");
  });

  it("goes through from a caller of the same dialect, who hears it from the server", () => {
    expect(send(parsing({ messages, n: 2 }), "groq", "llama-3.3-70b-versatile").body.n).toBe(2);
  });
});

describe("a caller's own body", () => {
  it("keeps what it holds byte for byte, but for what the table names", () => {
    const text =
      '{"model":"x","messages":[{"role":"user","content":"Hi"}],"seed":9007199254740993,"temperature":1.0,"odd":[1,  2]}';
    const { text: groq } = send(parsing(text), "groq", "llama-3.3-70b-versatile");
    expect(groq).toContain(
      '"messages":[{"role":"user","content":"Hi"}],"seed":9007199254740993,"temperature":1.0,"odd":[1,  2]',
    );
    const { text: mistral } = send(parsing(text), "mistral", "mistral-large-latest");
    expect(mistral).toContain('"random_seed":9007199254740993');
    expect(mistral).not.toContain('"seed"');
  });

  it("loses a default that means nothing without a word", () => {
    const { body, losses } = send(
      parsing({ messages, store: false, logprobs: false }),
      "groq",
      "llama-3.3-70b-versatile",
    );
    expect(body).not.toHaveProperty("store");
    expect(losses).toEqual([]);
  });

  it("says how much to think in the server's words, whichever the caller used", () => {
    const off = parsing({ messages, thinking: { type: "disabled" } });
    expect(send(off, "vllm", "qwen3").body).toMatchObject({ chat_template_kwargs: { enable_thinking: false } });
    expect(send(off, "deepseek", "deepseek-v4").body.thinking).toEqual({ type: "disabled" });
    expect(send(off, "openrouter", "a/b").body).toMatchObject({ reasoning: { effort: "none" } });
    expect(send(off, "mistral", "magistral-medium-latest").body).toMatchObject({ reasoning_effort: "none" });
    const object = parsing({ messages, reasoning: { effort: "high", exclude: true, odd: 1 } });
    expect(send(object, "openrouter", "a/b").body.reasoning).toEqual({ effort: "high", exclude: true, odd: 1 });
  });

  it("is not told to reason by a word that the model refuses, and the caller hears of it", () => {
    const { body, losses } = send(parsing({ messages, reasoning_effort: "none" }), "xai", "grok-4.5");
    expect(body).not.toHaveProperty("reasoning_effort");
    expect(losses).toEqual(["reasoning.effort;dropped"]);
  });

  it("has a schema put into the prompt for DeepSeek, which knows JSON only", () => {
    const schema = { type: "object", properties: { city: { type: "string" } } };
    const call = parsing({ messages, response_format: { type: "json_schema", json_schema: { name: "c", schema } } });
    const { body, losses } = send(call, "deepseek", "deepseek-chat");
    expect(body.response_format).toEqual({ type: "json_object" });
    expect(body.messages[0].content).toContain(JSON.stringify(schema));
    expect(losses).toEqual(["response_format.json_schema;approximated"]);
  });
});

describe("options for one provider", () => {
  it("come last and as they are, and never to another", () => {
    const call = built({
      providerOptions: { groq: '{"reasoning_format":"raw"}', xai: '{"search_parameters":{"mode":"on"}}' },
    });
    expect(send(call, "groq", "qwen/qwen3-32b").body.reasoning_format).toBe("raw");
    expect(send(call, "xai", "grok-4").body).toMatchObject({ search_parameters: { mode: "on" } });
    expect(send(call, "xai", "grok-4").text).not.toContain("reasoning_format");
  });

  it("ask Groq's Qwen for its thoughts apart from its answer, unless they say otherwise", () => {
    expect(send(built({}), "groq", "qwen/qwen3-32b").body.reasoning_format).toBe("parsed");
    expect(send(built({}), "groq", "openai/gpt-oss-120b").body).not.toHaveProperty("reasoning_format");
  });
});
