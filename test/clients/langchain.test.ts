import { join } from "node:path";
import { expect, it } from "vitest";
import { pythonEnvironment } from "../tooling/python.ts";
import { repository } from "../tooling/repository.ts";
import { mustRun } from "../tooling/run-tool.ts";
import { gatewayBefore, mainModels } from "./behind.ts";

const { gateway } = await gatewayBefore();

it("LangChain calls tools, streams and gets structured output over both edges, from each main provider", async () => {
  const python = join(
    await pythonEnvironment(["langchain-openai==1.7.4", "langchain-anthropic==1.7.10"]),
    "bin/python",
  );
  const program = join(repository, "test/clients/python/with_langchain.py");
  const { stdout } = await mustRun(python, [program, gateway.url, ...mainModels]);
  expect(stdout).toBe("all as expected\n");
}, 600_000);
