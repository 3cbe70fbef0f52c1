import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../test/tooling/free-port.ts";
import { masterKey, quickModel } from "./agreed.ts";
import { type Bench, buildGo, cacheFolder, say } from "./bench.ts";
import { type Server, start, startGateway } from "./servers.ts";

/** Another way to stand between callers and a provider. */
export interface Peer {
  readonly name: string;
  /** Where it runs; how it is set up, for the page. */
  readonly setup: string;
  /** Further headers that its callers send. */
  readonly headers?: (upstream: Server) => readonly string[];
  /** Installs it if need be, and starts it. @throws Error with the reason why it is missing */
  prepare(bench: Bench): Promise<{ readonly server: Server; readonly version: string }>;
}

const litellmVersion = "1.106.12";
const portkeyVersion = "1.15.2";
/** The one that this version of Portkey runs with: newer ones have moved what it imports. */
const honoVersion = "1.12.2";
const startWithinMs = 90_000;

export const peers: readonly Peer[] = [
  {
    name: "nginx",
    setup: "one worker, `proxy_buffering off`, connections to the provider kept, no access log",
    prepare: startNginx,
  },
  { name: "Go ReverseProxy", setup: "`httputil.ReverseProxy`, flushed at once", prepare: startGoProxy },
  {
    name: "bare Node",
    setup: "`bench/bare`: node:http and undici, bytes copied",
    prepare: async ({ bare }) => ({ server: { ...bare, stop: async () => {} }, version: process.versions.node }),
  },
  {
    name: "Trunkline",
    setup: "master key, metrics and request log on, one worker",
    prepare: async ({ upstream, folder }) => ({
      server: await startGateway(upstream, { dataDir: folder }),
      version: "this build",
    }),
  },
  {
    name: "Portkey gateway",
    setup: `from npm, with \`@hono/node-server\` ${honoVersion}; provider and host in headers; keeps no log`,
    headers: ({ url }) => ["x-portkey-provider: openai", `x-portkey-custom-host: ${url}/v1`],
    prepare: startPortkey,
  },
  {
    name: "LiteLLM",
    setup: "from PyPI, one worker, master key on, telemetry off, no database",
    prepare: startLitellm,
  },
];

const peersFolder = join(cacheFolder, "peers");

/** LiteLLM's proxy, in a virtual environment of its own. */
async function startLitellm({ upstream, folder }: Bench): ReturnType<Peer["prepare"]> {
  const home = join(peersFolder, `litellm-${litellmVersion}`);
  const program = join(home, "bin/litellm");
  if (!existsSync(join(home, "installed"))) {
    say(`installing LiteLLM ${litellmVersion}`);
    mkdirSync(peersFolder, { recursive: true });
    run("python3", ["-m", "venv", home]);
    run(join(home, "bin/pip"), ["install", "-q", `litellm[proxy]==${litellmVersion}`]);
    writeFileSync(join(home, "installed"), "");
  }
  const config = join(folder, "litellm.yaml");
  const model = (name: string) => ({
    model_name: name,
    litellm_params: { model: `openai/${name}`, api_base: `${upstream.url}/v1`, api_key: "sk-bench" },
  });
  const settings = {
    model_list: [quickModel].map(model),
    litellm_settings: { telemetry: false, request_timeout: 60 },
    general_settings: { master_key: masterKey },
  };
  writeFileSync(config, JSON.stringify(settings));
  const port = await freePort();
  const options = ["--config", config, "--host", "127.0.0.1", "--port", String(port), "--telemetry", "False"];
  const env = {
    // Its price list comes with it; the newest would be fetched at every start.
    LITELLM_LOCAL_MODEL_COST_MAP: "True",
    LITELLM_LOG: "ERROR",
    LITELLM_TELEMETRY: "False",
    LITELLM_MODE: "PRODUCTION",
    PATH: `${join(home, "bin")}:${process.env.PATH}`,
  };
  const server = await start([program, ...options, "--num_workers", "1"], env, `http://127.0.0.1:${port}`, {
    readyPath: "/health/liveliness",
    log: join(folder, "litellm.log"),
    readyWithinMs: startWithinMs,
  });
  return { server, version: litellmVersion };
}

/** Portkey's gateway, in a folder of its own: it is no dependency of this project. */
async function startPortkey({ folder }: Bench): ReturnType<Peer["prepare"]> {
  const home = join(peersFolder, `portkey-${portkeyVersion}`);
  const program = join(home, "node_modules/@portkey-ai/gateway/build/start-server.js");
  if (!existsSync(program)) {
    say(`installing Portkey's gateway ${portkeyVersion}`);
    mkdirSync(home, { recursive: true });
    const wanted = {
      private: true,
      dependencies: { "@portkey-ai/gateway": portkeyVersion },
      overrides: { "@hono/node-server": honoVersion },
    };
    writeFileSync(join(home, "package.json"), JSON.stringify(wanted));
    run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], home);
  }
  const port = await freePort();
  const command = [process.execPath, "--max-semi-space-size=32", program, `--port=${port}`, "--headless"];
  const server = await start(command, { NODE_ENV: "production" }, `http://127.0.0.1:${port}`, {
    readyPath: "/",
    log: join(folder, "portkey.log"),
    readyWithinMs: startWithinMs,
  });
  return { server, version: portkeyVersion };
}

async function startGoProxy({ upstream, folder }: Bench): ReturnType<Peer["prepare"]> {
  const program = buildGo("proxy");
  const port = await freePort();
  const env = { UP: upstream.url, ADDR: `127.0.0.1:${port}` };
  const server = await start([program], env, `http://127.0.0.1:${port}`, {
    readyPath: "/health",
    log: join(folder, "go-proxy.log"),
  });
  return { server, version: run("go", ["env", "GOVERSION"]).replace("go", "") };
}

/** nginx from Debian, installed if this may be done and was not. */
async function startNginx({ upstream, folder }: Bench): ReturnType<Peer["prepare"]> {
  const isThere = () => spawnSync("nginx", ["-v"]).status === 0;
  if (!isThere() && process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    say("installing nginx");
    run("apt-get", ["update", "-qq"]);
    run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "nginx-light"]);
  }
  if (!isThere()) throw new Error("nginx is not installed, and only root can install it from Debian");
  const port = await freePort();
  const config = join(folder, "nginx.conf");
  writeFileSync(config, nginxConfig(folder, port, new URL(upstream.url).host));
  const server = await start(["nginx", "-c", config, "-p", folder], {}, `http://127.0.0.1:${port}`, {
    readyPath: "/health",
    log: join(folder, "nginx.log"),
  });
  return { server, version: spawnSync("nginx", ["-v"], { encoding: "utf8" }).stderr.replace(/.*\//s, "").trim() };
}

function nginxConfig(folder: string, port: number, upstream: string): string {
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr error;
${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path ${folder}/nginx-body;
  proxy_temp_path ${folder}/nginx-proxy;
  fastcgi_temp_path ${folder}/nginx-fastcgi;
  uwsgi_temp_path ${folder}/nginx-uwsgi;
  scgi_temp_path ${folder}/nginx-scgi;
  keepalive_requests 1000000000;
  upstream provider { server ${upstream}; keepalive 1024; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer sk-bench";
      proxy_buffering off;
    }
  }
}
`;
}

function run(program: string, args: readonly string[], cwd?: string): string {
  const options = { encoding: "utf8" as const, stdio: ["ignore", "pipe", "inherit"] as ["ignore", "pipe", "inherit"] };
  return execFileSync(program, args, { ...options, ...(cwd !== undefined && { cwd }) }).trim();
}
