import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { freePort } from "../tooling/free-port.ts";
import { logLines, run, serve } from "./process.ts";

const json = { "content-type": "application/json" };

function chat(url: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const messages = [{ role: "user", content: "Say hello." }];
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { ...json, ...headers },
    body: JSON.stringify({ model: "simulator/echo", messages, ...body }),
  });
}

async function errorOf(response: Response): Promise<{ code: string; message: string }> {
  return ((await response.json()) as { error: { code: string; message: string } }).error;
}

/** A stream that is still being written when it is returned: ten words, a tenth of a second apart. */
async function slowStream(url: string): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const messages = [{ role: "user", content: "/words 10" }];
  const response = await chat(url, { stream: true, messages });
  const reader = response.body?.getReader();
  if (!reader) throw new Error("a stream has a body");
  await reader.read();
  return reader;
}

async function rest(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += new TextDecoder().decode(value);
  }
}

describe("trunkline serve", () => {
  it("on SIGTERM loses none of 200 streams that end within the grace time", async () => {
    const gateway = await serve(["--simulator"], { config: "simulator: { token_delay_ms: 150 }\n" });
    const streams = await Promise.all(Array.from({ length: 200 }, () => slowStream(gateway.url)));
    gateway.child.kill("SIGTERM");
    const ends = await Promise.all(streams.map((stream) => rest(stream)));
    for (const text of ends) expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
    expect(await gateway.exited).toBe(0);
  });

  it("says when it is ready and where, answers, and writes a line for each request", async () => {
    const gateway = await serve(["--simulator"]);
    const response = await chat(gateway.url, {});
    expect(response.status).toBe(200);
    await response.text();
    const lines = () => logLines(gateway).filter(({ message }) => message === "request");
    for (let i = 0; i < 500 && lines().length === 0; i++) await pause(10);
    expect(lines()[0]).toMatchObject({ level: "info", requestId: response.headers.get("x-request-id"), outcome: "ok" });
    expect((await fetch(`${gateway.opsUrl}/health/ready`)).status).toBe(200);
    gateway.child.kill("SIGTERM");
    expect(await gateway.exited).toBe(0);
    expect(gateway.stdout()).toBe("");
  });

  it("on SIGTERM it is no longer ready, lets streams finish, and ends with 0", async () => {
    const gateway = await serve(["--simulator"], {
      config: "server: { drain_delay_ms: 300 }\nsimulator: { token_delay_ms: 100 }\n",
    });
    const reader = await slowStream(gateway.url);
    gateway.child.kill("SIGTERM");
    await pause(50);
    expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(503);
    expect((await fetch(`${gateway.opsUrl}/health/ready`)).status).toBe(503);
    expect((await fetch(`${gateway.opsUrl}/health/live`)).status).toBe(200);
    expect(await rest(reader)).toMatch(/data: \[DONE\]\n\n$/);
    expect(await gateway.exited).toBe(0);
  });

  it("streams that take longer than the drain may last end with an error, not in the middle of nothing", async () => {
    const config = "server: { drain_ms: 200 }\nsimulator: { token_delay_ms: 300 }\n";
    const gateway = await serve(["--simulator"], { config });
    const reader = await slowStream(gateway.url);
    gateway.child.kill("SIGTERM");
    const text = await rest(reader);
    expect(text).toContain('"code":"draining"');
    expect(text).not.toContain("[DONE]");
    expect(await gateway.exited).toBe(0);
  });

  it("a second SIGTERM ends it at once", async () => {
    const gateway = await serve(["--simulator"], { config: "server: { drain_delay_ms: 20000 }\n" });
    gateway.child.kill("SIGTERM");
    await pause(100);
    gateway.child.kill("SIGTERM");
    expect(await gateway.exited).toBe("SIGTERM");
  });

  it.each(["public", "ops"])("a %s port in use is one sentence and 69", async (which) => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = String(typeof address === "object" ? address?.port : "");
    const ports =
      which === "public" ? { PORT: port, TRUNKLINE_OPS_PORT: "0" } : { PORT: "0", TRUNKLINE_OPS_PORT: port };
    const env = { ...ports, TRUNKLINE_MASTER_KEY: "key-of-this-test-0123456789" };
    const { exited, stderr } = run(["serve", "--simulator"], { env });
    expect(await exited).toBe(69);
    expect(stderr()).toBe(
      `trunkline: Port ${port} on 127.0.0.1 is in use: stop what listens there, or choose another port (0 picks a free one).\n`,
    );
    taken.close();
  });

  it("a wrong configuration is told in full, and nothing listens", async () => {
    const { exited, stderr } = run(["serve", "--port", "99999"], { config: "server: { drain_ms: soon }\n" });
    expect(await exited).toBe(78);
    expect(stderr()).toContain("99999");
    expect(stderr()).toContain("65535");
    expect(stderr()).toContain("server.drain_ms");
    expect(stderr()).not.toContain("    at ");
  });

  it("without a provider the simulator answers, and that is said", async () => {
    const gateway = await serve();
    const [warning] = logLines(gateway).filter(({ message }) => String(message).startsWith("No provider"));
    expect(warning).toMatchObject({ level: "warn", message: /simulator answers\. Set OPENAI_API_KEY/ });
    const response = await chat(gateway.url, {});
    expect(response.headers.get("trunkline-simulated")).toBe("true");
    await response.text();
  });

  it("a provider that cannot be reached does not stop it from starting", async () => {
    const port = await freePort();
    const env = { OPENAI_API_KEY: "sk-of-nobody-0123456789", OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` };
    const gateway = await serve([], { env });
    const response = await chat(gateway.url, { model: "openai/gpt-x" });
    expect(response.status).toBe(503);
    expect(await errorOf(response)).toMatchObject({ code: "service_unavailable", message: /openai/ });
    expect(gateway.stderr()).not.toContain("sk-of-nobody");
  });
});
