import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EmbedRequestSchema } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { providerOf } from "../../../src/providers/catalog.ts";

function read(kind: string, body: object) {
  const page = providerOf(kind).models?.fromResponse({ status: 200, headers: {}, body: JSON.stringify(body) });
  expect(page?.next).toBeNull();
  return Object.fromEntries((page?.models ?? []).map(({ id, facts }) => [id, facts]));
}

describe("a list of models", () => {
  it("of Groq tells windows, and leaves out what is switched off", () => {
    const entry = { object: "model", created: 1, owned_by: "x", context_window: 131_072, max_completion_tokens: 8_192 };
    const data = [
      { id: "a", active: true, ...entry },
      { id: "b", active: false, ...entry },
    ];
    expect(read("groq", { object: "list", data })).toEqual({
      a: { createdAtMs: 1_000, contextWindow: 131_072, maxOutputTokens: 8_192 },
    });
  });

  it("of xAI tells modalities, and prices in cents for a hundred million tokens", () => {
    const model = {
      id: "grok-4",
      input_modalities: ["text", "image"],
      output_modalities: ["text"],
      prompt_text_token_price: 30_000,
      completion_text_token_price: 150_000,
      version: "1.0",
    };
    expect(providerOf("xai").models?.path).toBe("/language-models");
    expect(read("xai", { models: [model] })["grok-4"]).toEqual({
      inputModalities: ["text", "image"],
      outputModalities: ["text"],
      prices: { inputNanoUsd: 3e9, outputNanoUsd: 15e9, version: "xai 1.0" },
    });
  });

  it("of OpenRouter tells windows, modalities, capabilities, and prices in USD for one token", () => {
    const model = {
      id: "anthropic/claude-sonnet-4.5",
      name: "Anthropic: Claude Sonnet 4.5",
      created: 2,
      context_length: 1_000_000,
      architecture: { input_modalities: ["text", "image", "file"], output_modalities: ["text"] },
      pricing: { prompt: "0.000003", completion: "0.000015" },
      top_provider: { max_completion_tokens: 64_000 },
      supported_parameters: ["tools", "reasoning", "structured_outputs", "max_tokens"],
    };
    const router = { id: "openrouter/auto", pricing: { prompt: "-1", completion: "-1" } };
    expect(read("openrouter", { data: [model, router] })).toEqual({
      "anthropic/claude-sonnet-4.5": {
        createdAtMs: 2_000,
        contextWindow: 1_000_000,
        maxOutputTokens: 64_000,
        inputModalities: ["text", "image", "document"],
        outputModalities: ["text"],
        capabilities: ["tools", "json_schema", "reasoning", "streaming"],
        displayName: "Anthropic: Claude Sonnet 4.5",
        prices: { inputNanoUsd: 3e9, outputNanoUsd: 15e9, version: "openrouter list" },
      },
      "openrouter/auto": {},
    });
  });

  it("of Mistral tells windows, capabilities, and when a model goes", () => {
    const capabilities = {
      completion_chat: true,
      function_calling: true,
      reasoning: false,
      vision: true,
      audio: false,
    };
    const model = { id: "m", max_context_length: 131_072, capabilities, deprecation: "2026-12-01T00:00:00Z" };
    expect(read("mistral", { data: [model] }).m).toEqual({
      shutdownAtMs: Date.UTC(2026, 11, 1),
      contextWindow: 131_072,
      capabilities: ["streaming", "json_schema", "tools"],
      inputModalities: ["text", "image"],
    });
  });

  it("of vLLM tells the window that it was started with", () => {
    expect(read("vllm", { data: [{ id: "qwen3", max_model_len: 32_768 }] }).qwen3).toEqual({ contextWindow: 32_768 });
  });
});

describe("embeddings", () => {
  const request = create(EmbedRequestSchema, {
    inputs: [{ kind: { case: "text", value: "a" } }],
    dimensions: 256,
    endUserId: "u",
    providerOptions: { mistral: '{"output_dtype":"int8"}', vllm: '{"truncate_prompt_tokens":10}' },
  });
  const send = (kind: string) => {
    const target = { name: "x", instance: kind, provider: kind, model: "e", wire: "repair", facts: {} } as const;
    const sent = providerOf(kind).embeddings?.toRequest(request, target);
    return { body: JSON.parse(String(sent?.body ?? "")), losses: sent?.losses.map(({ field }) => field) };
  };

  it("go to Mistral by its names, and what it does not take is told", () => {
    const body = { model: "e", input: ["a"], output_dimension: 256, output_dtype: "int8" };
    expect(send("mistral")).toEqual({ body, losses: ["end_user_id"] });
  });

  it("go to vLLM by OpenAI's, with options of its own", () => {
    const body = { model: "e", input: ["a"], dimensions: 256, user: "u", truncate_prompt_tokens: 10 };
    expect(send("vllm")).toEqual({ body, losses: [] });
  });

  it("are not offered where there are none", () => {
    for (const kind of ["xai", "deepseek"]) expect(providerOf(kind).embeddings).toBeUndefined();
  });
});
