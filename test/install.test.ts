import { cpSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, it } from "vitest";
import { repository, temporaryFolder } from "./tooling/repository.ts";
import { mustRun } from "./tooling/run-tool.ts";

it("needs no install script to generate, bundle and start", async () => {
  using copy = temporaryFolder();
  const parts = [
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "buf.yaml",
    "buf.gen.yaml",
    "build.ts",
    "node-version.cjs",
  ];
  for (const part of [...parts, "proto", "third_party", "gen", "src"]) {
    cpSync(join(repository, part), join(copy.path, part), { recursive: true });
  }
  // The copy's own tools must win over the repository's.
  const env = { PATH: `${join(copy.path, "node_modules/.bin")}${delimiter}${process.env.PATH ?? ""}` };
  const options = { cwd: copy.path, env, timeoutMs: 240_000 };
  await mustRun("npm", ["ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"], options);
  await mustRun("buf", ["generate", "--output", join(copy.path, "again")], options);
  await mustRun("npm", ["run", "build"], options);
  const { stdout } = await mustRun("node", ["dist/trunkline.mjs", "--version"], options);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  // Node has an undici of its own, which one careless import or `new Headers()` of a module adds to every start.
  const tell =
    "process.on('exit', () => console.log(process.moduleLoadList.filter((name) => /deps.undici/.test(name))))";
  const telling = ["--import", `data:text/javascript,${encodeURIComponent(tell)}`, "dist/trunkline.mjs", "--version"];
  expect((await mustRun("node", telling, options)).stdout).toBe(`${stdout}[]\n`);
});
