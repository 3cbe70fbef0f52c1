import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What vitest's JSON report says of a run, as far as it is read here. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numFailedTestSuites: number;
}

const folder = mkdtempSync(join(tmpdir(), "trunkline-test-"));
const report = join(folder, "report.json");
const vitest = join(import.meta.dirname, "../node_modules/vitest/vitest.mjs");
const args = [vitest, "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
const child = spawn(process.execPath, [...args, ...process.argv.slice(2)], { stdio: "inherit" });
child.on("close", (code) => {
  const result: Report = JSON.parse(readFileSync(report, "utf8"));
  rmSync(folder, { recursive: true });
  const skipped = result.numPendingTests + result.numTodoTests;
  // A file that fails to load has no tests of its own to fail.
  const failed = Math.max(result.numFailedTests, code === 0 ? 0 : 1);
  // On a build machine a skipped test is a test that nobody runs.
  const strict = process.env.CI === "true" && skipped > 0;
  if (strict) console.log(`${skipped} tests were skipped, which CI=true does not allow.`);
  console.log(`${result.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  process.exitCode = failed > 0 || strict || result.numPassedTests === 0 ? 1 : 0;
});
