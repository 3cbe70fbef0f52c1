import { expect, it } from "vitest";
import { runTool } from "../tooling/run-tool.ts";

it.each([
  ["the compiler accepts every file", "tsc", ["--noEmit"]],
  ["format and lint rules hold for every file", "biome", ["ci", "--error-on-warnings", "--max-diagnostics=100"]],
  ["no file, export or dependency is without use", "knip", ["--no-progress"]],
])("%s", async (_name, tool, args) => {
  const result = await runTool(tool, args, { env: { NO_COLOR: "1" } });
  if (result.code !== 0) expect(result.output).toBe("");
  expect(result.code).toBe(0);
});
