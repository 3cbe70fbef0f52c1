import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningSimulator, startSimulator } from "../../../src/simulator/simulator.ts";
import { pythonEnvironment } from "../../tooling/python.ts";
import { repository } from "../../tooling/repository.ts";
import { mustRun } from "../../tooling/run-tool.ts";

const packages = ["anthropic==2.12.0", "boto3==1.44.8", "cohere==7.3.1", "ollama==0.6.3", "openai==3.54.0"];

let simulator: RunningSimulator;
let python: string;

beforeAll(async () => {
  python = join(await pythonEnvironment(packages), "bin/python");
  simulator = await startSimulator({ requireKey: true });
}, 600_000);
afterAll(() => simulator?.close());

it.each(["anthropic", "azure", "boto3", "cohere", "ollama", "openai"])(
  "the official %s package for Python works at the simulator",
  async (name) => {
    const program = join(repository, `test/clients/simulator/with_${name}.py`);
    const { stdout } = await mustRun(python, [program, simulator.url]);
    expect(stdout).toBe("all as expected\n");
  },
);
