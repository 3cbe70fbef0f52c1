import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatRequestSchema, LossPolicy } from "../../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../../gen/trunkline/v1/message_pb.ts";
import { parseMessagesRequest } from "../../src/dialects/anthropic-messages/parse-request.ts";
import { readJsonBody } from "../../src/dialects/json-body.ts";
import type { ChatCall } from "../../src/domain/chat.ts";
import type { ModelFacts } from "../../src/domain/model-facts.ts";
import { refusableFields } from "../../src/domain/refusable.ts";
import { providerOf } from "../../src/providers/catalog.ts";
import { withoutRefused } from "../../src/providers/refused-fields.ts";
import { parse } from "../dialects/openai-chat/parsing.ts";
import { packageFacts } from "../fakes/facts.ts";

function send(call: ChatCall, provider: string, model: string, facts: ModelFacts) {
  const known = { ...packageFacts(provider, model), ...facts };
  const target = { name: "p/m", instance: "p", provider, model, wire: "exact", facts: known } as const;
  const { body, losses } = withoutRefused(call, target, providerOf(provider).toRequest);
  return { body: JSON.parse(String(body)), losses: losses.map((one) => `${one.field};${one.action}`) };
}

const built = (init: MessageInitShape<typeof ChatRequestSchema>): ChatCall => {
  const messages = [{ role: Role.USER, parts: [{ kind: { case: "text", value: "Hi" } as const }] }];
  return { request: create(ChatRequestSchema, { messages, ...init }), stream: false };
};
const dropping = (...parametersRefused: string[]): ModelFacts => ({ parametersRefused, dropRefused: true });
const models = [
  ["openai", "gpt-4o"],
  ["anthropic", "claude-sonnet-4-5"],
  ["gemini", "gemini-2.5-flash"],
  ["cohere", "command-r"],
  ["ollama", "llama3"],
  ["mistral", "mistral-large-latest"],
] as const;

describe("a setting that the facts of a model say is refused and left out", () => {
  it.each(models)("is not in what %s is sent, and reported", (provider, model) => {
    const call = built({ temperature: 0.3, stop: ["END"] });
    const plain = JSON.stringify(send(call, provider, model, {}).body);
    expect(plain).toContain("0.3");
    expect(plain).toContain("END");
    const { body, losses } = send(call, provider, model, dropping("temperature", "stop", "seed"));
    expect(JSON.stringify(body)).not.toMatch(/0\.3|END/);
    expect(losses).toEqual(["temperature;dropped", "stop;dropped"]);
  });

  it("goes out of the caller's own body too, and the rest of that stays as it was written", () => {
    const { call } = parse(
      '{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":0.30,"n":2,"later":[1.0]}',
    );
    const { body, losses } = send(call, "openai", "gpt-4o", dropping("temperature", "choice_count"));
    expect(body).toEqual({ model: "gpt-4o", messages: [{ role: "user", content: "hi" }], later: [1] });
    expect(losses).toEqual(["temperature;dropped", "choice_count;dropped"]);
  });

  it("goes out of the body of a caller who speaks Messages, under its name there", () => {
    const text =
      '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"stop_sequences":["END"],"top_k":3}';
    const asked = { lossPolicy: LossPolicy.UNSPECIFIED, counting: false, header: () => undefined };
    const { call } = parseMessagesRequest(readJsonBody(new TextEncoder().encode(text)), asked);
    const { body, losses } = send(call, "anthropic", "claude-sonnet-4-5", dropping("stop"));
    expect(body).toMatchObject({ max_tokens: 9, top_k: 3 });
    expect(body).not.toHaveProperty("stop_sequences");
    expect(losses).toEqual(["stop;dropped"]);
  });

  it("refuses the request where the caller wants no losses", () => {
    const call = built({ temperature: 0.3, lossPolicy: LossPolicy.REFUSE });
    expect(() => send(call, "openai", "gpt-4o", dropping("temperature"))).toThrow(
      "temperature: is not taken by gpt-4o",
    );
  });

  it("is sent on in the provider's own dialect where the facts do not say that it is left out", () => {
    const { call } = parse({ temperature: 0.3 });
    const { body, losses } = send(call, "openai", "gpt-4o", { parametersRefused: ["temperature"] });
    expect(body.temperature).toBe(0.3);
    expect(losses).toEqual([]);
  });

  it("may be each of those that can be said to be refused", () => {
    const call = built({
      ...{ temperature: 1, topP: 1, topK: 1, minP: 0.1, frequencyPenalty: 1, presencePenalty: 1, repetitionPenalty: 1 },
      ...{
        seed: 1n,
        logitBias: [{ tokenId: 1, bias: 1 }],
        logprobs: true,
        topLogprobs: 1,
        stop: ["x"],
        choiceCount: 2,
      },
      ...{ parallelToolCalls: true, maxToolCalls: 1, verbosity: "low", serviceTier: "flex", speed: "fast" },
      ...{ mediaResolution: "low", store: true },
    });
    const { body, losses } = send(call, "openai", "gpt-4o", dropping(...refusableFields));
    expect(losses).toEqual(refusableFields.map((field) => `${field};dropped`));
    expect(Object.keys(body)).toEqual(["model", "messages"]);
  });
});

describe("facts in place of what the package knows", () => {
  it("make a model that reasons into one that does not", () => {
    const call = built({ temperature: 0.3, maxOutputTokens: 5 });
    expect(send(call, "openai", "gpt-5", {}).losses).toEqual(["temperature;dropped"]);
    const plain = send(call, "openai", "gpt-5", { reasoning: { style: "none" }, parametersRefused: [] });
    expect(plain.losses).toEqual([]);
    expect(plain.body.temperature).toBe(0.3);
  });

  it("change which efforts and budgets are sent", () => {
    const call = built({ reasoning: { budgetTokens: 20_000 } });
    const budget = (facts: ModelFacts) =>
      send(call, "gemini", "gemini-2.5-flash", facts).body.generationConfig.thinkingConfig.thinkingBudget;
    expect(budget({})).toBe(20_000);
    expect(budget({ reasoning: { style: "budget", maxBudget: 9_000 } })).toBe(9_000);
    const asked = built({ reasoning: { effort: "minimal" } });
    expect(send(asked, "xai", "grok-4.3", {}).body.reasoning_effort).toBe("low");
    expect(send(asked, "xai", "grok-4.3", { efforts: ["high"] }).body.reasoning_effort).toBe("high");
  });

  it("change how Claude is told to think", () => {
    const call = built({ reasoning: { effort: "high" }, maxOutputTokens: 50_000 });
    expect(send(call, "anthropic", "claude-opus-4-7", {}).body.thinking.type).toBe("adaptive");
    const manual = send(call, "anthropic", "claude-opus-4-7", { reasoning: { style: "budget", canStop: true } });
    expect(manual.body.thinking.type).toBe("enabled");
  });

  it("name a new model whose parameters are refused by a server that speaks chat completions", () => {
    const call = built({ temperature: 0.3 });
    const { body, losses } = send(call, "groq", "brand-new", { parametersRefused: ["temperature"] });
    expect(body).not.toHaveProperty("temperature");
    expect(losses).toEqual(["temperature;dropped"]);
  });
});
