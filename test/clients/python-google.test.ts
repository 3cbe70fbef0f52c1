import { join } from "node:path";
import { expect, it } from "vitest";
import { useGateway, withoutRetries } from "../fakes/gateway.ts";
import { pythonEnvironment } from "../tooling/python.ts";
import { repository } from "../tooling/repository.ts";
import { mustRun } from "../tooling/run-tool.ts";

const gateway = useGateway({}, withoutRetries);

it("the official Google package for Python works through the gateway, for both formats of providers", async () => {
  const python = join(await pythonEnvironment(["google-genai==3.3.0"]), "bin/python");
  const program = join(repository, "test/clients/python/with_google.py");
  const { stdout } = await mustRun(python, [program, gateway.url]);
  expect(stdout).toBe("all as expected\n");
}, 600_000);
