import { describe, expect, it } from "vitest";
import { eventStreamMessage } from "../fakes/event-stream.ts";
import { useBench } from "./harness.ts";

const claude = "us.anthropic.claude-opus-4-7-v1";
const bench = useBench({
  BEDROCK_API_KEY: "upstream",
  BEDROCK_BASE_URL: "ORIGIN",
  BEDROCK_MODELS: `${claude},amazon.nova-pro-v1:0`,
});

const event = (type: string, data: object) =>
  eventStreamMessage({ ":message-type": "event", ":event-type": type }, JSON.stringify(data));
const said = [
  event("messageStart", { role: "assistant" }),
  event("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "ok" } }),
  event("contentBlockStop", { contentBlockIndex: 0 }),
  event("messageStop", { stopReason: "end_turn" }),
];
const metadata = event("metadata", { usage: { inputTokens: 4, outputTokens: 1, totalTokens: 5 }, metrics: {} });
const headers = { "content-type": "application/vnd.amazon.eventstream" };
const user = { role: "user", content: "hi" };

async function stream(model: string, request: object, pieces: readonly Uint8Array[]) {
  bench.script({ headers, pieces });
  const options = { stream: true, stream_options: { include_usage: true } };
  const got = await bench.post("/v1/chat/completions", {
    model: `bedrock/${model}`,
    messages: [user],
    ...options,
    ...request,
  });
  return { got, body: bench.asked.at(-1)?.body };
}

describe("Bedrock", () => {
  it("edge case 130: an empty result of a tool is an empty object, and blank text is not sent", async () => {
    const call = { id: "c1", type: "function", function: { name: "f", arguments: "{}" } };
    const messages = [
      {
        role: "user",
        content: [
          { type: "text", text: " " },
          { type: "text", text: "Go" },
        ],
      },
      { role: "assistant", content: "", tool_calls: [call] },
      { role: "tool", tool_call_id: "c1", content: "" },
    ];
    const { got, body } = await stream(claude, { messages }, [...said, metadata]);
    expect(got.status, got.text).toBe(200);
    expect(body.messages[0].content).toEqual([{ text: "Go" }]);
    expect(body.messages[2].content).toEqual([{ toolResult: { toolUseId: "c1", content: [{ json: {} }] } }]);
  });

  it("edge case 131: a turn of the model that says nothing is left out", async () => {
    const messages = [user, { role: "assistant", content: "" }, { role: "user", content: "Well?" }];
    const { got, body } = await stream(claude, { messages }, [...said, metadata]);
    expect(body.messages).toEqual([{ role: "user", content: [{ text: "hi" }, { text: "Well?" }] }]);
    expect(String(got.headers["trunkline-loss"])).toContain("messages[1];dropped");
  });

  it("edge case 132: usage that comes behind the end is told, and without it the stream still ends well", async () => {
    const counted = await stream(claude, {}, [...said, metadata]);
    expect(counted.got.text).toContain('"prompt_tokens":4');
    expect(counted.got.text.trimEnd().endsWith("[DONE]")).toBe(true);
    const bare = await stream(claude, {}, said);
    expect(bare.got.text).toContain('"finish_reason":"stop"');
    expect(bare.got.text.trimEnd().endsWith("[DONE]")).toBe(true);
  });

  it("edge case 70: a model that chooses its sampling itself gets none under a platform's name either", async () => {
    const { got, body } = await stream(claude, { temperature: 0.2 }, [...said, metadata]);
    expect(body.inferenceConfig).toBeUndefined();
    expect(String(got.headers["trunkline-loss"])).toContain("temperature;dropped");
  });

  it("edge case 87: cache marks become cache points, and are reported for models without", async () => {
    const content = [{ type: "text", text: "Long", cache_control: { type: "ephemeral" } }];
    const messages = [{ role: "user", content }];
    const { body } = await stream(claude, { messages }, [...said, metadata]);
    expect(body.messages[0].content).toEqual([{ text: "Long" }, { cachePoint: { type: "default" } }]);
  });
});
