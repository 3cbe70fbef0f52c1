import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repository, repositoryFiles } from "../tooling/repository.ts";

/**
 * Edge cases are numbered faults of providers and clients that were seen in the wild. Each has at least one test whose
 * name says so: `edge case 21: …`, `edge cases 62 and 64: …`, `edge cases 67 to 70: …`.
 */
const covered = range(1, 150);

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** This file gives numbers as examples; they test nothing. */
const here = "test/edge-cases/coverage.test.ts";

/** The numbers that the names of a file's tests give. */
function numbersIn(source: string): readonly number[] {
  return [...source.matchAll(/(["'`])[^"'`\n]*?\bedge cases? (\d+(?:(?:, | and | to )\d+)*)/g)].flatMap(
    ([, , list = ""]) => {
      const numbers: number[] = [];
      for (const [, link, number] of list.matchAll(/(, | and | to |^)(\d+)/g)) {
        const last = numbers.at(-1);
        if (link === " to " && last !== undefined) numbers.push(...range(last + 1, Number(number)));
        else numbers.push(Number(number));
      }
      return numbers;
    },
  );
}

describe("edge cases", () => {
  it("each have a test that names them", () => {
    const tests = repositoryFiles().filter((path) => /^test\/.*[.]test[.]ts$/.test(path) && path !== here);
    const named = new Set(tests.flatMap((path) => numbersIn(readFileSync(join(repository, path), "utf8"))));
    expect(covered.filter((number) => !named.has(number))).toEqual([]);
  });

  it("are read out of names in every form", () => {
    const names = [
      'it("edge case 5: a"',
      "it('edge cases 6 and 7, b'",
      'it("c (edge cases 8, 9)"',
      'it("edge cases 10 to 12: d"',
    ];
    expect(names.flatMap(numbersIn)).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
    expect(numbersIn("// edge case 13 in a comment")).toEqual([]);
  });
});
