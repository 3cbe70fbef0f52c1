import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/config/problems.ts";
import { parseYaml, readYamlFile } from "../../src/config/yaml-file.ts";

function refusal(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
const parseRefusal = (text: string) => refusal(() => parseYaml(text, "t.yaml"));

describe("parseYaml", () => {
  it("gives the tree and the line of each setting", () => {
    const file = parseYaml("server:\n  host: a\n  cors:\n    origins:\n      - x\n      - y\n", "t.yaml");
    expect(file.tree).toEqual({ server: { host: "a", cors: { origins: ["x", "y"] } } });
    expect(file.lineOf(["server", "cors", "origins", 1])).toBe(6);
    expect(file.lineOf(["server", "port"])).toBe(2);
    expect(file.lineOf(["nope"])).toBeNull();
  });

  it.each([
    ["a syntax error", "server:\n  host: [a\n", /^t\.yaml:[23]: /],
    ["a tab as indentation", "server:\n\thost: a\n", /^t\.yaml:2: /],
    ["a key given twice", "server: {}\nserver: {}\n", /^t\.yaml:2: Map keys must be unique/],
    ["two documents", "a: 1\n---\nb: 2\n", /^t\.yaml:/],
    ["a list", "- a\n", /^t\.yaml: the file must hold sections/],
    ["a single value", "hello\n", /^t\.yaml: the file must hold sections/],
    ["an unknown tag", "a: !!js/function 'x'\n", /^t\.yaml:1: Unresolved tag/],
    [
      "a key that would change the prototype",
      "server:\n  __proto__: { port: 1 }\n",
      /^t\.yaml:2: __proto__ is not a setting/,
    ],
    ["an alias to nothing", "a: *b\n", /^t\.yaml:1: /],
  ])("refuses %s in one sentence with its place", (_, text, expected) => {
    const [first] = parseRefusal(text);
    expect(first).toMatch(expected);
    expect(first).not.toContain("\n");
  });

  it("refuses anchors that multiply", () => {
    const levels = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
    for (const [from, to] of ["ab", "bc", "cd", "de", "ef", "fg", "gh"]) {
      levels.push(`${to}: &${to} [${Array(10).fill(`*${from}`).join(",")}]`);
    }
    expect(parseRefusal(levels.join("\n"))).toHaveLength(1);
    expect(parseRefusal(`a: &a 1\nb: [${Array(101).fill("*a").join(",")}]`)[0]).toContain(
      "more than 100 uses of YAML anchors",
    );
  });

  it("refuses an anchor that contains itself", () => {
    expect(parseRefusal("a: &a [*a]\n")).toHaveLength(1);
  });

  it("allows a few anchors", () => {
    expect(parseYaml("a: &x { b: 1 }\nc: *x\n", "t.yaml").tree).toEqual({ a: { b: 1 }, c: { b: 1 } });
  });
});

describe("readYamlFile", () => {
  it("says in one sentence why a file cannot be read", () => {
    const folder = mkdtempSync(join(tmpdir(), "trunkline-yaml-"));
    try {
      const path = join(folder, "c.yaml");
      expect(refusal(() => readYamlFile(path))).toEqual([`${path} does not exist.`]);
      expect(refusal(() => readYamlFile(folder))).toEqual([`${folder} is a folder.`]);
      writeFileSync(path, Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe]));
      expect(refusal(() => readYamlFile(path))).toEqual([`${path} is not valid UTF-8.`]);
      writeFileSync(path, `# ${"x".repeat(1_048_576)}`);
      expect(refusal(() => readYamlFile(path))).toEqual([`${path} is larger than 1048576 bytes.`]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
