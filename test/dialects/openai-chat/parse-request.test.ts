import { describe, expect, it } from "vitest";
import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { hi, parse, refusalOf, requestOf } from "./parsing.ts";

it.each([
  { max_tokens: 9, max_completion_tokens: 7 },
  { max_completion_tokens: 7, max_tokens: 9 },
])("of %j the newer name counts, and the other is told of", (bounds) => {
  const { request, source } = parse(bounds).call;
  expect([request.maxOutputTokens, source?.unknown]).toEqual([7, ["max_tokens"]]);
});

describe("settings", () => {
  it.each([
    [{ temperature: 0 }, { temperature: 0 }],
    [
      { top_p: 1, top_k: 0, min_p: 0.1 },
      { topP: 1, topK: 0, minP: 0.1 },
    ],
    [
      { frequency_penalty: -2, presence_penalty: 2, repetition_penalty: 1.1 },
      { frequencyPenalty: -2, presencePenalty: 2, repetitionPenalty: 1.1 },
    ],
    [{ max_completion_tokens: 7 }, { maxOutputTokens: 7 }],
    [{ max_tokens: 9 }, { maxOutputTokens: 9 }],
    [
      { n: 2, stop: "x" },
      { choiceCount: 2, stop: ["x"] },
    ],
    [{ stop: ["x", "y"] }, { stop: ["x", "y"] }],
    [{ seed: -5 }, { seed: -5n }],
    [
      { logprobs: true, top_logprobs: 0 },
      { logprobs: true, topLogprobs: 0 },
    ],
    [{ user: "u" }, { endUserId: "u" }],
    [{ safety_identifier: "s", user: "u" }, { endUserId: "s" }],
    [{ user: "" }, { model: "m" }],
    [
      { verbosity: "low", service_tier: "flex", speed: "fast" },
      { verbosity: "low", serviceTier: "flex", speed: "fast" },
    ],
    [
      { store: false, metadata: { a: "" } },
      { store: false, metadata: { a: "" } },
    ],
    [{ reasoning_effort: "high" }, { reasoning: { effort: "high" } }],
    [{ reasoning: { max_tokens: 100, exclude: true } }, { reasoning: { budgetTokens: 100, includeText: false } }],
    [{ reasoning: { enabled: false } }, { reasoning: { effort: "none" } }],
    [{ thinking: { type: "enabled", budget_tokens: 2048 } }, { reasoning: { budgetTokens: 2048 } }],
    [{ thinking: { type: "adaptive" } }, { reasoning: { budgetTokens: -1 } }],
    [{ thinking: { type: "disabled" } }, { reasoning: { effort: "none" } }],
    [{ prompt_cache_key: "k", prompt_cache_retention: "24h" }, { cache: { key: "k", ttl: { seconds: 86_400n } } }],
    [
      { prompt_cache_options: { mode: "explicit", ttl: "30m" } },
      { cache: { mode: "explicit", ttl: { seconds: 1_800n } } },
    ],
    [
      { modalities: ["text", "audio"], audio: { format: "mp3", voice: "v" } },
      { output: { modalities: ["text", "audio"], audio: { format: "mp3", voice: "v" } } },
    ],
    [{ audio: { format: "wav", voice: { id: "v1" } } }, { output: { audio: { voice: "v1" } } }],
    [{ prediction: { type: "content", content: "p" } }, { prediction: { parts: [{ kind: { value: "p" } }] } }],
    [
      { moderation: { model: "mod", policy: { input: { mode: "block" } } } },
      { moderation: { model: "mod", input: "block" } },
    ],
    [{ logit_bias: { "50256": -100 } }, { logitBias: [{ tokenId: 50_256, bias: -100 }] }],
    [
      { parallel_tool_calls: false, max_tool_calls: 3 },
      { parallelToolCalls: false, maxToolCalls: 3 },
    ],
    [{ fallback_models: ["b"] }, { fallbackModels: ["b"] }],
    [
      {
        web_search_options: {
          search_context_size: "low",
          user_location: { type: "approximate", approximate: { city: "Bonn" } },
        },
      },
      { webSearch: { contextSize: "low", userLocation: { city: "Bonn" } } },
    ],
  ])("%j", (body, expected) => {
    const parsed = parse(body);
    expect(parsed.call.request).toMatchObject(expected);
    expect(parsed.call.source?.unknown).toEqual([]);
  });

  it("an adaptive thinking beside an effort is that effort", () => {
    const { reasoning } = requestOf({ thinking: { type: "adaptive" }, reasoning_effort: "low" });
    expect(reasoning?.effort).toBe("low");
    expect(reasoning?.budgetTokens).toBeUndefined();
  });

  it("null means not set, everywhere", () => {
    const names = ["temperature", "stop", "tools", "tool_choice", "response_format", "metadata", "seed", "stream", "n"];
    const parsed = parse(Object.fromEntries(names.map((name) => [name, null])));
    expect(parsed.call.request).toEqual(requestOf({}));
    expect(parsed.call.stream).toBe(false);
  });

  it("seeds keep all 64 bits", () => {
    const body = (seed: string) => `{"model":"m","messages":[{"role":"user","content":"x"}],"seed":${seed}}`;
    expect(requestOf(body("9007199254740993")).seed).toBe(9_007_199_254_740_993n);
    expect(requestOf(body("-9223372036854775808")).seed).toBe(-9_223_372_036_854_775_808n);
    expect(refusalOf(body("9223372036854775808")).detail.param).toBe("seed");
  });

  it("provider options and schemas keep their text", () => {
    const options = '{"anthropic": {"z": 9007199254740993, "1": 1.0}}';
    const schema = '{"type": "object", "properties": {"b": {"const": 9007199254740993}, "1": {}}}';
    const request = requestOf(
      `{"model":"m","messages":[{"role":"user","content":"x"}],"provider_options":${options},` +
        `"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":${schema},"strict":true}}}`,
    );
    expect(request.providerOptions).toEqual({ anthropic: '{"z": 9007199254740993, "1": 1.0}' });
    expect(request.responseFormat?.kind).toMatchObject({
      case: "jsonSchema",
      value: { name: "n", schema, strict: true },
    });
  });

  it("metadata named __proto__ is a pair like any other", () => {
    const { metadata } = requestOf(
      '{"model":"m","messages":[{"role":"user","content":"x"}],"metadata":{"__proto__":"p"}}',
    );
    expect(Object.keys(metadata)).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>).p).toBeUndefined();
  });
});

describe("streams", () => {
  it("usage is included only when asked for", () => {
    expect(parse({ stream: true })).toMatchObject({ call: { stream: true }, includeUsage: false });
    expect(parse({ stream: true, stream_options: { include_usage: true, include_obfuscation: false } })).toMatchObject({
      includeUsage: true,
    });
  });

  it("stream_options without a stream are refused", () => {
    expect(refusalOf({ stream_options: { include_usage: true } }).detail.param).toBe("stream_options");
  });
});

describe("refusals", () => {
  it.each<[Record<string, unknown>, string, string]>([
    [{ model: "" }, "model", "model"],
    [{ model: 5 }, "model", "model"],
    [{ model: "x".repeat(257) }, "model", "model"],
    [{ messages: [] }, "messages", "messages"],
    [{ messages: "hi" }, "messages", "messages"],
    [{ messages: ["hi"] }, "messages[0]", "messages[0]"],
    [{ temperature: 2.1 }, "temperature", "temperature"],
    [{ temperature: "1" }, "temperature", "temperature"],
    [{ n: 0 }, "n", "choice_count"],
    [{ n: 129 }, "n", "choice_count"],
    [{ n: 1.5 }, "n", "choice_count"],
    [{ max_tokens: -1 }, "max_tokens", "max_output_tokens"],
    [{ max_completion_tokens: 2 ** 31 }, "max_completion_tokens", "max_output_tokens"],
    [{ repetition_penalty: 0 }, "repetition_penalty", "repetition_penalty"],
    [{ top_logprobs: 21 }, "top_logprobs", "top_logprobs"],
    [{ stop: [""] }, "stop[0]", "stop[0]"],
    [{ stop: Array.from({ length: 17 }, () => "x") }, "stop", "stop"],
    [{ stop: ["x".repeat(257)] }, "stop[0]", "stop[0]"],
    [{ seed: 1.5 }, "seed", "seed"],
    [{ logit_bias: { "-1": 0 } }, "logit_bias.-1", "logit_bias.-1"],
    [{ logit_bias: { "5": 101 } }, "logit_bias.5", "logit_bias.5"],
    [{ stream: "true" }, "stream", "stream"],
    [{ metadata: { a: 1 } }, "metadata.a", "metadata.a"],
    [{ metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [i, ""])) }, "metadata", "metadata"],
    [{ reasoning_effort: "high", thinking: { type: "enabled", budget_tokens: 5 } }, "thinking", "reasoning"],
    [{ thinking: { type: "on" } }, "thinking.type", "reasoning"],
    [{ prompt_cache_options: { ttl: "25h" } }, "prompt_cache_options.ttl", "cache.ttl"],
    [{ prompt_cache_retention: "1w" }, "prompt_cache_retention", "cache.ttl"],
    [{ provider_options: { x: 1 } }, "provider_options.x", "provider_options.x"],
    [{ response_format: { type: "xml" } }, "response_format.type", "response_format"],
    [
      { response_format: { type: "json_schema", json_schema: { name: "n", schema: [] } } },
      "response_format.json_schema.schema",
      "response_format.json_schema.schema",
    ],
    [{ audio: { format: "mp3" } }, "audio.voice", "output.audio.voice"],
    [{ prediction: { type: "content", content: [] } }, "prediction.content", "prediction.parts"],
  ])("%j is refused at %s", (body, param, field) => {
    const error = refusalOf(body);
    expect(error.code).toBe("invalid_value");
    expect(error.detail).toMatchObject({ param, field });
    expect(error.message.startsWith(param)).toBe(true);
  });
});

describe("what the dialect does not know", () => {
  it("is listed with its path, and the caller's text is kept for a provider of the same dialect", () => {
    const body = {
      model: "m",
      enable_search: true,
      stream_options: { foo: 1 },
      stream: true,
      messages: [
        { ...hi, bar: 1 },
        { role: "user", content: [{ type: "text", text: "t", baz: 1 }] },
      ],
      tools: [{ type: "function", function: { name: "f", qux: 1 }, quux: 2 }],
      ignored: null,
    };
    const { source } = parse(JSON.stringify(body)).call;
    expect(source?.unknown).toEqual([
      "enable_search",
      "stream_options.foo",
      "messages[0].bar",
      "messages[1].content[0].baz",
      "tools[0].quux",
      "tools[0].function.qux",
    ]);
    expect(source?.dialect).toBe("openai-chat");
    expect(String(source?.bytes)).toBe(JSON.stringify(body));
    expect(source?.members.has("enable_search")).toBe(true);
  });

  it("includes __proto__ and constructor, which pollute nothing", () => {
    const text =
      '{"model":"m","__proto__":{"x":1},"constructor":{"prototype":{"x":1}},' +
      '"messages":[{"role":"user","content":"x","__proto__":{"role":"system"}}]}';
    const { call } = parse(text);
    expect(call.source?.unknown).toEqual(["__proto__", "constructor", "messages[0].__proto__"]);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it("the loss policy is the edge's to say", () => {
    expect(parse({}, LossPolicy.REFUSE).call.request.lossPolicy).toBe(LossPolicy.REFUSE);
  });
});
