import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { goTool } from "../tooling/go.ts";
import { repository } from "../tooling/repository.ts";
import { runTool } from "../tooling/run-tool.ts";

const suite = "connectrpc.com/conformance/cmd/connectconformance@v1.0.7";
/** What this version of the suite has for the features of conf.yaml. */
const cases = 4_962;

it(`passes the ${cases} cases of the Connect conformance suite`, async () => {
  const runner = await goTool(suite);
  const folder = join(repository, "test/conformance");
  const args = ["--mode", "server", "--conf", join(folder, "conf.yaml"), "--", "node", join(folder, "server.ts")];
  const ways = join(mkdtempSync(join(tmpdir(), "trunkline-conformance-")), "ways");
  const { output } = await runTool(runner, args, { timeoutMs: 250_000, env: { CONFORMANCE_WAYS: ways } });
  expect(output).toContain(`${cases} passed, 0 failed`);
  // A short way that took nothing would pass as well.
  const went = readFileSync(ways, "utf8").split("\n");
  const count = (way: string) => went.filter((one) => one === way).length;
  const [lean, library] = [count("lean") - count("returned"), count("library") + count("returned")];
  console.log(
    `Connect, gRPC and gRPC-Web conformance: ${cases} cases passed, 0 failed; ` +
      `calls the short way ${lean}, by the library ${library}`,
  );
  expect(lean).toBeGreaterThan(600);
});
