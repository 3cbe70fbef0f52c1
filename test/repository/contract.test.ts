import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repository, temporaryFolder } from "../tooling/repository.ts";
import { runTool } from "../tooling/run-tool.ts";

const released = join(repository, "proto/released");

describe("the contract", () => {
  it("is formatted and passes every lint rule, comments on each element included", async () => {
    const format = await runTool("buf", ["format", "--diff", "--exit-code", "proto"]);
    expect(format.output).toBe("");
    const lint = await runTool("buf", ["lint"]);
    expect(lint.output).toBe("");
    expect([format.code, lint.code]).toEqual([0, 0]);
  });

  it("breaks no client of the last released contract", async () => {
    const result = await runTool("buf", ["breaking", "proto", "--against", lastRelease()]);
    expect(result.output).toBe("");
    expect(result.code).toBe(0);
  });

  it.each([
    ["a renamed field", "int32 max_output_tokens = 3", "int32 max_tokens = 3", "changed name"],
    ["a field of another type", "optional int32 top_k = 22", "optional int64 top_k = 22", "changed type"],
    ["a field that lost its presence", "optional bool store = 62", "bool store = 62", "cardinality"],
    ["a removed method", /\n {2}rpc CountTokens\(.*/, "", "CountTokens"],
    ["a removed enum value", /\n {2}LOSS_POLICY_REFUSE = 2;/, "", "LossPolicy"],
  ])("would be caught with %s", async (_name, from, to, complaint) => {
    using copy = temporaryFolder();
    for (const part of ["proto", "third_party", "buf.yaml"]) {
      cpSync(join(repository, part), join(copy.path, part), { recursive: true });
    }
    const path = join(copy.path, "proto/trunkline/v1/chat.proto");
    const proto = readFileSync(path, "utf8");
    const broken = proto.replace(from, to);
    expect(broken).not.toBe(proto);
    writeFileSync(path, broken);
    const result = await runTool("buf", ["breaking", "proto", "--against", lastRelease()], { cwd: copy.path });
    expect(result.code).toBe(100);
    expect(result.stdout).toContain(complaint);
  });
});

describe("gen/", () => {
  it("is what the generator makes of proto/ today", async () => {
    using folder = temporaryFolder();
    const result = await runTool("buf", ["generate", "--output", folder.path]);
    expect(result.output).toBe("");
    expect(filesBelow(join(folder.path, "gen"))).toEqual(filesBelow(join(repository, "gen")));
  });
});

/** The newest file of proto/released/, which CONTRIBUTING.md says how to make. */
function lastRelease(): string {
  const byVersion = new Intl.Collator("en", { numeric: true });
  const last = readdirSync(released).sort(byVersion.compare).at(-1);
  if (last === undefined) throw new Error("proto/released/ is empty.");
  return join(released, last);
}

/** Paths and contents of all files of a folder. */
function filesBelow(folder: string): Readonly<Record<string, string>> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    paths
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(folder.length), readFileSync(path, "utf8")]),
  );
}
