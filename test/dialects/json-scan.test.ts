import { describe, expect, it } from "vitest";
import { readJsonBody } from "../../src/dialects/json-body.ts";
import { jsonLimits, scanJson } from "../../src/dialects/json-scan.ts";
import { JsonSlice } from "../../src/dialects/json-slice.ts";
import { GatewayError } from "../../src/domain/errors.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function refusal(act: () => unknown): GatewayError {
  try {
    act();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
const manyKeys = (count: number) => `{"o":[${Array.from({ length: count - 1 }, () => '{"k":1}').join(",")}]}`;

describe("limits of a JSON text", () => {
  it("takes what is at the limit of depth and refuses one level more, saying where", () => {
    expect(() => scanJson(nested(jsonLimits.depth))).not.toThrow();
    const error = refusal(() => scanJson(nested(jsonLimits.depth + 1)));
    expect(error.code).toBe("invalid_value");
    expect(error.message).toContain("128 levels");
    expect(error.message).toContain("line 1, column 129");
  });

  it("refuses a hundred thousand levels without using the stack", () => {
    expect(refusal(() => scanJson("[".repeat(100_000))).message).toContain("128 levels");
    expect(refusal(() => scanJson('{"a":'.repeat(100_000))).message).toContain("128 levels");
  });

  it("counts the keys of all objects together", () => {
    expect(scanJson(manyKeys(jsonLimits.keys)).keys).toBe(jsonLimits.keys);
    expect(refusal(() => scanJson(manyKeys(jsonLimits.keys + 1))).message).toContain("100000 keys");
  });

  it("refuses numbers longer than any that means something", () => {
    expect(() => scanJson("1".repeat(jsonLimits.numberLength))).not.toThrow();
    expect(refusal(() => scanJson("1".repeat(1_000_000))).message).toContain("256 characters");
    expect(refusal(() => scanJson(`-${"1".repeat(256)}`)).message).toContain("256 characters");
  });
});

describe("errors of structure", () => {
  it.each([
    ["[1,]", "Expected a JSON value at line 1, column 4"],
    ['{"a":1,}', "Expected a key in double quotes at line 1, column 8"],
    ["{a:1}", "Expected a key in double quotes at line 1, column 2"],
    ['{"a" 1}', "Expected ':' after a key at line 1, column 6"],
    ['{"a":1 "b":2}', "Expected ',' or '}' at line 1, column 8"],
    ["[1 2]", "Expected ',' or ']' at line 1, column 4"],
    ['{"a":\n  tru}', "Expected a JSON value at line 2, column 3"],
    ['{"a":1}x', "The JSON value ends, but more text follows at line 1, column 8"],
    ['{"a":"b', "A string has no closing quote; it starts at line 1, column 6"],
    ['{"a":', "it ends too early"],
    ['{"a":1', "it ends too early"],
    ["[[1]", "it ends too early"],
    ['{"a":01}', "Unexpected character at line 1, column 7"],
    ['{"a":"\\x"}', "Unexpected character at line 1, column 8"],
    ['{"a":"\n"}', "Unexpected character at line 1, column 7"],
    ['{"a":1e}', "line 1, column 8"],
  ])("%j is refused with its place", (text, message) => {
    const error = refusal(() => readJsonBody(bytes(text)));
    expect(error.code).toBe("invalid_value");
    expect(error.message).toContain(message);
  });

  it("never echoes content", () => {
    for (const text of ['{"a": secretword}', '{"secretword": x}', '{"a":"secretword', '{"a":"\\u00zz secretword"}']) {
      const error = refusal(() => readJsonBody(bytes(text)));
      expect(error.message).not.toContain("secretword");
      expect(String(error.cause)).not.toContain("secretword");
    }
  });

  it("agrees with JSON.parse on everything that is one edit away from a good text", () => {
    const good = '{"a":[1,-2.5e3,true,null,{"b":"c\\"d\\\\"}],"e":{},"f":[]}';
    const alphabet = '{}[]",:\\ 1-ntx';
    for (let at = 0; at <= good.length; at++) {
      const cut = good.slice(0, at) + good.slice(at + 1);
      const edits = [...alphabet].flatMap((c) => [
        good.slice(0, at) + c + good.slice(at),
        `${good.slice(0, at)}${c}${good.slice(at + 1)}`,
      ]);
      for (const text of [cut, ...edits]) {
        let parses = true;
        try {
          JSON.parse(text);
        } catch {
          parses = false;
        }
        // The scan leaves the inside of strings and numbers to JSON.parse; it must not refuse what that accepts.
        if (parses) expect(() => scanJson(text), text).not.toThrow(/not valid JSON/);
        else expect(() => readJsonBody(bytes(text)), text).toThrow(GatewayError);
      }
    }
  });
});

describe("bodies", () => {
  it("refuses bytes that are not UTF-8", () => {
    const broken = new Uint8Array([...bytes('{"a":"'), 0xff, ...bytes('"}')]);
    expect(refusal(() => readJsonBody(broken)).message).toBe("The body is not valid UTF-8.");
  });

  it("takes a byte order mark", () => {
    expect(readJsonBody(new Uint8Array([0xef, 0xbb, 0xbf, ...bytes('{"a":1}')])).value).toEqual({ a: 1 });
  });

  it.each(["", "  \n", "[]", '"text"', "3", "null"])("refuses %j, which is no object", (text) => {
    expect(refusal(() => readJsonBody(bytes(text))).code).toBe("invalid_value");
  });

  it("refuses a key that stands twice, at the top and deeper, however it is escaped", () => {
    expect(refusal(() => readJsonBody(bytes('{"messages":1,"messages":2}'))).detail.param).toBe("messages");
    expect(refusal(() => readJsonBody(bytes('{"a":1,"\\u0061":2}'))).detail.param).toBe("a");
    expect(refusal(() => readJsonBody(bytes('{"a":[{"b":1,"c":{},"b":2}]}'))).message).toContain("same key twice");
    expect(() => readJsonBody(bytes('{"a":{"b":1},"c":{"b":1}}'))).not.toThrow();
  });

  it("reads __proto__ as an ordinary member and pollutes nothing", () => {
    const { value } = readJsonBody(bytes('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'));
    expect(Object.keys(value)).toEqual(["__proto__", "constructor"]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it("says where the top-level members lie", () => {
    const text = ' {"a" : [1, {"x":2}] , "b":"}\\"" ,"c":{}, "d":-1.50}';
    const { members } = readJsonBody(bytes(text));
    const found = Object.fromEntries([...members].map(([name, { start, end }]) => [name, text.slice(start, end)]));
    expect(found).toEqual({ a: '[1, {"x":2}]', b: '"}\\""', c: "{}", d: "-1.50" });
  });
});

describe("slices of a JSON text", () => {
  const text = '{"tools": [ {"n":"\\"]}"}, {"p" : {"z":9007199254740993, "2":1.0, "1":[]}} ], "e":[], "o":{}}';
  const root = new JsonSlice(text, { start: 0, end: text.length });

  it("keep numbers and the order of keys as they were written", () => {
    expect(root.member("tools")?.element(1)?.member("p")?.text).toBe('{"z":9007199254740993, "2":1.0, "1":[]}');
  });

  it("find every child and no more", () => {
    expect(root.member("tools")?.element(0)?.text).toBe('{"n":"\\"]}"}');
    expect(root.member("tools")?.element(2)).toBeUndefined();
    expect(root.member("e")?.element(0)).toBeUndefined();
    expect(root.member("o")?.member("x")).toBeUndefined();
    expect(root.member("e")?.member("0")).toBeUndefined();
    expect(root.element(0)).toBeUndefined();
  });
});
