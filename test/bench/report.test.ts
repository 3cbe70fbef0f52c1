import { expect, it } from "vitest";
import { figure, markdownOf, ratioText, table, textOf } from "../../bench/report.ts";

const one = {
  title: "Cost",
  head: ["", "µs"],
  rows: [
    ["bare", "60"],
    ["gateway", "120"],
  ],
} as const;

it("aligns columns of figures to the right", () => {
  expect(table(one.head, one.rows)).toBe("          µs\n───────  ───\nbare      60\ngateway  120");
});

it("puts the title above the columns in a terminal, and leaves it to the heading on a page", () => {
  expect(textOf(one)).toMatch(/^Cost\n/);
  expect(markdownOf(one)).toBe("|  | µs |\n|---|---:|\n| bare | 60 |\n| gateway | 120 |");
});

it("keeps the note with the table", () => {
  const noted = { ...one, note: "Missing: nobody." };
  expect(textOf(noted)).toMatch(/\nMissing: nobody\.$/);
  expect(markdownOf(noted)).toMatch(/\n\nMissing: nobody\.$/);
});

it.each([
  [12_345.6, "12,346"],
  [123.4, "123"],
  [12.34, "12.3"],
  [1.234, "1.23"],
  [0.1234, "0.123"],
  [-12.34, "-12.3"],
  [Number.NaN, "–"],
])("writes %d as %s", (value, text) => {
  expect(figure(value)).toBe(text);
});

it("writes a ratio with its middle half, and none where nothing was measured", () => {
  expect(ratioText({ median: 1.523, low: 1.5, high: 1.6 })).toBe("1.52 (1.50–1.60)");
  expect(ratioText({ median: Number.NaN, low: Number.NaN, high: Number.NaN })).toBe("–");
});
