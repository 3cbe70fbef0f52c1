import { expect, it } from "vitest";
import { run, serve } from "./process.ts";

const key = "master-key-of-this-test-0123456789";

async function started() {
  const gateway = await serve(["--simulator"], { env: { TRUNKLINE_MASTER_KEY: key } });
  const env = { TRUNKLINE_MASTER_KEY: key, PORT: new URL(gateway.url).port };
  return { gateway, env };
}

it.each([[[]], [["--rpc"]]])("trunkline chat %j shows the answer, plain when it is piped", async (flags) => {
  const { env } = await started();
  const { exited, stdout, stderr } = run(["chat", ...flags, "-m", "simulator/echo", "/say one two 世界"], { env });
  expect(await exited, stderr()).toBe(0);
  expect(stdout()).toBe("one two 世界\n");
});

it.each([[[]], [["--rpc"]]])("trunkline chat %j fails when a stream is cut, after what was said", async (flags) => {
  const { env } = await started();
  const model = "simulator/echo+fault=cut,after=2";
  const { exited, stdout, stderr } = run(["chat", ...flags, "-m", model, "/say one two three four"], { env });
  expect(await exited).toBe(1);
  expect(stdout()).toBe("one two\n");
  expect(stderr()).toMatch(/\ntrunkline: .+\n$/);
});

it.each([[[]], [["--rpc"]]])(
  "trunkline chat %j with a wrong key says which variable has it, never the key",
  async (flags) => {
    const { env } = await started();
    const wrong = { ...env, TRUNKLINE_MASTER_KEY: "a-wrong-key-0123456789" };
    const { exited, stderr } = run(["chat", ...flags, "-m", "simulator/echo", "Hi"], { env: wrong });
    expect(await exited).toBe(77);
    expect(stderr()).toContain("TRUNKLINE_MASTER_KEY");
    expect(stderr()).not.toContain("a-wrong-key");
  },
);

it("trunkline chat is canceled by Ctrl-C, and the gateway hears of it", async () => {
  const { gateway, env } = await started();
  const { child, exited, stdout } = run(["chat", "-m", "simulator/echo+fault=stall", "/say one two three"], { env });
  for (let i = 0; i < 500 && stdout() === ""; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  child.kill("SIGINT");
  expect(await exited).toBe(130);
  for (let i = 0; i < 500 && !gateway.stderr().includes('"canceled"'); i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(gateway.stderr()).toContain('"outcome":"canceled"');
});

it("trunkline models lists what can be asked", async () => {
  const { env } = await started();
  const { exited, stdout } = run(["models"], { env });
  expect(await exited).toBe(0);
  expect(stdout()).toContain("simulator/echo");
  expect(stdout()).toContain("simulator-anthropic/claude-echo");
});

it.each([["models"], ["chat", "Hi"]])("trunkline %s says where it looked when nobody answers", async (...args) => {
  const { exited, stderr } = run([...args, "--url", "http://127.0.0.1:9"]);
  expect(await exited).toBe(69);
  expect(stderr()).toMatch(/^trunkline: The gateway at http:\/\/127\.0\.0\.1:9 cannot be reached .*\n$/);
});

it("trunkline check tells what is wrong, with path, value and what is allowed", async () => {
  const { exited, stderr } = run(["check"], { config: "server: { port: http }\nprovidrs: {}\n" });
  expect(await exited).toBe(1);
  expect(stderr()).toContain("server.port");
  expect(stderr()).toContain("65535");
  expect(stderr()).toContain("providrs");
});
