import { describe, expect, it } from "vitest";
import { wrapPart } from "../../src/dialects/gemini/proofs.ts";
import { partOf } from "../../src/domain/blank.ts";
import { proofOf } from "../dialects/anthropic-messages/random-parts.ts";
import { useBench } from "./harness.ts";

const bench = useBench({ TRUNKLINE_MASTER_KEY: "master-key-of-the-gateway" });
const key = { "x-goog-api-key": "master-key-of-the-gateway" };
const json = { "content-type": "application/json" };
const whole =
  '{"candidates": [{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1},"novel":1.0}';
const claude = JSON.stringify({
  ...{ id: "msg_1", type: "message", role: "assistant", model: "c", stop_reason: "end_turn" },
  content: [{ type: "text", text: "Hi" }],
  usage: { input_tokens: 1, output_tokens: 1 },
});
const path = "/v1beta/models/gemini/gemini-3-pro-preview:generateContent";
const signed = (thoughtSignature: string) => ({
  contents: [
    { role: "user", parts: [{ text: "a" }] },
    { role: "model", parts: [{ text: "t", thought: true, thoughtSignature }, { text: "b" }] },
    { role: "user", parts: [{ text: "c" }] },
  ],
});
const wrapped = (issuer: string) => wrapPart({ ...partOf({ case: undefined }), proof: proofOf(issuer, "sig") });

describe("a caller of Google's API", () => {
  it("in front of Gemini has its own body sent on and Google's bytes back", async () => {
    bench.script({ headers: json, pieces: [whole] });
    const body =
      '{ "contents": [{"parts":[{"text":"hi"}]}], "generation_config": {"top_k": 40.0, "novel": 1e2}, "labels": {} }';
    const got = await bench.post(path, body, key);
    expect(got.text).toBe(whole);
    expect(got.headers["trunkline-loss"]).toBeUndefined();
    const asked = bench.asked.at(-1);
    expect(asked?.path).toBe("/v1beta/models/gemini-3-pro-preview:generateContent");
    expect(asked?.text).toBe(
      '{"contents":[{"parts":[{"text":"hi"}]}],"generation_config":{"top_k": 40.0, "novel": 1e2},"labels":{}}',
    );
  });

  it("gets Google's own events, in either form", async () => {
    const event = (words: string, end = "") => `{"candidates": [{"content":{"parts":[{"text":"${words}"}]}${end}}]}`;
    const events = [event("a"), event("b", ',"finishReason":"STOP"')];
    const pieces = events.map((data) => `data: ${data}\n\n`);
    bench.script({ pieces }, { pieces });
    const stream = path.replace("generateContent", "streamGenerateContent");
    expect((await bench.post(`${stream}?alt=sse`, signed("c2ln"), key)).text).toBe(pieces.join(""));
    expect((await bench.post(stream, signed("c2ln"), key)).text).toBe(`[${events.join(",\r\n")}]`);
  });

  it("may show its key in the address, and no provider and no answer sees it", async () => {
    bench.script({ headers: json, pieces: [whole] });
    const got = await bench.post(`${path}?key=master-key-of-the-gateway`, signed("c2ln"));
    expect(got.status).toBe(200);
    const { path: asked, headers, text } = bench.asked.at(-1) ?? {};
    expect(JSON.stringify({ asked, headers, text, got: got.headers })).not.toContain("master-key");
    expect((await bench.post(`${path}?key=wrong`, signed("c2ln"))).status).toBe(401);
    expect((await bench.post("/v1/chat/completions?key=master-key-of-the-gateway", {})).status).toBe(401);
  });

  it("has its unknown members told as lost by another provider", async () => {
    bench.script({ headers: json, pieces: [claude] });
    const body = { ...signed("c2ln"), generationConfig: { novel: 1, seed: 3 } };
    const got = await bench.post("/v1beta/models/anthropic/claude-sonnet-4-5:generateContent", body, key);
    expect(got.status, got.text).toBe(200);
    expect(got.headers["trunkline-loss"]).toContain("generationConfig.novel;dropped");
    expect(got.headers["trunkline-loss"]).toContain("seed;dropped");
    const refused = await bench.post("/v1beta/models/anthropic/claude-sonnet-4-5:generateContent", body, {
      ...key,
      "trunkline-loss-policy": "refuse",
    });
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.text).error.details[0].reason).toBe("UNSUPPORTED_PARAMETER");
  });

  it("edge case 104: has each proof sent to who issued it, and to nobody else", async () => {
    bench.script({ headers: json, pieces: [claude] }, { headers: json, pieces: [whole] });
    await bench.post("/v1beta/models/anthropic/claude-sonnet-4-5:generateContent", signed(wrapped("anthropic")), key);
    expect(bench.asked.at(-1)?.body.messages[1].content[0]).toMatchObject({
      type: "thinking",
      thinking: "t",
      signature: "sig",
    });
    const got = await bench.post(path, signed(wrapped("anthropic")), key);
    expect(bench.asked.at(-1)?.text).not.toContain("thoughtSignature");
    expect(got.headers["trunkline-loss"]).toContain("messages[1].parts[0].proof;dropped");
    expect(JSON.parse(got.text).candidates[0].content.parts).toEqual([{ text: "Hi" }]);
  });

  it("edge case 120: is told how long to wait in Google's words", async () => {
    const error = {
      code: 429,
      message: "Quota",
      status: "RESOURCE_EXHAUSTED",
      details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "34.4s" }],
    };
    bench.script({ status: 429, headers: json, pieces: [JSON.stringify({ error })] });
    const got = await bench.post(path, signed("c2ln"), key);
    expect(got).toMatchObject({ status: 429, headers: { "retry-after": "35" } });
    expect(JSON.parse(got.text).error.details).toContainEqual({
      "@type": "type.googleapis.com/google.rpc.RetryInfo",
      retryDelay: "34.4s",
    });
  });
});
