import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import type { Log } from "../../../src/domain/log.ts";
import { type RunningGateway, startGateway } from "../../../src/main.ts";
import { type RunningSimulator, startSimulator } from "../../../src/simulator/simulator.ts";

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => quiet };

let simulator: RunningSimulator;
let gateway: RunningGateway;
let folder: string;

beforeAll(async () => {
  simulator = await startSimulator({ requireKey: true });
  folder = mkdtempSync(join(tmpdir(), "azure-"));
  const models = "[{ id: gpt-4o, deployment: echo }, { id: gpt-5-pro, deployment: gpt-5-pro }, embed]";
  writeFileSync(
    join(folder, "trunkline.yaml"),
    `providers:
  azure: { api_key: env://KEY, base_url: ${simulator.url}/azure, models: ${models} }
  azure-dated: { api_key: env://TOKEN, base_url: ${simulator.url}/azure/openai, api_version: 2024-10-21, models: ${models} }
`,
  );
  const env = { PORT: "0", TRUNKLINE_OPS_PORT: "0", TRUNKLINE_ADMIN_PORT: "0", KEY: "k", TOKEN: "eyJh.eyJi.c2ln" };
  const { config } = loadConfig({ env, flags: {}, folder });
  gateway = await startGateway(config, { log: quiet });
});
afterAll(async () => {
  await gateway?.close();
  await simulator?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function post(path: string, body: object) {
  const headers = { "content-type": "application/json" };
  const reply = await fetch(gateway.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: reply.status, text: await reply.text() };
}
const user = (content: string) => [{ role: "user", content }];

describe.each([
  { instance: "azure", path: "/openai/v1/chat/completions", header: "api-key" },
  { instance: "azure-dated", path: "/openai/deployments/echo/chat/completions", header: "authorization" },
])("$instance", ({ instance, path, header }) => {
  it("asks the deployment of a model, and gives the provider's own bytes to a caller of the same dialect", async () => {
    const { status, text } = await post("/v1/chat/completions", {
      model: `${instance}/gpt-4o`,
      messages: user("/say So it is."),
    });
    expect(status, text).toBe(200);
    expect(JSON.parse(text).choices[0]).toMatchObject({
      message: { content: "So it is." },
      content_filter_results: { hate: { severity: "safe" } },
    });
    const asked = simulator.calls.at(-1);
    expect(asked?.path).toBe(path);
    expect(asked?.headers[header]).toBeDefined();
    expect(asked?.body).toMatchObject({ model: "echo" });
  });

  it("streams, and tells a caller of the contract what the filter found", async () => {
    const stream = await post("/v1/chat/completions", {
      model: `${instance}/gpt-4o`,
      messages: user("/say So it is."),
      stream: true,
    });
    const said = [...stream.text.matchAll(/"content":"([^"]*)"/g)].map(([, piece]) => piece);
    expect(said.join("")).toBe("So it is.");
    const chat = await post("/trunkline.v1.ChatService/Chat", {
      model: `${instance}/gpt-4o`,
      messages: [{ role: "ROLE_USER", parts: [{ text: "Hi" }] }],
    });
    const answer = JSON.parse(chat.text);
    expect(answer.choices[0].safetyRatings).toContainEqual({ category: "hate", severity: "safe" });
    expect(answer.moderation[0]).toMatchObject({ direction: "input", model: "azure-content-filter" });
  });

  it("says that a prompt was refused by the filter", async () => {
    const { status, text } = await post("/v1/chat/completions", {
      model: `${instance}/gpt-4o`,
      messages: user("/filter hate"),
    });
    expect(status).toBe(400);
    expect(JSON.parse(text).error.code).toBe("content_filter");
  });

  it("makes embeddings", async () => {
    const { status, text } = await post("/v1/embeddings", { model: `${instance}/embed`, input: ["one", "two"] });
    expect(status, text).toBe(200);
    expect(JSON.parse(text).data).toHaveLength(2);
  });

  it("asks models of the Responses API there", async () => {
    const { status, text } = await post("/v1/chat/completions", {
      model: `${instance}/gpt-5-pro`,
      messages: user("/say So it is."),
    });
    expect(status, text).toBe(200);
    expect(simulator.calls.at(-1)?.path).toMatch(/^\/openai(\/v1)?\/responses$/);
    expect(JSON.parse(text).choices[0].message.content).toBe("So it is.");
  });
});
