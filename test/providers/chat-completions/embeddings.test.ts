import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { type EmbedInputSchema, EmbedRequestSchema } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import type { Target } from "../../../src/domain/target.ts";
import { fromEmbedResponse, toEmbedRequest } from "../../../src/providers/chat-completions/embeddings.ts";

const target: Target = {
  name: "openai/text-embedding-3-small",
  instance: "openai",
  provider: "openai",
  model: "text-embedding-3-small",
  wire: "exact",
  facts: {},
};
const text = (value: string) => ({ kind: { case: "text", value } }) as const;
const content = { kind: { case: "content", value: {} } } as const;
const tokens = (...ids: number[]) => ({ kind: { case: "tokens", value: { ids } } }) as const;

function encode(request: MessageInitShape<typeof EmbedRequestSchema>, wire: Target["wire"] = "exact") {
  const sent = toEmbedRequest(create(EmbedRequestSchema, { model: "alias", ...request }), { ...target, wire });
  return { ...sent, body: JSON.parse(String(sent.body)) };
}

function decode(data: unknown, more: object = {}) {
  return fromEmbedResponse({ status: 200, headers: {}, body: JSON.stringify({ object: "list", data, ...more }) });
}

describe("a request for embeddings", () => {
  it("has the target's model, all inputs as texts, and asks OpenAI for base64", () => {
    expect(encode({ inputs: [text("a"), text("b")], dimensions: 8, endUserId: "u" })).toMatchObject({
      path: "/embeddings",
      body: {
        model: "text-embedding-3-small",
        input: ["a", "b"],
        encoding_format: "base64",
        dimensions: 8,
        user: "u",
      },
      losses: [],
    });
  });

  it("edge case 146: names no encoding to servers that may not know the word, and sends no nulls", () => {
    expect(encode({ inputs: [text("a")] }, "repair").body).toEqual({ model: "text-embedding-3-small", input: ["a"] });
  });

  it("carries tokens as they are", () => {
    expect(encode({ inputs: [tokens(1, 2), tokens(3)] }).body.input).toEqual([[1, 2], [3]]);
  });

  it.each<[string, MessageInitShape<typeof EmbedInputSchema>[], string]>([
    ["of two kinds", [text("a"), tokens(1)], "inputs[1]"],
    ["of mixed content", [content], "inputs[0].content"],
  ])("refuses inputs %s", (_, inputs, field) => {
    expect(() => encode({ inputs })).toThrow(
      expect.objectContaining({ code: "invalid_value", detail: expect.objectContaining({ field }) }),
    );
  });

  it("tells what OpenAI has no place for", () => {
    const { losses } = encode({ inputs: [text("a")], inputType: "search_query", title: "T", truncate: "end" });
    expect(losses.map(({ field, action }) => [field, action])).toEqual([
      ["input_type", "dropped"],
      ["title", "dropped"],
      ["truncate", "dropped"],
    ]);
  });

  it("takes settings of the provider's own, but none that the contract has a field for", () => {
    const options = { inputs: [text("a")], providerOptions: { openai: '{"x_id":9007199254740993}', cohere: "{}" } };
    const { body } = toEmbedRequest(create(EmbedRequestSchema, { model: "m", ...options }), target);
    expect(body).toContain('"x_id":9007199254740993');
    expect(() => encode({ inputs: [text("a")], providerOptions: { openai: '{"model":"other"}' } })).toThrow(
      expect.objectContaining({ detail: expect.objectContaining({ field: "provider_options.openai.model" }) }),
    );
  });
});

describe("an answer of embeddings", () => {
  const floats = [0.5, -1.25, 3];
  const base64 = Buffer.from(Float32Array.from(floats).buffer).toString("base64");

  it("edge case 145: is read as floats or as base64 of little-endian floats", () => {
    const { embeddings, model, usage } = decode(
      [
        { index: 0, embedding: floats },
        { index: 1, embedding: base64 },
      ],
      { model: "text-embedding-3-small", usage: { prompt_tokens: 2, total_tokens: 2 } },
    );
    expect(embeddings.map((one) => one.floats)).toEqual([floats, floats]);
    expect(model).toBe("text-embedding-3-small");
    expect(usage).toMatchObject({ inputTokens: 2, totalTokens: 2 });
  });

  it("is put in the order of the inputs", () => {
    const { embeddings } = decode([
      { index: 1, embedding: [1] },
      { index: 0, embedding: [0] },
    ]);
    expect(embeddings.map(({ index, floats: [first] }) => [index, first])).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  it.each([[{}], [{ index: 0 }]])(
    "keeps the order that it came in where numbers are missing or the same: %j",
    (place) => {
      const { embeddings } = decode([
        { ...place, embedding: [7] },
        { ...place, embedding: [8] },
      ]);
      expect(embeddings.map(({ index, floats: [first] }) => [index, first])).toEqual([
        [0, 7],
        [1, 8],
      ]);
    },
  );

  it("without usage has none, which is not zero", () => {
    expect(decode([{ index: 0, embedding: [1] }]).usage).toBeUndefined();
  });

  it.each([
    ["nothing", []],
    ["no vector", [{ index: 0 }]],
    ["words", [{ index: 0, embedding: ["a"] }]],
    ["half a float", [{ index: 0, embedding: Buffer.from([1, 2, 3]).toString("base64") }]],
    ["empty text", [{ index: 0, embedding: "" }]],
  ])("with %s is an error", (_, data) => {
    expect(() => decode(data)).toThrow(expect.objectContaining({ code: "upstream_error" }));
  });
});
