import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { repository, repositoryFiles, temporaryFolder } from "./tooling/repository.ts";
import { runTool } from "./tooling/run-tool.ts";

const maxLines = 300;
const files = repositoryFiles();
const sources = files.filter((path) => /^src\/.*[.]ts$/.test(path));
const ours = files.filter(
  (path) =>
    !path.startsWith("test/conformance/gen/") && /^(src|test|bench|docs|dashboard)\/.*[.]ts$|^[^/]+[.]ts$/.test(path),
);

describe("import rules", () => {
  it("hold for every file of src/", async () => {
    const report = await cruise(repository, ["src"]);
    expect(report.violations.map((one) => `${one.rule}: ${one.from} → ${one.to}`)).toEqual([]);
    // With a compiler that it does not know the tool cruises nothing and is content.
    expect(report.cruised).toEqual(expect.arrayContaining(sources));
  });

  it("catch a violation of each rule", async () => {
    using copy = copyOfSources();
    for (const { file, text } of planted) {
      const path = join(copy.path, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    const report = await cruise(copy.path, ["src", "dashboard"]);
    const caught = new Set(report.violations.map((one) => `${one.rule} in ${one.from}`));
    const missed = planted.filter(({ rule, file }) => rule !== undefined && !caught.has(`${rule} in ${file}`));
    expect(missed).toEqual([]);
    expect(new Set(planted.flatMap(({ rule }) => rule ?? []))).toEqual(new Set(ruleNames()));
  });
});

describe("files", () => {
  it(`of src/ have at most ${maxLines} lines`, () => {
    const long = sources.filter((path) => read(path).split("\n").length - 1 > maxLines);
    expect(long).toEqual([]);
  });

  it("are not named after nothing", () => {
    const vague = files.filter((path) => /(^|\/)(utils?|helpers?|common|misc|index)([.][cm]?[jt]sx?$|\/)/.test(path));
    expect(vague.filter((path) => !/^(gen|third_party)\//.test(path))).toEqual([]);
  });

  it("have kebab-case names", () => {
    const odd = ours.filter((path) => !/^[a-z0-9-]+([.][a-z0-9-]+)*[.]ts$/.test(path.split("/").at(-1) ?? ""));
    expect(odd).toEqual([]);
  });

  it("export nothing by default, except configurations of tools that ask for it", () => {
    const exporting = ours.filter((path) => /^export default /m.test(read(path)));
    expect(exporting).toEqual(["vitest.config.ts"]);
  });

  it("have nothing left to do, skipped or switched off without a reason", () => {
    const marks = new RegExp(
      [
        "TO" + "DO",
        "FIX" + "ME",
        "XX" + "X\\b",
        "\\b(it|test|describe)[.](skip|only|todo)\\b",
        "@ts-(ignore|nocheck)",
      ].join("|"),
    );
    expect(linesWith(ours, marks)).toEqual([]);
    expect(linesWith(ours, new RegExp(`${"biome"}-ignore(?! [^:]+: \\S)`))).toEqual([]);
  });
});

describe("the repository", () => {
  it("names no machine's folders and no package host", () => {
    const foreign = new RegExp(
      [
        "/wor" + "k/",
        "/hom" + "e/",
        "/roo" + "t/",
        "[.][.]/shar" + "ed",
        "registry[.]npm" + "js",
        "py" + "pi[.]org",
        "proxy[.]go" + "lang",
      ].join("|"),
    );
    const texts = files.filter((path) => !/^(third_party|test\/golden)\/|[.]binpb$/.test(path));
    expect(linesWith(texts, foreign)).toEqual([]);
  });

  it("carries the licence of everything under third_party/", () => {
    const parts = new Set(files.filter((path) => path.startsWith("third_party/")).map((path) => path.split("/")[1]));
    const bare = [...parts].filter((part) => !files.includes(`third_party/${part}/LICENSE`));
    expect(bare).toEqual([]);
    expect(parts.size).toBeGreaterThan(0);
    expect(read("LICENSE")).toContain("Apache License");
  });
});

interface Planted {
  /** The rule that this file breaks; none when it is only there to be imported. */
  readonly rule?: string;
  readonly file: string;
  readonly text: string;
}

const planted: readonly Planted[] = [
  ...["src/edges/planted/edge.ts", "src/domain/utils.ts", "src/net/planted.ts", "src/routing/planted.ts"].map(
    (file) => ({
      file,
      text: "export const planted = 1;\n",
    }),
  ),
  importing("src/domain/planted-hen.ts", "./planted-egg.ts"),
  breaking("no-cycles", "src/domain/planted-egg.ts", "./planted-hen.ts"),
  breaking("main-is-last", "src/cli/planted-main.ts", "../main.ts"),
  breaking("gateway-has-no-edges", "src/gateway.ts", "./edges/planted/edge.ts"),
  breaking("gateway-knows-domain", "src/gateway.ts", "./edges/planted/edge.ts"),
  breaking("dashboard-knows-the-contract", "dashboard/planted.ts", "../src/gateway.ts"),
  breaking("no-dumping-ground", "src/domain/planted-dump.ts", "./utils.ts"),
  breaking("domain-stands-alone", "src/domain/planted-net.ts", "../net/planted.ts"),
  breaking("config-knows-domain", "src/config/planted.ts", "../net/planted.ts"),
  breaking("services-are-strangers", "src/accounts/planted.ts", "../routing/planted.ts"),
  breaking("net-is-low", "src/net/planted-up.ts", "../routing/planted.ts"),
  breaking("simulator-stands-alone", "src/simulator/planted.ts", "../net/planted.ts"),
  breaking("adapters-are-strangers-and-pure", "src/providers/openai/planted.ts", "../../net/planted.ts"),
  breaking("adapters-are-strangers-and-pure", "src/providers/chat-completions/planted.ts", "../openai/adapter.ts"),
  breaking("azure-resells-openai", "src/providers/azure/planted.ts", "../anthropic/adapter.ts"),
  breaking("bedrock-resells-anthropic", "src/providers/bedrock/planted.ts", "../openai/adapter.ts"),
  breaking("vertex-resells-gemini-and-anthropic", "src/providers/vertex/planted.ts", "../openai/adapter.ts"),
  breaking("dialects-are-pure", "src/dialects/planted.ts", "../config/planted.ts"),
  breaking("edges-see-the-gateway", "src/edges/rest/planted.ts", "../../routing/planted.ts"),
  breaking("workers-serve-nobody", "src/workers/planted.ts", "../routing/planted.ts"),
  breaking("the-top-is-last", "src/workers/planted-top.ts", "../serving.ts"),
  breaking("one-rpc-door", "src/domain/planted-rpc.ts", "@connectrpc/connect"),
  breaking("one-telemetry-door", "src/domain/planted-telemetry.ts", "@opentelemetry/api"),
  breaking("one-socket-door", "src/domain/planted-socket.ts", "node:http"),
  breaking("one-socket-door", "src/domain/planted-client.ts", "undici"),
];

function breaking(rule: string, file: string, module: string): Planted {
  return { rule, ...importing(file, module) };
}

function importing(file: string, module: string): Planted {
  return { file, text: `import * as planted from "${module}";\nexport const found = planted;\n` };
}

function copyOfSources(): ReturnType<typeof temporaryFolder> {
  const copy = temporaryFolder();
  for (const part of ["src", "gen", "tsconfig.json", "package.json", ".dependency-cruiser.cjs"]) {
    cpSync(join(repository, part), join(copy.path, part), { recursive: true });
  }
  symlinkSync(join(repository, "node_modules"), join(copy.path, "node_modules"));
  return copy;
}

/** The part of dependency-cruiser's JSON report that is read here. */
interface CruiseReport {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly violations: readonly {
      readonly rule: { readonly name: string };
      readonly from: string;
      readonly to: string;
    }[];
  };
}

async function cruise(folder: string, parts: readonly string[]) {
  const args = ["--config", ".dependency-cruiser.cjs", "--output-type", "json", ...parts];
  const { stdout, output } = await runTool("depcruise", args, { cwd: folder });
  if (!stdout.startsWith("{")) throw new Error(`dependency-cruiser gave no report:\n${output}`);
  const report: CruiseReport = JSON.parse(stdout);
  return {
    cruised: report.modules.map((module) => module.source),
    violations: report.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to })),
  };
}

function ruleNames(): readonly string[] {
  const rules: { readonly forbidden: readonly { readonly name: string }[] } = createRequire(import.meta.url)(
    join(repository, ".dependency-cruiser.cjs"),
  );
  return rules.forbidden.map((rule) => rule.name);
}

function read(path: string): string {
  return readFileSync(join(repository, path), "utf8");
}

function linesWith(paths: readonly string[], pattern: RegExp): readonly string[] {
  return paths.flatMap((path) =>
    read(path)
      .split("\n")
      .flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),
  );
}
