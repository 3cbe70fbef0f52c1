import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import type { Log } from "../../../src/domain/log.ts";
import { type RunningGateway, startGateway } from "../../../src/main.ts";
import { simulatedIdentity } from "../../../src/simulator/bedrock/signature.ts";
import { type RunningSimulator, startSimulator } from "../../../src/simulator/simulator.ts";

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => quiet };
const claude = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

let simulator: RunningSimulator;
const gateways: RunningGateway[] = [];

async function gatewayWith(env: Readonly<Record<string, string>>): Promise<RunningGateway> {
  const { config } = loadConfig({
    env: {
      PORT: "0",
      TRUNKLINE_OPS_PORT: "0",
      TRUNKLINE_ADMIN_PORT: "0",
      BEDROCK_BASE_URL: `${simulator.url}/bedrock`,
      BEDROCK_MODELS: `${claude},amazon.nova-lite-v1:0,anthropic.claude-echo+fault=error-event,cohere.embed-english-v3,amazon.titan-embed-text-v2:0`,
      ...env,
    },
    flags: {},
    folder: import.meta.dirname,
  });
  const gateway = await startGateway(config, { log: quiet });
  gateways.push(gateway);
  return gateway;
}

const signing = {
  AWS_REGION: "eu-central-1",
  AWS_ACCESS_KEY_ID: simulatedIdentity.accessKeyId,
  AWS_SECRET_ACCESS_KEY: simulatedIdentity.secretAccessKey,
};

beforeAll(async () => {
  simulator = await startSimulator({ requireKey: true });
});
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()));
  await simulator?.close();
});

async function post(gateway: RunningGateway, path: string, body: object) {
  const headers = { "content-type": "application/json" };
  const reply = await fetch(gateway.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: reply.status, text: await reply.text() };
}
const chat = (model: string, content: string, more: object = {}) => ({
  model: `bedrock/${model}`,
  messages: [{ role: "user", content }],
  ...more,
});

describe.each([
  { name: "a key of Bedrock's own", env: { BEDROCK_API_KEY: "any" } },
  { name: "a signature", env: { ...signing, AWS_SESSION_TOKEN: "temporary" } },
])("with $name", ({ env }) => {
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = await gatewayWith(env);
  });

  it("answers whole and as a stream, with a model whose name is encoded in the path", async () => {
    const whole = await post(gateway, "/v1/chat/completions", chat(claude, "/say Grüße 👋"));
    expect(whole.status, whole.text).toBe(200);
    expect(JSON.parse(whole.text).choices[0].message.content).toBe("Grüße 👋");
    const stream = await post(gateway, "/v1/chat/completions", chat(claude, "/say Grüße 👋", { stream: true }));
    const pieces = [...stream.text.matchAll(/"content":"([^"]*)"/g)].map(([, piece]) => piece);
    expect(pieces.join("")).toBe("Grüße 👋");
    expect(stream.text.trimEnd().endsWith("data: [DONE]")).toBe(true);
  });
});

describe("signed requests", () => {
  it("with a wrong secret are told as the gateway's own fault", async () => {
    const gateway = await gatewayWith({ ...signing, AWS_SECRET_ACCESS_KEY: "wrong" });
    const { status, text } = await post(gateway, "/v1/chat/completions", chat(claude, "Hi"));
    expect(status).toBe(502);
    expect(text).toContain("upstream_auth");
    expect(text).not.toContain("signature");
  });
});

describe("conversations", () => {
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = await gatewayWith(signing);
  });

  it("call tools, think, and take both back", async () => {
    const tools = [{ type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } }];
    const asked = await post(
      gateway,
      "/v1/chat/completions",
      chat(claude, '/call f {"a":1}\n/call f {"a":2}', { tools }),
    );
    const { message, finish_reason } = JSON.parse(asked.text).choices[0];
    expect(finish_reason).toBe("tool_calls");
    expect(message.tool_calls).toHaveLength(2);
    const results = message.tool_calls.map(({ id }: { id: string }) => ({
      role: "tool",
      tool_call_id: id,
      content: "",
    }));
    const messages = [{ role: "user", content: "Go" }, message, ...results];
    const answer = await post(gateway, "/v1/chat/completions", { model: `bedrock/${claude}`, messages, tools });
    expect(answer.status, answer.text).toBe(200);
  });

  it("go on with signed reasoning, told by a client of Messages", async () => {
    const thinking = { type: "enabled", budget_tokens: 1024 };
    const first = { role: "user", content: "Hi" };
    const ask = { model: `bedrock/${claude}`, max_tokens: 4000, thinking };
    const one = await post(gateway, "/v1/messages", { ...ask, messages: [first] });
    const { content } = JSON.parse(one.text);
    expect(content[0]).toMatchObject({ type: "thinking", signature: expect.any(String) });
    const messages = [first, { role: "assistant", content }, { role: "user", content: "And?" }];
    const two = await post(gateway, "/v1/messages", { ...ask, messages });
    expect(two.status, two.text).toBe(200);
    expect(JSON.stringify(simulator.calls.at(-1)?.body)).toContain("reasoningContent");
  });

  it("end with a typed error when the stream breaks off with an exception", async () => {
    const model = "anthropic.claude-echo+fault=error-event";
    const { text } = await post(gateway, "/v1/chat/completions", chat(model, "/words 20", { stream: true }));
    expect(text).toContain('"error"');
    expect(text).not.toContain("[DONE]");
  });

  it("embed texts, many at once or singly as the model takes them", async () => {
    const many = await post(gateway, "/v1/embeddings", { model: "bedrock/cohere.embed-english-v3", input: ["a", "b"] });
    expect(many.status, many.text).toBe(200);
    expect(JSON.parse(many.text).data).toHaveLength(2);
    expect(JSON.parse(many.text).usage.prompt_tokens).toBe(2);
    const titan = { model: "bedrock/amazon.titan-embed-text-v2:0", dimensions: 256 };
    const one = await post(gateway, "/v1/embeddings", { ...titan, input: ["a"] });
    expect(JSON.parse(one.text).data[0].embedding).toHaveLength(256);
    expect((await post(gateway, "/v1/embeddings", { ...titan, input: ["a", "b"] })).status).toBe(400);
  });
});
