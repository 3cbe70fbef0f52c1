import { describe, expect, it } from "vitest";
import { chunk, chunksOf, done, textOf, useBench } from "./harness.ts";

const kinds = ["groq", "xai", "deepseek", "openrouter", "mistral", "vllm"];
const models: Readonly<Record<string, string>> = {
  groq: "llama-3.3-70b-versatile,openai/gpt-oss-120b",
  xai: "grok-4,grok-4.3",
  deepseek: "deepseek-v4,deepseek-chat",
  openrouter: "anthropic/claude-sonnet-4.5",
  mistral: "mistral-large-latest,magistral-medium-latest",
  vllm: "qwen3",
};
const bench = useBench(
  Object.fromEntries(
    kinds.flatMap((kind) => [
      [`${kind.toUpperCase()}_API_KEY`, "sk-upstream"],
      [`${kind.toUpperCase()}_BASE_URL`, `ORIGIN/${kind}`],
      [`${kind.toUpperCase()}_MODELS`, models[kind] ?? ""],
    ]),
  ),
);

const user = { role: "user", content: "hi" };
const tool = { type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } };
const called = (id: string, more: object = {}) => ({
  role: "assistant",
  content: null,
  tool_calls: [{ id, type: "function", function: { name: "f", arguments: "{}" } }],
  ...more,
});
const told = (id: string) => ({ role: "tool", tool_call_id: id, content: "done" });

/** Sends a request whose answer does not matter and returns what the provider was asked, and what was lost. */
async function sent(model: string, request: object) {
  bench.script({ pieces: [chunk({ role: "assistant", content: "ok" }), chunk({}, "stop"), done] });
  const got = await bench.post("/v1/chat/completions", { model, messages: [user], stream: true, ...request });
  expect(got.status, got.text).toBe(200);
  const asked = bench.asked.at(-1);
  return { body: asked?.body, path: asked?.path, loss: String(got.headers["trunkline-loss"] ?? "") };
}

async function streamed(model: string, ...pieces: string[]) {
  bench.script({ pieces });
  return (await bench.post("/v1/chat/completions", { model, messages: [user], stream: true })).text;
}

describe("histories of reasoning", () => {
  it("edge case 125: DeepSeek gets every thought back where it thinks with tools, an empty one where there was none", async () => {
    const messages = [
      user,
      called("c1", { reasoning_content: "hm" }),
      told("c1"),
      { role: "assistant", content: "so" },
      user,
    ];
    const { body } = await sent("deepseek/deepseek-v4", { messages, tools: [tool] });
    expect(body.messages[1].reasoning_content).toBe("hm");
    expect(body.messages[3].reasoning_content).toBe("");
    const plain = await sent("deepseek/deepseek-chat", {
      messages: [user, { role: "assistant", content: "so" }, user],
    });
    expect(plain.body.messages[1]).toEqual({ role: "assistant", content: "so" });
  });

  it("edge case 126: Groq gets no reasoning_content, and a model that reasons gets the thought by Groq's name", async () => {
    const messages = [user, { role: "assistant", content: "so", reasoning_content: "hm" }, user];
    const plain = await sent("groq/llama-3.3-70b-versatile", { messages });
    expect(plain.body.messages[1]).toEqual({ role: "assistant", content: "so" });
    expect(plain.loss).toContain("messages[1].parts[0];dropped");
    const reasoning = await sent("groq/openai/gpt-oss-120b", { messages });
    expect(reasoning.body.messages[1]).toEqual({ role: "assistant", content: "so", reasoning: "hm" });
    expect(reasoning.loss).toBe("");
  });
});

describe("parameters that a server refuses", () => {
  it("edge case 127: a penalty of 0 and an effort that it does not have never reach a Grok that reasons", async () => {
    const { body, loss } = await sent("xai/grok-4", { presence_penalty: 0, reasoning_effort: "low", stop: "x" });
    expect(body).not.toHaveProperty("presence_penalty");
    expect(body).not.toHaveProperty("reasoning_effort");
    expect(body).not.toHaveProperty("stop");
    expect(loss).toContain("presence_penalty;dropped");
    expect(loss).toContain("reasoning.effort;dropped");
    const newer = await sent("xai/grok-4.3", { reasoning_effort: "low" });
    expect(newer.body.reasoning_effort).toBe("low");
    expect(newer.loss).toBe("");
  });

  it("edge case 133: the role developer is system where a server knows no other", async () => {
    const messages = [{ role: "developer", content: "Be short." }, user];
    for (const model of ["mistral/mistral-large-latest", "deepseek/deepseek-chat", "vllm/qwen3"]) {
      const { body } = await sent(model, { messages });
      expect(body.messages[0], model).toEqual({ role: "system", content: "Be short." });
    }
  });

  it("a parameter that only the server knows to refuse reaches it, and so do those that nobody knows", async () => {
    const { body, loss } = await sent("groq/llama-3.3-70b-versatile", { n: 2, search_settings: { country: "no" } });
    expect(body).toMatchObject({ n: 2, search_settings: { country: "no" } });
    expect(loss).toBe("");
  });
});

describe("Mistral", () => {
  it("edge case 128: foreign ids of calls become nine letters and digits, alike in call and result", async () => {
    const ids = ["call_0fypS1hVX", "call_0fypS1hVY"];
    const messages = [user, ...ids.flatMap((id) => [called(id), told(id)])];
    const { body } = await sent("mistral/mistral-large-latest", { messages, tools: [tool] });
    const sentIds = [1, 3].map((at) => body.messages[at].tool_calls[0].id);
    expect([2, 4].map((at) => body.messages[at].tool_call_id)).toEqual(sentIds);
    expect(new Set(sentIds).size).toBe(2);
    for (const id of sentIds) expect(id).toMatch(/^[a-zA-Z0-9]{9}$/);
    const again = await sent("mistral/mistral-large-latest", { messages, tools: [tool] });
    expect(again.body.messages[1].tool_calls[0].id).toBe(sentIds[0]);
  });

  it("edge case 129: content in parts is text, and what it thought is reasoning", async () => {
    const text = await streamed(
      "mistral/magistral-medium-latest",
      chunk({ role: "assistant", content: [{ type: "thinking", thinking: [{ type: "text", text: "hm" }] }] }),
      chunk({ content: [{ type: "text", text: "Hello" }] }),
      chunk({ content: "!" }, "stop", { usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } }),
      done,
    );
    expect(textOf(text)).toBe("Hello!");
    expect(
      chunksOf(text)
        .map(({ choices }) => choices[0]?.delta?.reasoning_content ?? "")
        .join(""),
    ).toBe("hm");
  });
});

describe("streams", () => {
  it("edge case 134: Groq's usage is found with and without a chunk of its own, and none reaches who did not ask", async () => {
    const usage = { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 };
    const last = chunk({}, "stop", { x_groq: { id: "req_1", usage } });
    const own = `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [], usage })}\n\n`;
    for (const pieces of [
      [last, done],
      [last, own, done],
    ]) {
      const text = await streamed(
        "groq/llama-3.3-70b-versatile",
        chunk({ role: "assistant", content: "ok" }),
        ...pieces,
      );
      expect(textOf(text)).toBe("ok");
      expect(chunksOf(text).filter((one) => one.usage)).toEqual([]);
    }
    expect(bench.asked.at(-1)?.body.stream_options).toEqual({ include_usage: true });
  });

  it("edge cases 7 and 29: OpenRouter's comments mean nothing, and its error in a chunk ends the stream by its words", async () => {
    const text = await streamed(
      "openrouter/anthropic/claude-sonnet-4.5",
      ": OPENROUTER PROCESSING\n\n",
      chunk({ role: "assistant", content: "So" }),
      ": OPENROUTER PROCESSING\n\n",
      chunk({ content: "" }, "error", { error: { code: 502, message: "Provider disconnected" } }),
    );
    expect(textOf(text)).toBe("So");
    expect(chunksOf(text).at(-1).error.message).toContain("Provider disconnected");
    expect(text).not.toContain("[DONE]");
  });

  it("keeps details of reasoning byte for byte between a client and OpenRouter of the same dialect", async () => {
    const details = [
      { type: "reasoning.text", text: "hm", signature: "EqMB", format: "anthropic-claude-v1", index: 0 },
    ];
    const answer = chunk({ role: "assistant", content: "", reasoning: "hm", reasoning_details: details });
    expect(await streamed("openrouter/anthropic/claude-sonnet-4.5", answer, chunk({}, "stop"), done)).toContain(answer);
    const messages = [user, { role: "assistant", content: "so", reasoning: "hm", reasoning_details: details }, user];
    const { body, loss } = await sent("openrouter/anthropic/claude-sonnet-4.5", { messages });
    expect(body.messages).toEqual(messages);
    expect(loss).toBe("");
  });

  it("goes on from a beginning at DeepSeek's beta", async () => {
    const { body, path } = await sent("deepseek/deepseek-chat", {
      messages: [user, { role: "assistant", content: "Once" }],
    });
    expect(path).toBe("/deepseek/beta/chat/completions");
    expect(body.messages.at(-1)).toEqual({ role: "assistant", content: "Once", prefix: true });
  });
});
