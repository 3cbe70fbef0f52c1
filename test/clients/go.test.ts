import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { useGateway, withoutBreaker } from "../fakes/gateway.ts";
import { goTool } from "../tooling/go.ts";
import { repository, toolCache } from "../tooling/repository.ts";
import { mustRun } from "../tooling/run-tool.ts";

const plugins = [
  "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.11",
  "connectrpc.com/connect/cmd/protoc-gen-connect-go@v1.19.1",
];
const goModule = `module trunkline.dev/gen

go 1.24

require (
	connectrpc.com/connect v1.19.1
	google.golang.org/protobuf v1.36.11
)
`;

const gateway = useGateway({}, withoutBreaker);
const folder = join(toolCache, "go-callers");

beforeAll(async () => {
  const tools = [];
  for (const plugin of plugins) tools.push(dirname(await goTool(plugin)));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "callers/fold"), { recursive: true });
  const callers = join(repository, "test/clients/go");
  for (const file of ["go.mod", "go.sum", "main.go"]) cpSync(join(callers, file), join(folder, "callers", file));
  cpSync(join(repository, "docs/clients/fold.go"), join(folder, "callers/fold/fold.go"));
  const bin = join(repository, "node_modules/.bin");
  const env = { PATH: [...tools, bin, process.env.PATH].join(delimiter) };
  await mustRun("buf", ["generate", "--template", join(callers, "buf.gen.yaml"), "-o", folder], { env });
  writeFileSync(join(folder, "gen/go.mod"), goModule);
  await mustRun("go", ["build", "-o", join(folder, "callers/callers"), "."], {
    cwd: join(folder, "callers"),
    timeoutMs: 600_000,
  });
}, 900_000);

it("a client in Go, generated from the contract, gets what the contract says over every protocol", async () => {
  const program = join(folder, "callers/callers");
  const { stdout } = await mustRun(program, [gateway.url, join(repository, "proto/testdata/fold.json")]);
  expect(stdout).toBe("all as expected\n");
});
