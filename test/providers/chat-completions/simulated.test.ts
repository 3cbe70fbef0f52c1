import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import type { Log } from "../../../src/domain/log.ts";
import { type RunningGateway, startGateway } from "../../../src/main.ts";
import { type RunningSimulator, startSimulator } from "../../../src/simulator/simulator.ts";

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => quiet };

/** Each provider: where its own paths begin, and a model that thinks. */
const kinds = [
  { kind: "groq", root: "/groq/openai/v1", model: "openai/gpt-oss-120b" },
  { kind: "xai", root: "/xai/v1", model: "grok-4.3" },
  { kind: "deepseek", root: "/deepseek", model: "deepseek-v4" },
  { kind: "openrouter", root: "/openrouter/api/v1", model: "anthropic/claude-sonnet-4.5" },
  { kind: "mistral", root: "/mistral/v1", model: "magistral-medium-latest" },
  { kind: "vllm", root: "/vllm/v1", model: "qwen3" },
] as const;

let simulator: RunningSimulator;
let gateway: RunningGateway;

beforeAll(async () => {
  simulator = await startSimulator({ requireKey: true });
  const env: Record<string, string> = { PORT: "0", TRUNKLINE_OPS_PORT: "0", TRUNKLINE_ADMIN_PORT: "0" };
  for (const { kind, root, model } of kinds) {
    env[`${kind.toUpperCase()}_API_KEY`] = `key-${kind}`;
    env[`${kind.toUpperCase()}_BASE_URL`] = simulator.url + root;
    env[`${kind.toUpperCase()}_MODELS`] = `${model},echo`;
  }
  const { config } = loadConfig({ env, flags: {}, folder: import.meta.dirname });
  gateway = await startGateway(config, { log: quiet });
});
afterAll(async () => {
  await gateway?.close();
  await simulator?.close();
});

async function post(path: string, body: object) {
  const reply = await fetch(gateway.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: reply.status, loss: reply.headers.get("trunkline-loss"), text: await reply.text() };
}

// biome-ignore lint/suspicious/noExplicitAny: foreign JSON under test
function chunks(text: string): any[] {
  return [...text.matchAll(/^data: (\{.*)$/gm)].map(([, data = ""]) => JSON.parse(data));
}

const tools = [{ type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } }];

/** All that an OpenAI client may say, much of which some of these providers refuse. */
const everything = {
  messages: [
    { role: "developer", content: "Be short." },
    { role: "user", name: "ada", content: [{ type: "text", text: "/say So it is." }] },
  ],
  max_completion_tokens: 500,
  temperature: 0.5,
  presence_penalty: 0,
  seed: 7,
  user: "ada",
  store: false,
  metadata: { a: "b" },
  logit_bias: { 5: 1 },
  logprobs: false,
  reasoning_effort: "high",
  service_tier: "auto",
  verbosity: "low",
  n: 1,
};

/** A conversation that another provider began. */
const foreign = [
  { role: "user", content: "Which?" },
  {
    role: "assistant",
    content: null,
    reasoning_content: "hm",
    tool_calls: [{ id: "call_0fypS1hVX", type: "function", function: { name: "f", arguments: "{}" } }],
  },
  { role: "tool", tool_call_id: "call_0fypS1hVX", content: "sunny" },
  { role: "user", content: "/say Sunny." },
];

describe.each(kinds)("$kind", ({ kind, model }) => {
  const name = `${kind}/${model}`;

  it("answers a client that sends all that OpenAI takes, whole", async () => {
    const { status, text } = await post("/v1/chat/completions", { model: name, ...everything });
    expect(status, text).toBe(200);
    const { choices, usage } = JSON.parse(text);
    expect(choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "So it is." } });
    expect(usage.total_tokens).toBe(usage.prompt_tokens + usage.completion_tokens);
  });

  it("streams to the same client, with the usage that it asked for", async () => {
    const options = { stream: true, stream_options: { include_usage: true } };
    const { status, text } = await post("/v1/chat/completions", { model: name, ...everything, ...options });
    expect(status, text).toBe(200);
    const all = chunks(text);
    const said = all.map(({ choices }) => choices[0]?.delta?.content ?? "");
    expect(said.every((piece) => typeof piece === "string")).toBe(true);
    expect(said.join("")).toBe("So it is.");
    const usages = all.flatMap(({ usage }) => usage ?? []);
    expect(usages).toHaveLength(1);
    expect(usages[0].total_tokens).toBe(usages[0].prompt_tokens + usages[0].completion_tokens);
    expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
  });

  it("goes on with a conversation that another provider began", async () => {
    const { status, text } = await post("/v1/chat/completions", { model: name, messages: foreign, tools });
    expect(status, text).toBe(200);
    expect(text).toContain("Sunny.");
  });

  it("calls tools, and reads their results", async () => {
    const ask = { role: "user", content: '/call f {"a":1}\n/call f {"a":2}' };
    const first = await post("/v1/chat/completions", { model: name, messages: [ask], tools, stream: true });
    const calls = chunks(first.text).flatMap(({ choices }) => choices[0]?.delta?.tool_calls ?? []);
    const ids = calls.flatMap(({ id }) => id ?? []);
    expect(new Set(ids).size, first.text).toBe(2);
    const whole = ids.map((id, index) => ({
      id,
      type: "function",
      function: {
        name: "f",
        arguments: calls
          .filter((call) => call.index === index)
          .map((call) => call.function?.arguments ?? "")
          .join(""),
      },
    }));
    expect(whole.map((call) => call.function.arguments)).toEqual(['{"a":1}', '{"a":2}']);
    const results = ids.map((id) => ({ role: "tool", tool_call_id: id, content: `told ${id}` }));
    const assistant = { role: "assistant", content: null, tool_calls: whole };
    const second = await post("/v1/chat/completions", { model: name, messages: [ask, assistant, ...results], tools });
    expect(second.status, second.text).toBe(200);
    expect(second.text).toContain("The tools said: told");
  });

  it("shows a thought to a caller of the contract, and takes it back", async () => {
    const user = { role: "ROLE_USER", parts: [{ text: "/say Yes." }] };
    const request = { model: name, messages: [user], reasoning: { effort: "high" } };
    const first = await post("/trunkline.v1.ChatService/Chat", request);
    expect(first.status, first.text).toBe(200);
    const { message } = JSON.parse(first.text).choices[0];
    expect(message.parts[0].reasoning.text).toContain("This reasoning is simulated");
    expect(message.parts[1].text).toBe("Yes.");
    const again = await post("/trunkline.v1.ChatService/Chat", { ...request, messages: [user, message, user] });
    expect(again.status, again.text).toBe(200);
    const sent = JSON.stringify(simulator.calls.at(-1)?.body);
    expect(sent).toContain("This reasoning is simulated");
  });

  it("reports what it leaves out, and refuses it by name where nothing may be lost", async () => {
    const user = { role: "ROLE_USER", parts: [{ text: "Hi" }] };
    const request = { model: name, messages: [user], maxToolCalls: 3 };
    const told = await post("/trunkline.v1.ChatService/Chat", request);
    expect(JSON.parse(told.text).notices).toMatchObject([{ code: "dropped_field", field: "max_tool_calls" }]);
    const refused = await post("/trunkline.v1.ChatService/Chat", { ...request, lossPolicy: "LOSS_POLICY_REFUSE" });
    expect(refused.status).toBe(400);
    expect(refused.text).toContain("max_tool_calls");
  });

  it("ends a stream that was cut with an error", async () => {
    const messages = [{ role: "user", content: "/words 20" }];
    const cut = `${kind}/echo+fault=cut,after=3`;
    const { text } = await post("/v1/chat/completions", { model: cut, messages, stream: true });
    expect(chunks(text).at(-1)).toMatchObject({ error: { message: expect.any(String) } });
    expect(text).not.toContain("[DONE]");
  });
});
