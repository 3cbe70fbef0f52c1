import { startVitest, type TestCase, type Vitest } from "vitest/node";

/**
 * `npm test`: every check and every test. The last line is `N passed, N failed`, with `, N skipped` when there were any.
 * `--checks` leaves out the tests that start other programs; further arguments choose files, as vitest does.
 */
const args = process.argv.slice(2);
const checksOnly = args.includes("--checks");
const filters = args.filter((argument) => argument !== "--checks");

const vitest = await startVitest(filters, {
  watch: false,
  reporters: ["default"],
  passWithNoTests: false,
  ...(checksOnly ? { project: ["parts", "checks"] } : {}),
});
const count = countResults(vitest);
await vitest.close();

// On a build machine a skipped test is a test that nobody runs.
const skippedInCi = process.env.CI === "true" && count.skipped > 0;
if (skippedInCi) console.log("Tests were skipped, which CI=true does not allow.");
if (count.passed === 0) console.log("No test passed.");
console.log(`${count.passed} passed, ${count.failed} failed${count.skipped === 0 ? "" : `, ${count.skipped} skipped`}`);
// Sockets that a broken test left open must not hold the result back.
process.exit(count.failed > 0 || count.passed === 0 || skippedInCi ? 1 : 0);

function countResults(run: Vitest): { readonly passed: number; readonly failed: number; readonly skipped: number } {
  const modules = run.state.getTestModules();
  const states = modules
    .flatMap((module) => [...module.children.allTests()])
    .map((test: TestCase) => test.result().state);
  const count = (...wanted: readonly string[]) => states.filter((state) => wanted.includes(state)).length;
  // A file that does not load has no test to fail, and an error outside of any test belongs to none.
  const broken = modules.flatMap((module) => [
    ...module.errors(),
    ...[...module.children.allSuites()].flatMap((suite) => suite.errors()),
  ]);
  const unhandled = run.state.getUnhandledErrors();
  return {
    passed: count("passed"),
    // A test that never got to its end counts as failed.
    failed: count("failed", "pending") + broken.length + unhandled.length,
    skipped: count("skipped"),
  };
}
