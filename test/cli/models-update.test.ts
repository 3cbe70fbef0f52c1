import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createCli } from "../../src/cli/cli.ts";
import { fakeTerminal } from "./fake-terminal.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "trunkline-update-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function update(...args: string[]) {
  const terminal = fakeTerminal({ folder, env: { TRUNKLINE_DATA_DIR: "data" } });
  const nothing = { serve: async () => {}, simulate: async () => {}, worker: async () => {} };
  const exitCode = await createCli({ version: "1", terminal, ...nothing })(["models", "update", ...args]);
  return { exitCode, out: terminal.out(), err: terminal.err() };
}

/** Serves on this machine until the test is over. */
async function serving(answer: (path: string, res: ServerResponse) => void): Promise<string> {
  const server = createServer((req, res) => answer(req.url ?? "", res));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

const entry = {
  match: ["gpt-5"],
  source: "test",
  context_window: 7,
  price: { input: 1.5, output: 10, source: "test" },
};
const catalog = (...entries: object[]) => ({ format: 1, providers: { openai: entries } });
const put = (name: string, content: unknown) =>
  writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
const written = () => JSON.parse(readFileSync(join(folder, "data", "models.json"), "utf8"));

describe("trunkline models update", () => {
  it("shows what a file changes, and writes it whole into the data folder", async () => {
    put("new.json", catalog(entry, { match: ["brand-new"], source: "unverified", efforts: ["low"] }));
    const { exitCode, out, err } = await update("new.json");
    expect(err).toBe("");
    expect(exitCode).toBe(0);
    expect(out).toContain("entries     2 of 1 providers, 1 with something unverified");
    expect(out).toContain("models      1 added, 1 changed, 0 removed");
    expect(out).toContain("price       openai gpt-5: input 1.25 → 1.5 USD");
    expect(out).toContain(`Written to ${join(folder, "data", "models.json")}.`);
    expect(written().providers.openai).toHaveLength(2);
    expect(readdirSync(join(folder, "data"))).toEqual(["models.json"]);
  });

  it("compares with the update before, and counts what that had and the new one has not", async () => {
    put("one.json", catalog(entry, { match: ["brand-new"], source: "test" }));
    put("two.json", catalog(entry));
    await update("one.json");
    expect((await update("two.json")).out).toContain("models      0 added, 0 changed, 1 removed");
    expect((await update("two.json")).out).toContain("models      0 added, 0 changed, 0 removed");
  });

  it("writes nothing on a dry run", async () => {
    put("new.yaml", "format: 1\nproviders: { openai: [{ match: [gpt-5], source: test, as_of: 2026-11-20 }] }");
    const { exitCode, out } = await update("new.yaml", "--dry-run");
    expect(exitCode).toBe(0);
    expect(out).toContain("Nothing was written.");
    expect(readdirSync(folder)).toEqual(["new.yaml"]);
  });

  it("replaces an update that has gone bad", async () => {
    put("new.json", catalog(entry));
    await update("new.json");
    writeFileSync(join(folder, "data", "models.json"), "{");
    expect((await update("new.json")).exitCode).toBe(0);
    expect(written()).toEqual(catalog(entry));
  });

  it("takes a URL, and follows redirects on the same host", async () => {
    const url = await serving((path, res) => {
      if (path === "/old") res.writeHead(302, { location: "/new?x=1" }).end();
      else if (path === "/new?x=1") res.end(JSON.stringify(catalog(entry)));
      else res.writeHead(404).end();
    });
    expect(await update(`${url}/old`)).toMatchObject({ exitCode: 0, err: "" });
    expect(written()).toEqual(catalog(entry));
    expect(await update(`${url}/none`)).toMatchObject({
      exitCode: 69,
      err: expect.stringContaining("answered HTTP 404"),
    });
  });

  it("is not led to another host, and not in circles", async () => {
    let asked = 0;
    const other = await serving((_, res) => {
      asked++;
      res.end(JSON.stringify(catalog(entry)));
    });
    const url = await serving((path, res) =>
      res.writeHead(307, { location: path === "/round" ? "/round" : other }).end(),
    );
    expect(await update(`${url}/`)).toMatchObject({ exitCode: 69, err: expect.stringContaining(`leads to ${other}`) });
    expect(await update(`${url}/round`)).toMatchObject({
      exitCode: 69,
      err: expect.stringContaining("more than 3 times"),
    });
    expect(asked).toBe(0);
  });

  it("reads no more than a catalogue may be large", async () => {
    const megabyte = " ".repeat(1024 * 1024);
    const url = await serving((_, res) => {
      const more = () => res.write(megabyte, () => res.destroyed || more());
      more();
    });
    expect(await update(`${url}/`)).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining("larger than 4194304 bytes"),
    });
    put("large.json", megabyte.repeat(5));
    expect(await update("large.json")).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining("larger than 4194304"),
    });
  });

  it.each([
    ["http://example.test/models.json", "by https, or by http from this machine"],
    ["ftp://127.0.0.1/models.json", "by https, or by http from this machine"],
    ["https://", "by https, or by http from this machine"],
    ["https://me:secret@example.test/", "takes no user and no password"],
  ])("does not ask %s", async (source, expected) => {
    const { exitCode, err } = await update(source);
    expect(err).toContain(expected);
    expect(err).not.toContain("secret");
    expect(exitCode).toBe(64);
  });

  it("says that nobody answers", async () => {
    const { exitCode, err } = await update("http://127.0.0.1:1/models.json");
    expect(err).toContain("http://127.0.0.1:1/models.json:");
    expect(exitCode).toBe(69);
  });
});

describe("a catalogue that is wrong is refused, by the field:", () => {
  const bad = (more: object) => catalog({ match: ["m"], source: "s", ...more });
  it.each<[string, unknown, string]>([
    ["no JSON", "{", "is not valid JSON."],
    ["depth", "[".repeat(20) + "]".repeat(20), "nests deeper than 16 levels."],
    ["another format", { format: 2, providers: {} }, "format is 2; it takes 1."],
    ["a provider nobody knows", { format: 1, providers: { opnai: [] } }, "providers.opnai"],
    ["no source", catalog({ match: ["m"] }), "providers.openai[0].source is missing; it takes a URL or the name"],
    ["no pattern", bad({ match: [] }), "providers.openai[0].match is []; it takes a list of 1 to 64 entries."],
    ["stars", bad({ match: ["*****"] }), 'providers.openai[0].match[0] is "*****"; it takes 1 to 128 characters'],
    ["a typo", bad({ context_windows: 1 }), "providers.openai[0].context_windows is not a setting; did you mean"],
    ["a window", bad({ context_window: 0 }), "providers.openai[0].context_window is 0; it takes a whole number from 1"],
    ["a parameter", bad({ parameters_refused: ["tools"] }), 'parameters_refused[0] is "tools"; it takes one of temp'],
    ["a price", bad({ price: { input: -1, output: 1, source: "s" } }), "price.input is -1; it takes a number from 0"],
    [
      "a tier",
      bad({ price: { input: 1, output: 1, source: "s", tiers: { flex: { input: 1 } } } }),
      "flex.output is missing",
    ],
    ["a date", bad({ as_of: "yesterday" }), 'as_of is "yesterday"; it takes a date, such as 2026-11'],
    ["a style", bad({ reasoning: { style: "loud" } }), "reasoning.style"],
    ["a budget", bad({ reasoning: { style: "budget", min_budget: 2, max_budget: 1 } }), "min_budget is not above"],
  ])("%s", async (_, content, expected) => {
    put("bad.json", content);
    const { exitCode, err } = await update("bad.json");
    expect(err).toContain(expected);
    expect(exitCode).toBe(1);
    expect(readdirSync(folder)).toEqual(["bad.json"]);
  });
});
