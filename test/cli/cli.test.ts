import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCli } from "../../src/cli/cli.ts";
import type { SimulateOptions } from "../../src/cli/simulate.ts";
import type { ConfigFlags } from "../../src/config/load.ts";
import { ConfigError } from "../../src/config/problems.ts";
import { type FakeTerminalOptions, fakeTerminal } from "./fake-terminal.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "trunkline-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Handlers {
  serve?(flags: ConfigFlags): Promise<void>;
  simulate?(options: SimulateOptions): Promise<void>;
}

async function run(args: string[], handlers: Handlers = {}, options: FakeTerminalOptions = {}) {
  const terminal = fakeTerminal({ folder, ...options });
  const nothing = { serve: async () => {}, simulate: async () => {}, worker: async () => {} };
  const cli = createCli({ version: "1.2.3", terminal, ...nothing, ...handlers });
  const exitCode = await cli(args);
  return { exitCode, out: terminal.out(), err: terminal.err() };
}

const systemError = (code: string, more: object = {}) => Object.assign(new Error(`listen ${code}`), { code, ...more });
const failing = (error: Error): Handlers => ({ serve: () => Promise.reject(error) });

describe("the trunkline command", () => {
  it("shows its version and its help", async () => {
    expect(await run(["--version"])).toEqual({ exitCode: 0, out: "1.2.3\n", err: "" });
    const { exitCode, out } = await run(["--help"]);
    expect(exitCode).toBe(0);
    for (const word of ["serve", "simulate", "check", "models", "chat", "Exit codes"]) expect(out).toContain(word);
  });

  it.each([
    [["srve"], "unknown command 'srve'", "Did you mean serve?"],
    [["serve", "--prot", "1"], "unknown option '--prot'", "Did you mean --port?"],
    [["simulate", "--port", "x"], "It takes a whole number from 0 to 65535.", ""],
    [["simulate", "--token-delay-ms", "-1"], "It takes a whole number from 0 to 60000.", ""],
    [["check", "extra"], "too many arguments", ""],
  ])("refuses wrong usage with 64: %j", async (args, expected, advice) => {
    const { exitCode, err } = await run(args);
    expect(err).toContain(expected);
    expect(err).toContain(advice);
    expect(exitCode).toBe(64);
  });
});

describe("trunkline serve", () => {
  it("hands its flags on as they were typed", async () => {
    let seen: ConfigFlags | undefined;
    const serve = async (flags: ConfigFlags) => {
      seen = flags;
    };
    const args = [
      "serve",
      "-c",
      "a.yaml",
      "--host",
      "::1",
      "-p",
      "0",
      "--simulator",
      "--log-level",
      "debug",
      "--log-format",
      "json",
    ];
    expect((await run(args, { serve })).exitCode).toBe(0);
    expect(seen).toEqual({
      config: "a.yaml",
      host: "::1",
      port: "0",
      simulator: true,
      logLevel: "debug",
      logFormat: "json",
    });
  });

  it.each([
    [
      systemError("EADDRINUSE", { address: "127.0.0.1", port: 8080 }),
      69,
      "trunkline: The address 127.0.0.1:8080 is in use by another process; stop it or choose another port.\n",
    ],
    [
      systemError("EADDRNOTAVAIL", { address: "192.0.2.1", port: 80 }),
      69,
      "trunkline: The address 192.0.2.1:80 is not one of this machine; choose another host.\n",
    ],
    [
      systemError("EACCES", { address: "127.0.0.1", port: 80 }),
      77,
      "trunkline: No permission to listen on 127.0.0.1:80; ports below 1024 need one.\n",
    ],
    [new Error("Port 80 is taken.", { cause: systemError("EADDRINUSE") }), 69, "trunkline: Port 80 is taken.\n"],
    [new ConfigError(["PORT: server.port is wrong."]), 78, "trunkline: PORT: server.port is wrong.\n"],
    [
      new Error("odd"),
      70,
      "trunkline: Something failed that should not: odd Run it again with --debug to see where.\n",
    ],
  ])("says in one sentence what failed: %s", async (error, exitCode, err) => {
    expect(await run(["serve"], failing(error))).toEqual({ exitCode, out: "", err });
  });

  it("shows where it failed with --debug only", async () => {
    const handlers = failing(new Error("odd", { cause: new Error("deep") }));
    expect((await run(["serve"], handlers)).err).not.toContain("cli.test.ts");
    const { err } = await run(["serve", "--debug"], handlers);
    expect(err).toContain("cli.test.ts");
    expect(err).toContain("caused by Error: deep");
  });
});

describe("trunkline simulate", () => {
  it("hands its options on as numbers", async () => {
    let seen: SimulateOptions | undefined;
    const simulate = async (options: SimulateOptions) => {
      seen = options;
    };
    await run(["simulate", "--port", "0", "--token-delay-ms", "5"], { simulate });
    expect(seen).toEqual({ host: "127.0.0.1", port: 0, tokenDelayMs: 5 });
  });
});

describe("trunkline check", () => {
  it("tells what a right configuration amounts to, without secrets", async () => {
    writeFileSync(
      join(folder, "trunkline.yaml"),
      "providers: { openai: { api_key: env://K, models: [a] } }\nmodels: { fast: { targets: [openai/a] } }\n",
    );
    const { exitCode, out } = await run(["check"], {}, { env: { K: "sk-canary" } });
    expect(exitCode).toBe(0);
    expect(out).toContain("127.0.0.1:8080, open");
    expect(out).toContain("https://api.openai.com/v1, key set, 1 configured models");
    expect(out).toMatch(/alias fast +openai\/a/);
    expect(out).toMatch(/warning +No master key/);
    expect(out).toMatch(/The configuration is right\.\n$/);
    expect(out).not.toContain("canary");
  });

  it("lists all problems and ends with 1", async () => {
    writeFileSync(join(folder, "trunkline.yaml"), "server:\n  port: x\nnope: 1\n");
    const { exitCode, out, err } = await run(["check"]);
    expect(exitCode).toBe(1);
    expect(out).toBe("");
    expect(err).toContain("2 problems:");
    expect(err).toContain("trunkline.yaml:2: server.port");
    expect(err).toContain("trunkline.yaml:3: nope is not a setting");
  });

  it("says in one sentence that the file is missing", async () => {
    const { err } = await run(["check", "-c", "nope.yaml"]);
    expect(err).toBe(`trunkline: ${folder}/nope.yaml does not exist.\n`);
  });

  it("prints the JSON Schema of the file", async () => {
    const { out } = await run(["check", "--schema"]);
    const schema = JSON.parse(out);
    expect(schema.properties.server.properties.port).toEqual({
      default: 8080,
      description: "Port of REST and RPC; 0 picks a free one and prints it.",
      type: "integer",
      minimum: 0,
      maximum: 65_535,
    });
    expect(out).not.toMatch(/"(allowed|unit|later)"|"secret": true/);
  });
});
