import { describe, expect, it } from "vitest";
import { chunk, type Script, useBench } from "./harness.ts";

const bench = useBench();
const messages = [{ role: "user", content: "Hi" }];
const json = { "content-type": "application/json" };

/** Floats that 32 bits hold exactly. */
const vector = Array.from({ length: 1_024 }, (_, i) => (i - 512) / 8);

function embeddings(embedding: unknown): Script {
  const data = [{ object: "embedding", index: 0, embedding }];
  const body = { object: "list", data, model: "text-embedding-3-small", usage: { prompt_tokens: 1, total_tokens: 1 } };
  return { headers: json, pieces: [JSON.stringify(body)] };
}

async function embed(more: object) {
  const { status, text } = await bench.post("/v1/embeddings", {
    model: "openai/text-embedding-3-small",
    input: "a",
    ...more,
  });
  expect(status).toBe(200);
  return JSON.parse(text).data[0].embedding;
}

describe("embeddings", () => {
  it.each([
    ["floats", vector],
    ["base64", base64(vector)],
  ])("edge case 145: asked for as base64, %s of the provider are 1,024 little-endian floats", async (_, given) => {
    bench.script(embeddings(given));
    const bytes = Buffer.from(await embed({ encoding_format: "base64" }), "base64");
    expect(bytes).toHaveLength(4 * vector.length);
    expect(vector.map((_, i) => bytes.readFloatLE(4 * i))).toEqual(vector);
  });

  it.each([{}, { encoding_format: null }])(
    "edge case 146: without a format (%j) are numbers, and no null is sent on",
    async (more) => {
      bench.script(embeddings(base64(vector)), embeddings(vector));
      expect(await embed(more)).toEqual(vector);
      expect(await embed(more)).toEqual(vector);
      expect(bench.asked.at(-1)?.text).not.toContain("null");
    },
  );
});

describe("edge case 149: a caller who hangs up", () => {
  const hi = chunk({ role: "assistant", content: "Hi" });
  const empty = chunk({ role: "assistant", content: "" });

  it.each<[string, boolean, Script]>([
    ["before the provider's head", true, { ending: "mute" }],
    ["before the first token", true, { pieces: [empty], ending: "hang" }],
    ["in a call that does not stream", false, { ending: "mute" }],
    ["in the middle of a whole answer", false, { headers: json, pieces: ['{"id":'], ending: "hang" }],
  ])("%s is seen by the provider", async (_, stream, script) => {
    bench.script(script);
    const reached = bench.nextAsked();
    const caller = bench.call("/v1/chat/completions", { model: "gpt-4o", messages, stream });
    const asked = await reached;
    caller.hangUp();
    await asked.closed;
  });

  it("in the middle of a stream is seen by the provider", async () => {
    bench.script({ pieces: [hi], ending: "hang" });
    const reached = bench.nextAsked();
    const caller = bench.call("/v1/chat/completions", { model: "gpt-4o", messages, stream: true });
    expect(await caller.begun).toContain("Hi");
    caller.hangUp();
    await (await reached).closed;
  });

  it("during embeddings is seen by the provider", async () => {
    bench.script({ ending: "mute" });
    const reached = bench.nextAsked();
    const caller = bench.call("/v1/embeddings", { model: "openai/text-embedding-3-small", input: "a" });
    const asked = await reached;
    caller.hangUp();
    await asked.closed;
  });

  it("leaves what was used until then in the metrics", async () => {
    const begin = {
      type: "message_start",
      message: { id: "m", content: [], usage: { input_tokens: 4_321, output_tokens: 1 } },
    };
    const delta = { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hi" } };
    const block = { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } };
    bench.script({
      pieces: [begin, block, delta].map((one) => `event: ${one.type}\ndata: ${JSON.stringify(one)}\n\n`),
      ending: "hang",
    });
    const reached = bench.nextAsked();
    const caller = bench.call("/v1/chat/completions", { model: "claude-opus-4-8", messages, stream: true });
    await caller.begun;
    caller.hangUp();
    await (await reached).closed;
    const used = /gen_ai_client_token_usage_sum\{[^}]*claude-opus-4-8[^}]*"input"\} 4321/;
    // The first scrape loads what exports them.
    await expect.poll(() => bench.metrics(), { timeout: 10_000 }).toMatch(used);
    expect(await bench.metrics()).toMatch(/trunkline_streams_total\{[^}]*"canceled"\}/);
  });
});

function base64(floats: readonly number[]): string {
  const bytes = Buffer.alloc(4 * floats.length);
  for (const [i, value] of floats.entries()) bytes.writeFloatLE(value, 4 * i);
  return bytes.toString("base64");
}
