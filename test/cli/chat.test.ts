import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCli } from "../../src/cli/cli.ts";
import { type FakeGateway, fakeKey, startFakeGateway } from "./fake-gateway.ts";
import { type FakeTerminalOptions, fakeTerminal } from "./fake-terminal.ts";

let gateway: FakeGateway;
beforeAll(async () => {
  gateway = await startFakeGateway();
});
afterAll(() => gateway.close());

const esc = "\u001b";

async function run(args: string[], options: FakeTerminalOptions = {}) {
  const terminal = fakeTerminal({ env: { TRUNKLINE_MASTER_KEY: fakeKey }, ...options });
  const cli = createCli({
    version: "0",
    terminal,
    serve: async () => {},
    simulate: async () => {},
    worker: async () => {},
  });
  const exitCode = await cli(args);
  return { exitCode, out: terminal.out(), err: terminal.err() };
}

describe.each([
  ["by REST", []],
  ["by --rpc", ["--rpc"]],
])("trunkline chat %s", (_, protocol: string[]) => {
  const chat = (args: string[], options?: FakeTerminalOptions) =>
    run(["chat", ...protocol, "--url", gateway.url, ...args], options);

  it("writes the answer to standard output and the facts to standard error", async () => {
    const { exitCode, out, err } = await chat(["-m", "sim/first", "Say", "hello"]);
    expect(out).toBe(`Hello${esc}[2J world\n`);
    expect(err).toMatch(/— simulator\/first \(simulated\) · 3 tokens in, 5 out\n$/);
    expect(exitCode).toBe(0);
  });

  it("asks the first model of the list when none is named", async () => {
    await chat(["Hello"]);
    expect(gateway.asked.at(-1)).toMatchObject({ model: "sim/first" });
  });

  it("shows reasoning dimmed on a terminal, and lets no answer steer it", async () => {
    const { out, err } = await chat(["Hello"], { isTTY: true });
    expect(out).toBe(`${esc}[2mHmm.${esc}[22m\n\nHello[2J world\n`);
    expect(err).toContain(`${esc}[2m— simulator/first`);
  });

  it("has no colours when NO_COLOR says so", async () => {
    const env = { TRUNKLINE_MASTER_KEY: fakeKey, NO_COLOR: "1" };
    const { out, err } = await chat(["Hello"], { isTTY: true, env });
    expect(out + err).not.toContain(esc);
  });

  it("sends instructions, and text from standard input for a dash or without words", async () => {
    await chat(["-m", "a", "-s", "Be brief.", "Sum up:", "-"], { input: "long text" });
    const both = JSON.stringify(gateway.asked.at(-1));
    expect(both).toContain("Be brief.");
    expect(both).toContain(String.raw`Sum up:\n\nlong text`);
    await chat(["-m", "a"], { input: "only this" });
    expect(JSON.stringify(gateway.asked.at(-1))).toContain("only this");
  });

  it("says why an answer ended early", async () => {
    expect((await chat(["-m", "short", "Hello"])).err).toContain("ended by length");
  });

  it("says in one sentence that the model is unknown", async () => {
    const { exitCode, err } = await chat(["-m", "missing", "Hello"]);
    expect(err).toBe("trunkline: There is no model missing.\n");
    expect(exitCode).toBe(1);
  });

  it("shows what came before a failure, then the failure", async () => {
    const { exitCode, out, err } = await chat(["-m", "broken", "Hello"]);
    expect(out).toBe(`Hello${esc}[2J world\n`);
    expect(err).toMatch(/trunkline: The provider hung up\.\n$/);
    expect(exitCode).toBe(1);
  });

  it("says in one sentence that the key is bad or missing, without the key", async () => {
    const bad = await chat(["-m", "a", "Hello"], { env: { TRUNKLINE_MASTER_KEY: "canary-key" } });
    expect(bad.err).toBe(`trunkline: The gateway at ${gateway.url} refused the key in TRUNKLINE_MASTER_KEY.\n`);
    expect(bad.exitCode).toBe(77);
    const none = await chat(["-m", "a", "Hello"], { env: {} });
    expect(none.err).toBe(`trunkline: The gateway at ${gateway.url} asks for a key; set TRUNKLINE_MASTER_KEY.\n`);
  });

  it("reads the key from the variable that --key-env names", async () => {
    expect((await chat(["-m", "a", "--key-env", "MY_KEY", "Hello"], { env: { MY_KEY: fakeKey } })).exitCode).toBe(0);
    const { exitCode, err } = await chat(["-m", "a", "--key-env", "MY_KEY", "Hello"], { env: {} });
    expect(err).toBe("trunkline: The environment variable MY_KEY, named by --key-env, is not set.\n");
    expect(exitCode).toBe(64);
  });

  it("says in one sentence that nothing answers", async () => {
    const closed = await startFakeGateway();
    await closed.close();
    const { exitCode, err } = await run(["chat", ...protocol, "--url", closed.url, "-m", "a", "Hello"]);
    expect(err).toMatch(
      /^trunkline: The gateway at http:\S+ cannot be reached \(.*ECONNREFUSED.*\)\. Is it running\? Start it/,
    );
    expect(err.trim()).not.toContain("\n");
    expect(exitCode).toBe(69);
  });
});

describe("Ctrl-C in trunkline chat", () => {
  it.each([["--rpc"], ["--url"]])("cancels the call at the gateway (%s)", async (flag) => {
    const slow = await startFakeGateway();
    const args = ["chat", ...(flag === "--rpc" ? ["--rpc"] : []), "--url", slow.url, "-m", "slow", "Hello"];
    const terminal = fakeTerminal({
      env: { TRUNKLINE_MASTER_KEY: fakeKey },
      onOutput: (text) => text.includes("world") && terminal.interrupt(),
    });
    const cli = createCli({
      version: "0",
      terminal,
      serve: async () => {},
      simulate: async () => {},
      worker: async () => {},
    });
    expect(await cli(args)).toBe(130);
    await slow.left;
    expect(terminal.err()).toMatch(/trunkline: Canceled\.\n$/);
    await slow.close();
  });
});

describe("trunkline chat", () => {
  it("fails when the answer ends without its end marker", async () => {
    const { exitCode, err } = await run(["chat", "--url", gateway.url, "-m", "cut", "Hello"]);
    expect(err).toMatch(/trunkline: The answer ended before it was complete\.\n$/);
    expect(exitCode).toBe(1);
  });

  it.each([
    [["chat", "--url", "localhost:8080", "x"], "--url takes an http or https URL"],
    [["chat", "--url", "http://me:canary@h/", "x"], "--url takes no user and password"],
    [["chat"], "What is the question?"],
  ])("refuses wrong usage: %j", async (args, expected) => {
    const { exitCode, err } = await run(args);
    expect(err).toContain(expected);
    expect(err).not.toContain("canary");
    expect(exitCode).toBe(64);
  });

  it("refuses empty input", async () => {
    expect((await run(["chat"], { input: " \n" })).err).toContain("Standard input held no text.");
  });
});

describe("trunkline models", () => {
  it("prints a table of all pages, which cannot steer the terminal", async () => {
    const { exitCode, out } = await run(["models", "--url", gateway.url], {
      isTTY: true,
      env: { TRUNKLINE_MASTER_KEY: fakeKey, NO_COLOR: "1" },
    });
    expect(out).toBe(
      [
        "MODEL      FROM      CONTEXT  CAN",
        "sim/first  provider  128,000  tools",
        "fast[31m  alias                     unavailable",
        "2 models\n",
      ].join("\n"),
    );
    expect(exitCode).toBe(0);
  });

  it("prints JSON on demand", async () => {
    const { out } = await run(["models", "--json", "--url", gateway.url]);
    expect(JSON.parse(out).models[0]).toMatchObject({ name: "sim/first", contextWindow: 128_000 });
  });

  it("says in one sentence that the key is bad", async () => {
    const { exitCode, err } = await run(["models", "--url", gateway.url], { env: { TRUNKLINE_MASTER_KEY: "x" } });
    expect(err).toBe(`trunkline: The gateway at ${gateway.url} refused the key in TRUNKLINE_MASTER_KEY.\n`);
    expect(exitCode).toBe(77);
  });

  it("says in one sentence that nothing answers", async () => {
    const closed = await startFakeGateway();
    await closed.close();
    const { exitCode, err } = await run(["models", "--url", closed.url]);
    expect(err).toMatch(/cannot be reached \(.*\)\. Is it running\?/);
    expect(exitCode).toBe(69);
  });
});
