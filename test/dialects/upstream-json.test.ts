import { describe, expect, it } from "vitest";
import { parseUpstreamJson } from "../../src/dialects/upstream-json.ts";

describe("a provider's JSON", () => {
  it("may nest 512 levels and no deeper", () => {
    const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    expect(() => parseUpstreamJson(nested(512))).not.toThrow();
    expect(() => parseUpstreamJson(nested(513))).toThrow(SyntaxError);
    expect(() => parseUpstreamJson(`{"a":${nested(512)}}`)).toThrow("deeper than 512 levels");
    expect(() => parseUpstreamJson(nested(1_000_000))).toThrow(SyntaxError);
  });

  it("is deep by its brackets, not by those in its strings", () => {
    const text = '[{"\\"'.repeat(2_000);
    expect(parseUpstreamJson(JSON.stringify([text, "\\", text]))).toEqual([text, "\\", text]);
  });

  it("may be wide", () => {
    expect(parseUpstreamJson(`[${"[],".repeat(10_000)}{}]`)).toHaveLength(10_001);
  });

  it("is no JSON where JSON.parse says so", () => {
    expect(() => parseUpstreamJson(`{"a":"${"x".repeat(2_000)}`)).toThrow(SyntaxError);
  });
});
