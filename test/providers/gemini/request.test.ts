import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { type ChatRequest, ChatRequestSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { EmbedRequestSchema } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { scanJson } from "../../../src/dialects/json-scan.ts";
import type { SourceBody } from "../../../src/domain/chat.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import type { ModelFacts } from "../../../src/domain/model-facts.ts";
import type { Target } from "../../../src/domain/target.ts";
import { gemini } from "../../../src/providers/gemini/adapter.ts";
import { packageFacts } from "../../fakes/facts.ts";

const older = "gemini-2.0-flash";
const model = "gemini-2.5-flash";
const newer = "gemini-3-pro-preview";

function targetOf(name: string, facts: ModelFacts = {}): Target {
  const base = { name: `gemini/${name}`, instance: "gemini", provider: "gemini", model: name };
  return { ...base, wire: "exact", facts: { ...packageFacts("gemini", name), ...facts } };
}

type Init = MessageInitShape<typeof ChatRequestSchema>;
const text = (value: string) => ({ kind: { case: "text" as const, value } });
const user = { role: Role.USER, parts: [text("Hi")] };
const request = (init: Init): ChatRequest => create(ChatRequestSchema, { messages: [user], ...init });
const sent = (init: Init, name = model, facts: ModelFacts = {}) => {
  const made = gemini.toRequest({ request: request(init), stream: false }, targetOf(name, facts));
  return { ...made, body: JSON.parse(String(made.body)), lost: made.losses.map(({ field }) => field) };
};
const refusal = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code, field: error.detail.field };
    throw error;
  }
  return null;
};
const fn = { kind: { case: "function" as const, value: { name: "f" } } };
const hosted = (type: string) => ({ kind: { case: "hosted" as const, value: { type } } });
const call = (id: string) => ({ kind: { case: "toolCall" as const, value: { id, name: "f" } } });

describe("a Gemini request", () => {
  it.each([
    ["models/gemini-2.5-flash", "/models/gemini-2.5-flash:generateContent"],
    ["tunedModels/my-model", "/tunedModels/my-model:generateContent"],
    ["odd name?", "/models/odd%20name%3F:generateContent"],
  ])("asks for %s by its path", (name, path) => {
    expect(sent({}, name).path).toBe(path);
  });

  it("of a caller who speaks Gemini keeps its members byte for byte", () => {
    const own = '{"contents":[{"parts": [{"text":"Hi"}]}],"odd":9007199254740993}';
    const source = (body: string): SourceBody => ({
      dialect: "gemini",
      bytes: Buffer.from(body),
      members: scanJson(body).members,
      unknown: ["odd"],
    });
    const patched = (body: string, init: Init = {}) =>
      gemini.toRequest({ request: request(init), stream: true, source: source(body) }, targetOf(model));
    const { body, losses, path } = patched(own);
    expect([String(body), losses]).toEqual([own, []]);
    expect(path).toBe("/models/gemini-2.5-flash:streamGenerateContent?alt=sse");
    const mixed = '{"contents":[],"fallback_models":["x"],"n":1.0}';
    expect(String(patched(mixed).body)).toBe('{"contents":[],"n":1.0}');
  });

  it.each([
    ["contents", '{"contents":[]}'],
    ["generationConfig.temperature", '{"generationConfig":{"temperature":1}}'],
    ["generationConfig.topK", '{"generationConfig":{"topK":1}}'],
  ])("refuses %s among the provider's own options", (field, options) => {
    const act = () => sent({ providerOptions: { gemini: options } });
    expect(refusal(act)).toEqual({ code: "invalid_value", field: `provider_options.gemini.${field}` });
  });

  it("merges the provider's own options member by member, none from both sides", () => {
    const reasoning = { effort: "low" };
    const options = (level: string) => ({
      gemini: `{"generationConfig":{"thinkingConfig":{"${level}":true},"odd":1.0}}`,
    });
    const { body } = sent({ reasoning, providerOptions: options("includeThoughts") });
    expect(body.generationConfig).toEqual({ thinkingConfig: { thinkingBudget: 2048, includeThoughts: true }, odd: 1 });
    expect(refusal(() => sent({ reasoning, providerOptions: options("thinkingBudget") }))?.code).toBe("invalid_value");
  });

  it("refuses what would change what the caller gets", () => {
    const grammar = { kind: { case: "grammar" as const, value: { syntax: "lark", definition: "x" } } };
    expect(refusal(() => sent({ responseFormat: grammar }))?.field).toBe("response_format.grammar");
    expect(refusal(() => sent({ tools: [hosted("nothing")] }))?.field).toBe("tools[0].hosted.type");
    expect(refusal(() => sent({ tools: [fn, hosted("google_search")] }))?.field).toBe("tools");
    expect(sent({ tools: [fn, hosted("google_search")] }, newer).body.toolConfig).toEqual({
      includeServerSideToolInvocations: true,
    });
    const uri = {
      kind: {
        case: "image" as const,
        value: { media: { source: { case: "uri" as const, value: "https://a.example/a.png" } } },
      },
    };
    const messages = [{ role: Role.USER, parts: [uri] }];
    expect(refusal(() => sent({ messages }, older))?.field).toBe("messages[0].parts[0].image.media.uri");
    expect(sent({ messages }).body.contents[0].parts[0].fileData.mimeType).toBe("image/png");
  });

  it("refuses a call that nobody answered, and a result that nobody asked for", () => {
    const asked = { role: Role.ASSISTANT, parts: [call("a")] };
    expect(refusal(() => sent({ messages: [user, asked] }))?.field).toBe("messages[1].parts[0].tool_call");
    const result = { kind: { case: "toolResult" as const, value: { callId: "b", parts: [text("x")] } } };
    const messages = [user, asked, { role: Role.TOOL, parts: [result] }];
    expect(refusal(() => sent({ messages }))?.field).toBe("messages[2].parts[0].tool_result.call_id");
  });

  it("leaves out and reports what a model is known to refuse, too many stops and seeds beyond 32 bits", () => {
    const init = { frequencyPenalty: 1, topLogprobs: 2, seed: 2n ** 40n, stop: ["1", "2", "3", "4", "5", "6"] };
    const { body, lost } = sent(init, model, { parametersRefused: ["frequency_penalty", "logprobs"] });
    expect(lost).toEqual(["frequency_penalty", "seed", "stop", "logprobs"]);
    expect(body.generationConfig).toEqual({ stopSequences: ["1", "2", "3", "4", "5"] });
  });

  it.each([
    [newer, { effort: "none" }, { thinkingLevel: "LOW" }, ["reasoning.effort"]],
    [newer, { effort: "max" }, { thinkingLevel: "HIGH" }, ["reasoning.effort"]],
    [newer, { budgetTokens: -1 }, undefined, []],
    [newer, { budgetTokens: 9_000 }, { thinkingLevel: "LOW" }, ["reasoning.budget_tokens"]],
    ["gemini-3-flash", { effort: "minimal" }, { thinkingLevel: "MINIMAL" }, []],
    ["gemini-flash-latest", { effort: "medium" }, { thinkingLevel: "MEDIUM" }, []],
    ["gemini-2.5-pro", { effort: "none" }, { thinkingBudget: 128 }, ["reasoning.effort"]],
    ["gemini-2.5-pro", { effort: "max" }, { thinkingBudget: 32_768 }, []],
    ["gemini-2.5-flash-lite", { budgetTokens: 100 }, { thinkingBudget: 512 }, ["reasoning.budget_tokens"]],
    [model, { budgetTokens: -1 }, { thinkingBudget: -1 }, []],
    [model, { effort: "none" }, { thinkingBudget: 0 }, []],
    [older, { effort: "none" }, undefined, []],
  ])("%s thinks by level or budget: %o", (name, reasoning, config, lost) => {
    const made = sent({ reasoning }, name);
    expect(made.body.generationConfig?.thinkingConfig).toEqual(config);
    expect(made.lost).toEqual(lost);
  });

  it("refuses an effort that nobody knows", () => {
    for (const name of [model, newer]) {
      expect(refusal(() => sent({ reasoning: { effort: "odd" } }, name))?.field).toBe("reasoning.effort");
    }
  });

  it("counts instructions and tools with the prompt", () => {
    const made = gemini.countTokens?.toRequest({ request: request({ tools: [fn] }), stream: false }, targetOf(model));
    expect(JSON.parse(String(made?.body))).toMatchObject({
      generateContentRequest: { model: "models/gemini-2.5-flash", tools: [{ functionDeclarations: [{ name: "f" }] }] },
    });
  });
});

describe("Gemini's embeddings", () => {
  const embed = (init: MessageInitShape<typeof EmbedRequestSchema>) =>
    gemini.embeddings?.toRequest(create(EmbedRequestSchema, init), targetOf("gemini-embedding-001"));

  it("are asked for in one batch, with what they are for", () => {
    const inputs = [{ kind: { case: "text" as const, value: "a" } }];
    const made = embed({
      inputs,
      inputType: "search_document",
      title: "T",
      dimensions: 8,
      truncate: "start",
      endUserId: "u",
    });
    const one = {
      model: "models/gemini-embedding-001",
      content: { parts: [{ text: "a" }] },
      taskType: "RETRIEVAL_DOCUMENT",
    };
    expect(JSON.parse(String(made?.body))).toEqual({ requests: [{ ...one, title: "T", outputDimensionality: 8 }] });
    expect(made?.path).toBe("/models/gemini-embedding-001:batchEmbedContents");
    expect(made?.losses.map(({ field }) => field)).toEqual(["truncate", "end_user_id"]);
  });

  it("take no tokens", () => {
    const inputs = [{ kind: { case: "tokens" as const, value: { ids: [1] } } }];
    expect(refusal(() => embed({ inputs }))).toEqual({ code: "invalid_value", field: "inputs[0].tokens" });
  });
});

describe("Gemini's models", () => {
  const page = (body: object) => gemini.models?.fromResponse({ status: 200, headers: {}, body: JSON.stringify(body) });

  it("are listed without their collection, and only those that are served", () => {
    const listed = page({
      models: [
        {
          name: "models/gemini-2.5-flash",
          inputTokenLimit: 5,
          outputTokenLimit: 6,
          supportedGenerationMethods: ["generateContent"],
          thinking: true,
        },
        { name: "models/imagen-4", supportedGenerationMethods: ["predict"] },
        { name: "models/gemini-embedding-001", supportedGenerationMethods: ["embedContent"] },
      ],
      nextPageToken: "a b",
    });
    expect(listed?.models.map(({ id }) => id)).toEqual(["gemini-2.5-flash", "gemini-embedding-001"]);
    const flash = listed?.models[0]?.facts ?? {};
    expect(gemini.models?.merge?.(packageFacts("gemini", "gemini-2.5-flash"), flash)).toMatchObject({
      contextWindow: 5,
      maxOutputTokens: 6,
      prices: { inputNanoUsd: 300_000_000 },
    });
    expect(listed?.next).toBe("/models?pageSize=1000&pageToken=a%20b");
    expect(page({})?.next).toBeNull();
    expect(() => page({ models: 5 })).toThrow(GatewayError);
  });
});
