import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { useGateway } from "../fakes/gateway.ts";
import { pythonEnvironment } from "../tooling/python.ts";
import { repository, repositoryFiles, toolCache } from "../tooling/repository.ts";
import { mustRun } from "../tooling/run-tool.ts";

const packages = ["grpcio==1.81.1", "grpcio-tools==1.81.1", "protobuf==6.33.6", "openai==3.54.0"];
const gateway = useGateway();
const generated = join(toolCache, "python-callers");
let python: string;

beforeAll(async () => {
  python = join(await pythonEnvironment(packages), "bin/python");
  rmSync(generated, { recursive: true, force: true });
  mkdirSync(generated, { recursive: true });
  const roots = ["proto", "third_party/protovalidate", "third_party/googleapis"];
  const protos = repositoryFiles().filter((file) =>
    /^(proto\/trunkline|third_party\/(protovalidate|googleapis))\/.*\.proto$/.test(file),
  );
  await mustRun(python, [
    ...["-m", "grpc_tools.protoc", ...roots.map((root) => `-I${root}`)],
    ...[`--python_out=${generated}`, `--grpc_python_out=${generated}`, ...protos],
  ]);
}, 600_000);

it("a client in Python, generated from the contract, gets what the contract says over gRPC", async () => {
  const program = join(repository, "test/clients/python/callers.py");
  const folds = [join(repository, "docs/clients"), join(repository, "proto/testdata/fold.json")];
  const { stdout } = await mustRun(python, [program, new URL(gateway.url).host, ...folds], {
    env: { PYTHONPATH: generated, PYTHONDONTWRITEBYTECODE: "1" },
  });
  expect(stdout).toBe("all as expected\n");
});

it("the official OpenAI package for Python works through the gateway, for both formats of providers", async () => {
  const program = join(repository, "test/clients/python/with_openai.py");
  const { stdout } = await mustRun(python, [program, `${gateway.url}/v1`]);
  expect(stdout).toBe("all as expected\n");
});

it("the same package works with Responses and legacy completions, for both formats of providers", async () => {
  const program = join(repository, "test/clients/python/with_responses.py");
  const { stdout } = await mustRun(python, [program, `${gateway.url}/v1`]);
  expect(stdout).toBe("all as expected\n");
});
