import { describe, expect, it } from "vitest";
import { RawJson, toJsonText } from "../../src/dialects/json-text.ts";

describe("json text", () => {
  it("writes what JSON.stringify writes", () => {
    const tree = { a: [1, "é\n\u2028", null, true, { b: {} }, []], __proto__x: 1.5, '"': "\ud800" };
    expect(toJsonText(tree)).toBe(JSON.stringify(tree));
  });

  it("splices raw text as it stands and leaves undefined members out", () => {
    expect(
      toJsonText({ a: new RawJson('{"2":1.0, "1":9007199254740993}'), b: undefined, c: [new RawJson("1e2")] }),
    ).toBe('{"a":{"2":1.0, "1":9007199254740993},"c":[1e2]}');
  });
});
