import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EmbedRequestSchema } from "../../gen/trunkline/v1/embeddings_pb.ts";
import type { ProviderInstance } from "../../src/domain/instance.ts";
import { answer } from "../fakes/upstream.ts";
import { answered, failureOf, startSender } from "./sending.ts";

const text = (value: string) => ({ kind: { case: "text", value } }) as const;
const two = create(EmbedRequestSchema, { model: "e", inputs: [text("a"), text("b")], inputType: "search_query" });
const json = { "content-type": "application/json", "x-request-id": "up-1" };
const vectors = (...data: unknown[]) =>
  answer(
    200,
    json,
    JSON.stringify({ object: "list", data, model: "e-1", usage: { prompt_tokens: 2, total_tokens: 2 } }),
  );

async function startEmbedding(more: Partial<ProviderInstance> = {}) {
  const all = await startSender(more);
  return { ...all, embed: () => all.sender.embed(all.target, two, all.context) };
}

describe("embeddings", () => {
  it("say who served them and what was left out, and are counted", async () => {
    const { upstream, embed, context } = await startEmbedding();
    const got = embed();
    const asked = await answered(upstream.next(), vectors({ index: 0, embedding: [1] }, { index: 1, embedding: [2] }));
    expect(await got).toMatchObject({
      embeddings: [{ floats: [1] }, { floats: [2] }],
      servedBy: { instance: "openai-east", model: "gpt-4o", upstreamRequestId: "up-1", attempts: 1 },
      notices: [{ code: "dropped_field", field: "input_type" }],
    });
    expect(asked).toMatchObject({ method: "POST", path: "/v1/embeddings" });
    expect(context.trail.last("usage")?.usage).toMatchObject({ inputTokens: 2 });
    expect(context.trail.last("loss")?.losses).toMatchObject([{ field: "input_type" }]);
  });

  it.each([
    ["fewer", [{ index: 0, embedding: [1] }]],
    ["more", [0, 1, 2].map((index) => ({ index, embedding: [1] }))],
  ])("are an error when there are %s than inputs, since nobody could tell whose they are", async (_, data) => {
    const { upstream, embed } = await startEmbedding();
    const failed = failureOf(embed());
    await answered(upstream.next(), vectors(...data));
    expect(await failed).toMatchObject({ code: "upstream_error", message: expect.stringContaining("for 2 inputs") });
  });

  it("are not asked of a provider that makes none", async () => {
    const { upstream, embed } = await startEmbedding({ provider: "anthropic" });
    expect(await failureOf(embed())).toMatchObject({ code: "not_implemented", detail: { field: "model" } });
    expect(upstream.connections).toBe(0);
  });

  it("edge case 149: end at the provider when the caller leaves", async () => {
    const { upstream, embed, caller, context } = await startEmbedding();
    const failed = failureOf(embed());
    const asked = await upstream.next();
    caller.abort(new Error("gone"));
    await asked.closed;
    await failed;
    expect(context.trail.count("usage")).toBe(0);
  });
});
