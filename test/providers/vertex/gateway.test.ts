import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import type { Log } from "../../../src/domain/log.ts";
import { type RunningGateway, startGateway } from "../../../src/main.ts";
import { type RunningSimulator, startSimulator } from "../../../src/simulator/simulator.ts";

const lines: string[] = [];
const noted: Log = {
  debug: (...said) => void lines.push(JSON.stringify(said)),
  info: (...said) => void lines.push(JSON.stringify(said)),
  warn: (...said) => void lines.push(JSON.stringify(said)),
  error: (...said) => void lines.push(JSON.stringify(said)),
  with: () => noted,
};

let simulator: RunningSimulator;
let folder: string;
const gateways: RunningGateway[] = [];

beforeAll(async () => {
  simulator = await startSimulator({ requireKey: true });
  folder = mkdtempSync(join(tmpdir(), "vertex-"));
  const file = await (await fetch(`${simulator.url}/vertex/service-account.json`)).text();
  writeFileSync(join(folder, "key.json"), file);
  writeFileSync(
    join(folder, "foreign.json"),
    file.replace('"simulated-key"', '"other"').replace("simulated@", "other@"),
  );
});
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()));
  await simulator?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function gatewayWith(env: Readonly<Record<string, string>>): Promise<RunningGateway> {
  const { config } = loadConfig({
    env: {
      ...{ PORT: "0", TRUNKLINE_OPS_PORT: "0", TRUNKLINE_ADMIN_PORT: "0" },
      ...{ VERTEX_BASE_URL: `${simulator.url}/vertex`, GOOGLE_CLOUD_PROJECT: "simulated" },
      VERTEX_MODELS: "gemini-echo,gemini-embedding-001,claude-sonnet-4-5@20250929",
      ...env,
    },
    flags: {},
    folder,
  });
  const gateway = await startGateway(config, { log: noted });
  gateways.push(gateway);
  return gateway;
}

async function post(gateway: RunningGateway, path: string, body: object) {
  const headers = { "content-type": "application/json" };
  const reply = await fetch(gateway.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: reply.status, text: await reply.text() };
}
const chat = (model: string, content: string, more: object = {}) => ({
  model: `vertex/${model}`,
  messages: [{ role: "user", content }],
  ...more,
});
const tokensAsked = () => simulator.calls.filter(({ path }) => /token$/.test(path)).length;

describe("a service account", () => {
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = await gatewayWith({ GOOGLE_APPLICATION_CREDENTIALS: join(folder, "key.json") });
  });

  it("asks for one token however many callers come at once", async () => {
    const before = tokensAsked();
    const all = await Promise.all(
      Array.from({ length: 8 }, () => post(gateway, "/v1/chat/completions", chat("gemini-echo", "/say So."))),
    );
    for (const { status, text } of all) expect(status, text).toBe(200);
    expect(tokensAsked() - before).toBe(1);
    expect(lines.join()).not.toMatch(/ya29\.|PRIVATE KEY/);
  });

  it.each(["gemini-echo", "claude-sonnet-4-5@20250929"])("answers whole and as a stream by %s", async (model) => {
    const whole = await post(gateway, "/v1/chat/completions", chat(model, "/say So it is."));
    expect(whole.status, whole.text).toBe(200);
    expect(JSON.parse(whole.text).choices[0].message.content).toBe("So it is.");
    const stream = await post(gateway, "/v1/chat/completions", chat(model, "/say So it is.", { stream: true }));
    const pieces = [...stream.text.matchAll(/"content":"([^"]*)"/g)].map(([, piece]) => piece);
    expect(pieces.join("")).toBe("So it is.");
  });

  it("sends a client of Messages its own body, without the model and with Vertex's version", async () => {
    const body = {
      model: "vertex/claude-sonnet-4-5@20250929",
      max_tokens: 50,
      messages: [{ role: "user", content: "Hi" }],
    };
    const { status, text } = await post(gateway, "/v1/messages", body);
    expect(status, text).toBe(200);
    const asked = simulator.calls.at(-1);
    expect(asked?.path).toContain("/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict");
    expect(asked?.body).toEqual({ anthropic_version: "vertex-2023-10-16", max_tokens: 50, messages: body.messages });
    expect(asked?.headers["anthropic-version"]).toBeUndefined();
  });

  it("counts tokens by both publishers, and embeds", async () => {
    for (const model of ["gemini-echo", "claude-sonnet-4-5@20250929"]) {
      const { status, text } = await post(gateway, "/v1/messages/count_tokens", chat(model, "one two"));
      expect(status, text).toBe(200);
      expect(JSON.parse(text).input_tokens).toBeGreaterThan(1);
    }
    const { status, text } = await post(gateway, "/v1/embeddings", {
      model: "vertex/gemini-embedding-001",
      input: ["a", "b"],
      dimensions: 8,
    });
    expect(status, text).toBe(200);
    expect(JSON.parse(text).data.map(({ embedding }: { embedding: number[] }) => embedding.length)).toEqual([8, 8]);
  });
});

describe("other credentials", () => {
  it("are a machine's metadata server", async () => {
    const host = new URL(simulator.url).host;
    const gateway = await gatewayWith({ GCE_METADATA_HOST: `${host}/vertex` });
    const { status, text } = await post(gateway, "/v1/chat/completions", chat("gemini-echo", "/say So."));
    expect(status, text).toBe(200);
  });

  it("are told as the gateway's own fault when they are refused", async () => {
    const gateway = await gatewayWith({ GOOGLE_APPLICATION_CREDENTIALS: join(folder, "foreign.json") });
    const { status, text } = await post(gateway, "/v1/chat/completions", chat("gemini-echo", "Hi"));
    expect(status).toBe(502);
    expect(text).toContain("upstream_auth");
  });

  it("are a key of express mode", async () => {
    const gateway = await gatewayWith({ VERTEX_API_KEY: "AIza-any" });
    const { status, text } = await post(gateway, "/v1/chat/completions", chat("gemini-echo", "/say So."));
    expect(status, text).toBe(200);
  });
});
