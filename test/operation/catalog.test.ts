import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { logLines, type Ready, run, serve } from "./process.ts";

/** A provider that keeps what it was asked, and answers. */
async function startProvider() {
  const bodies: Record<string, unknown>[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      if (req.method === "GET") return res.end('{"object":"list","data":[]}');
      bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
      const choices = [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }];
      res.setHeader("content-type", "application/json");
      return res.end(JSON.stringify({ id: "1", object: "chat.completion", created: 1, model: "m", choices }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { bodies, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
}

async function ask(gateway: Ready) {
  const body = { model: "own-model", temperature: 0.5, seed: 7, messages: [{ role: "user", content: "Hi" }] };
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
  await answer.text();
  return answer.headers.get("trunkline-loss");
}

async function reload(gateway: Ready): Promise<void> {
  const replaced = () => logLines(gateway).filter(({ message }) => message === "configuration replaced").length;
  const before = replaced();
  gateway.child.kill("SIGHUP");
  await vi.waitUntil(() => replaced() > before, { timeout: 20_000 });
}

const refusing = (...parameters: readonly string[]) => ({
  format: 1,
  providers: {
    openai: [{ match: ["own-*"], source: "test", parameters_refused: parameters, drop_refused: true }],
  },
});

it("facts of an update, of a file and of the configuration change what is sent, each over the one before", async () => {
  const provider = await startProvider();
  const env = { OPENAI_API_KEY: "sk-test-0123456789", OPENAI_BASE_URL: provider.url };
  const gateway = await serve([], { env, config: "providers: { openai: { models: [own-model] } }" });
  const configure = (text: string) => writeFileSync(join(gateway.folder, "trunkline.yaml"), text);
  expect(await ask(gateway)).toBeNull();
  expect(provider.bodies.at(-1)).toMatchObject({ temperature: 0.5, seed: 7 });

  const source = join(gateway.folder, "update.json");
  writeFileSync(source, JSON.stringify(refusing("temperature")));
  const update = run(["models", "update", source], { env: { ...env, TRUNKLINE_DATA_DIR: gateway.folder } });
  expect(await update.exited).toBe(0);
  expect(update.stdout()).toContain("models      1 added, 0 changed, 0 removed");
  await reload(gateway);
  expect(await ask(gateway)).toBe("temperature;dropped");
  expect(provider.bodies.at(-1)).not.toHaveProperty("temperature");

  writeFileSync(join(gateway.folder, "own.json"), JSON.stringify(refusing("seed")));
  configure("providers: { openai: { models: [own-model] } }\ncatalog: { file: own.json }");
  await reload(gateway);
  expect(await ask(gateway)).toBe("seed;dropped");

  configure(
    "providers: { openai: { models: [{ id: own-model, parameters_refused: [] }] } }\ncatalog: { file: own.json }",
  );
  await reload(gateway);
  expect(await ask(gateway)).toBeNull();
  expect(provider.bodies.at(-1)).toMatchObject({ temperature: 0.5, seed: 7 });
});
