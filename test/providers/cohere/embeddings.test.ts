import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EmbedRequestSchema } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import type { GatewayError } from "../../../src/domain/errors.ts";
import type { Target } from "../../../src/domain/target.ts";
import { fromEmbedResponse, toEmbedRequest } from "../../../src/providers/cohere/embeddings.ts";

const target: Target = {
  name: "cohere/embed-v4.0",
  instance: "cohere",
  provider: "cohere",
  model: "embed-v4.0",
  wire: "repair",
  facts: {},
};
const text = (value: string) => ({ kind: { case: "text", value } }) as const;
const png = Uint8Array.from(Buffer.from("iVBORw0KGgo=", "base64"));

function asked(request: MessageInitShape<typeof EmbedRequestSchema>) {
  const { body, losses } = toEmbedRequest(create(EmbedRequestSchema, request), target);
  return { body: JSON.parse(String(body)), losses: losses.map(({ field, action }) => `${field};${action}`) };
}

function answered(embeddings: object) {
  const body = JSON.stringify({ embeddings, meta: { billed_units: { input_tokens: 3 } } });
  return fromEmbedResponse({ status: 200, headers: {}, body }, { target });
}

function codeOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return (error as GatewayError).code;
  }
}

describe("a request for embeddings", () => {
  it("says what the texts are for, and says so when it chose that itself", () => {
    expect(asked({ inputs: [text("a")], inputType: "search_query" })).toEqual({
      body: {
        model: "embed-v4.0",
        texts: ["a"],
        input_type: "search_query",
        truncate: "NONE",
        embedding_types: ["float"],
      },
      losses: [],
    });
    expect(asked({ inputs: [text("a")] }).losses).toEqual(["input_type;approximated"]);
    const foreign = asked({ inputs: [text("a")], inputType: "semantic_similarity" });
    expect(foreign.body.input_type).toBe("search_document");
    expect(foreign.losses).toEqual(["input_type;approximated"]);
  });

  it("holds no more inputs than the provider takes", () => {
    const inputs = Array.from({ length: 97 }, () => text("a"));
    expect(codeOf(() => asked({ inputs }))).toBe("invalid_value");
    expect(asked({ inputs: inputs.slice(1) }).body.texts).toHaveLength(96);
  });

  it("reports a title and a person, and cuts the end that it is told to", () => {
    const { body, losses } = asked({
      inputs: [text("a")],
      inputType: "clustering",
      title: "t",
      endUserId: "u",
      truncate: "start",
    });
    expect(body.truncate).toBe("START");
    expect(losses).toEqual(["title;dropped", "end_user_id;dropped"]);
    expect(codeOf(() => asked({ inputs: [text("a")], truncate: "middle" }))).toBe("unsupported_value");
  });

  it("sends texts and pictures of one input together", () => {
    const image = { media: { source: { case: "data", value: png }, mediaType: "image/png" } } as const;
    const parts = [{ kind: { case: "text", value: "a" } }, { kind: { case: "image", value: image } }] as const;
    const { body } = asked({ inputs: [text("b"), { kind: { case: "content", value: { parts: [...parts] } } }] });
    expect(body.inputs).toEqual([
      { content: [{ type: "text", text: "b" }] },
      {
        content: [
          { type: "text", text: "a" },
          { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } },
        ],
      },
    ]);
    expect(body.texts).toBeUndefined();
  });

  it("refuses tokens, and options that have a field", () => {
    expect(codeOf(() => asked({ inputs: [{ kind: { case: "tokens", value: { ids: [1] } } }] }))).toBe("invalid_value");
    const twice = { inputs: [text("a")], providerOptions: { cohere: '{"input_type":"clustering"}' } };
    expect(codeOf(() => asked(twice))).toBe("invalid_value");
    const int8 = { inputs: [text("a")], providerOptions: { cohere: '{"embedding_types":["int8"]}' } };
    expect(asked(int8).body.embedding_types).toEqual(["int8"]);
  });
});

describe("an answer with embeddings", () => {
  it("is read in every form that the provider writes", () => {
    const floats = Buffer.alloc(8);
    floats.writeFloatLE(0.5, 0);
    floats.writeFloatLE(-1, 4);
    expect(answered({ float: [[0.5, -1], [1]] }).embeddings.map((one) => one.floats)).toEqual([[0.5, -1], [1]]);
    expect(answered({ base64: [floats.toString("base64")] }).embeddings[0]?.floats).toEqual([0.5, -1]);
    expect([...(answered({ int8: [[-128, 127]] }).embeddings[0]?.int8 ?? [])]).toEqual([0x80, 0x7f]);
    expect([...(answered({ ubinary: [[200, 1]] }).embeddings[0]?.bits ?? [])]).toEqual([200, 1]);
    expect(answered({ float: [[1]] }).usage).toMatchObject({ inputTokens: 3, totalTokens: 3 });
  });

  it("is refused when a vector cannot be read", () => {
    for (const embeddings of [{}, { float: [[]] }, { float: [["x"]] }, { base64: ["AAA="] }]) {
      expect(
        codeOf(() => answered(embeddings)),
        JSON.stringify(embeddings),
      ).toBe("upstream_error");
    }
  });
});
