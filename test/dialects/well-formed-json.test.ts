import { describe, expect, it } from "vitest";
import { toWellFormedJson } from "../../src/dialects/well-formed-json.ts";
import { randomFrom } from "../domain/random-messages.ts";

describe("well-formed JSON", () => {
  it.each([
    ["a first half", '"a\\ud83d"', '"a\\ufffd"'],
    ["a second half", '"\\uDE00b"', '"\\ufffdb"'],
    ["two first halves", '"\\ud83d\\ud83d\\ude00"', '"\\ufffd\\ud83d\\ude00"'],
    ["a half in a key", '{"\\ud83d":1}', '{"\\ufffd":1}'],
    ["a half behind an escaped backslash", '"\\\\\\ud83d"', '"\\\\\\ufffd"'],
  ])("has %s replaced", (_, text, whole) => {
    expect(toWellFormedJson(text)).toBe(whole);
  });

  it.each([
    ["a pair", '"\\ud83d\\ude00 \\uD83D\\uDE00"'],
    ["a backslash and letters that look like a half", '"\\\\ud83d"'],
    ["other escapes", '"\\u00e9\\n\\"\\u4f60"'],
    ["what is no JSON", "\\u"],
  ])("keeps %s", (_, text) => {
    expect(toWellFormedJson(text)).toBe(text);
  });

  it("says what JSON.parse would, made well-formed", () => {
    const random = randomFrom(3);
    const pieces = ["\\ud83d", "\\ude00", "\\\\", "\\u00e9", "ud83d", "x", '\\"'];
    for (let i = 0; i < 2_000; i++) {
      const text = `"${Array.from({ length: 6 }, () => pieces[Math.floor(random() * pieces.length)]).join("")}"`;
      expect(JSON.parse(toWellFormedJson(text)), text).toBe(JSON.parse(text).toWellFormed());
    }
  });
});
