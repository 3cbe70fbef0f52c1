import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ConfigFlags, type LoadedConfig, loadConfig } from "../../src/config/load.ts";
import { ConfigError } from "../../src/config/problems.ts";
import { servedKinds } from "../../src/config/provider-kinds.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "trunkline-config-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const key = { TRUNKLINE_MASTER_KEY: "master-key-0123456789" };

function load(yaml: string | null, env: Record<string, string> = {}, flags: ConfigFlags = {}): LoadedConfig {
  if (yaml !== null) writeFileSync(join(folder, "trunkline.yaml"), yaml);
  return loadConfig({ env, flags, folder });
}

/** The problems that a configuration is refused with, without the folder's name. */
function problems(yaml: string | null, env: Record<string, string> = {}, flags: ConfigFlags = {}): string[] {
  try {
    load(yaml, env, flags);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((problem) => problem.replaceAll(`${folder}/`, ""));
    throw error;
  }
  return [];
}

describe("loadConfig without anything", () => {
  it("serves the simulator on loopback, and says so", () => {
    const { config, file, warnings } = load(null);
    expect(config.server).toMatchObject({
      host: "127.0.0.1",
      port: 8080,
      workers: 1,
      maxBodyBytes: 33_554_432,
      tls: null,
    });
    expect(config.admin).toEqual({ host: "127.0.0.1", port: 8081 });
    expect(config.ops).toMatchObject({ host: "127.0.0.1", port: 9464, token: null });
    expect(config.simulator.enabled).toBe(true);
    expect(config.providers).toEqual([]);
    expect(config.masterKey).toBeNull();
    expect(config.dataDir).toBe(join(folder, "data"));
    expect(file).toBeNull();
    expect(warnings.join("\n")).toMatch(/No master key.*TRUNKLINE_MASTER_KEY/);
    expect(warnings.join("\n")).toMatch(/No provider is configured: the built-in simulator answers/);
  });

  it("takes an empty file, and sections without content, for the defaults", () => {
    expect(load("").config).toEqual(load(null).config);
    expect(load("server:\nmodels:\nproviders:\n").config).toEqual(load(null).config);
  });
});

describe("precedence", () => {
  it("lets flags win over the environment, and the environment over the file", () => {
    const yaml = "server: { host: 127.0.0.3, port: 3000, drain_ms: 5 }\n";
    expect(load(yaml).config.server).toMatchObject({ host: "127.0.0.3", port: 3000, drainMs: 5 });
    const env = { HOST: "127.0.0.2", PORT: "2000" };
    expect(load(yaml, env).config.server).toMatchObject({ host: "127.0.0.2", port: 2000, drainMs: 5 });
    expect(load(yaml, env, { port: "0" }).config.server).toMatchObject({ host: "127.0.0.2", port: 0, drainMs: 5 });
  });

  it("reads the file that --config names before the one in TRUNKLINE_CONFIG", () => {
    writeFileSync(join(folder, "a.yaml"), "strict: true\n");
    writeFileSync(join(folder, "b.yaml"), "strict: false\n");
    expect(load(null, { TRUNKLINE_CONFIG: "a.yaml" }).config.strict).toBe(true);
    expect(load(null, { TRUNKLINE_CONFIG: "a.yaml" }, { config: "b.yaml" }).config.strict).toBe(false);
    expect(load(null, { TRUNKLINE_CONFIG: "" }).file).toBeNull();
  });

  it("adds the simulator beside real providers when asked", () => {
    const env = { ...key, OPENAI_API_KEY: "sk-1" };
    expect(load(null, env).config.simulator.enabled).toBe(false);
    expect(load(null, env, { simulator: true }).config.simulator.enabled).toBe(true);
  });
});

describe("every section of the file", () => {
  it("becomes finished parts", () => {
    const { config } = load(
      `
server: { max_body_bytes: 2048, drain_delay_ms: 7, data_dir: /var/lib/trunkline, cors: { origins: [https://app.example] } }
strict: true
providers:
  openai: { api_key: env://OPENAI, models: [gpt-5.4, gpt-5.4] }
  backup: { type: openai, base_url: https://example.test/v1/, headers: { openai-organization: org }, warm_connections: 2, http2: true }
models:
  fast: { targets: [openai/gpt-5.4, { model: backup/gpt-5.4 }], strategy: ordered }
resilience: { connect_timeout_ms: 1, first_byte_timeout_ms: 2, first_token_timeout_ms: 3, idle_timeout_ms: 4, total_timeout_ms: 5, keepalive_ms: 100, max_attempts: 6, retry_budget: 0.2, breaker: { failures: 7, open_ms: 8 } }
telemetry: { metrics: { allow_cidrs: [10.0.0.0/8] }, traces: { otlp_endpoint: null }, log: { level: debug } }
`,
      { OPENAI: "sk-1", ...key },
    );
    expect(config.server).toMatchObject({ maxBodyBytes: 2048, drainDelayMs: 7, corsOrigins: ["https://app.example"] });
    expect(config.dataDir).toBe("/var/lib/trunkline");
    expect(config.strict).toBe(true);
    expect(config.providers.map(({ keys, ...rest }) => ({ ...rest, key: keys[0]?.secret.reveal() }))).toEqual([
      {
        name: "openai",
        provider: "openai",
        baseUrl: "https://api.openai.com/v1",
        socketPath: null,
        models: ["gpt-5.4"],
        wire: "exact",
        simulated: false,
        headers: {},
        key: "sk-1",
      },
      {
        name: "backup",
        provider: "openai",
        baseUrl: "https://example.test/v1",
        socketPath: null,
        models: [],
        wire: "repair",
        simulated: false,
        headers: { "openai-organization": "org" },
        http2: true,
        warmConnections: 2,
        key: undefined,
      },
    ]);
    const plain = {
      strategy: "ordered",
      sticky: "none",
      onCut: "error",
      failOver: new Set(["outage", "rate_limit", "context_length"]),
      maxAttempts: 6,
      retryAfterSent: false,
      hedge: null,
      queueMs: 5_000,
      priority: 0,
      singleFlight: false,
    };
    expect(config.aliases).toEqual([
      {
        name: "fast",
        targets: [
          { model: "openai/gpt-5.4", weight: 1, bounds: {} },
          { model: "backup/gpt-5.4", weight: 1, bounds: {} },
        ],
        policy: { ...plain, sticky: "session" },
      },
    ]);
    expect(config.resilience).toEqual({
      bounds: { connectMs: 1, firstByteMs: 2, firstTokenMs: 3, idleMs: 4, totalMs: 5 },
      keepaliveMs: 100,
      policy: plain,
      retryWaitMs: 5_000,
      retryBudget: 0.2,
      breaker: { failures: 7, openMs: 8, slowMs: null, probeIntervalMs: null },
      queue: { maxInFlight: 4_096, maxQueued: 1_024 },
      idempotency: { ttlMs: 600_000, maxBytes: 67_108_864 },
      proofMemory: { ttlMs: 3_600_000, maxBytes: 33_554_432 },
    });
    expect(config.ops.allowCidrs).toEqual(["10.0.0.0/8"]);
    expect(config.log).toEqual({ level: "debug", format: "auto" });
  });
});

describe("a virtual model", () => {
  it("has rules and targets of its own; bounds of a target win over those of its route", () => {
    const { config } = load(
      `
models:
  fast:
    targets: [simulator/a, { model: simulator/b, weight: 2.5, idle_timeout_ms: 7 }]
    strategy: least-latency
    sticky: prompt_cache_key
    on_cut: continue
    fail_over: [content_filter]
    hedge: { after_ms: 300 }
    max_attempts: 2
    retry_after_sent: true
    queue_timeout_ms: 9
    priority: -3
    single_flight: true
    idle_timeout_ms: 8
    total_timeout_ms: 80
`,
      key,
    );
    expect(config.aliases).toEqual([
      {
        name: "fast",
        targets: [
          { model: "simulator/a", weight: 1, bounds: { idleMs: 8, totalMs: 80 } },
          { model: "simulator/b", weight: 2.5, bounds: { idleMs: 7, totalMs: 80 } },
        ],
        policy: {
          strategy: "least-latency",
          sticky: "prompt_cache_key",
          onCut: "continue",
          failOver: new Set(["content_filter"]),
          maxAttempts: 2,
          retryAfterSent: true,
          hedge: { afterMs: 300 },
          queueMs: 9,
          priority: -3,
          singleFlight: true,
        },
      },
    ]);
  });

  it("hedges after its targets' own 95th percentile unless it says when", () => {
    const { config } = load("models: { f: { targets: [a], hedge: {} } }", key);
    expect(config.aliases[0]?.policy.hedge).toEqual({ afterMs: null });
  });
});

describe("a provider", () => {
  it("has as many keys as are given, api_key first, and facts and bounds of its own", () => {
    const { config } = load(
      `
providers:
  openai:
    api_key: env://A
    keys: [{ secret: env://B, weight: 3 }, { name: spare, secret: env://C }]
    models: [gpt-a, { id: gpt-b, context_window: 9, capabilities: [tools], price: { input: 1.25, output: 0.0000001 } }]
    first_byte_timeout_ms: 11
`,
      { A: "sk-a", B: "sk-b", C: "sk-c", ...key },
    );
    const [provider] = config.providers;
    expect(provider?.keys.map(({ name, secret, weight }) => [name, secret.reveal(), weight])).toEqual([
      ["key-1", "sk-a", 1],
      ["key-2", "sk-b", 3],
      ["spare", "sk-c", 1],
    ]);
    expect(provider?.models).toEqual(["gpt-a", "gpt-b"]);
    expect(provider?.facts?.get("gpt-b")).toEqual({
      contextWindow: 9,
      capabilities: ["tools"],
      prices: { inputNanoUsd: 1_250_000_000, outputNanoUsd: 100, version: "config" },
    });
    expect(provider?.bounds).toEqual({ firstByteMs: 11 });
  });

  it("has models that are asked through the interface that is named, where it has several", () => {
    const { config } = load("providers: { openai: { api_key: env://A, models: [{ id: gpt-b, api: responses }] } }", {
      A: "sk-a",
      ...key,
    });
    expect(config.providers[0]?.facts?.get("gpt-b")).toEqual({ api: "responses" });
    const yaml = "providers: { anthropic: { api_key: env://A, models: [claude-a, { id: claude-b, api: chat }] } }";
    expect(problems(yaml, { A: "sk-a" })).toEqual([
      expect.stringContaining("providers.anthropic.models[1].api is for OpenAI's interfaces"),
    ]);
  });

  it("has models that were deployed under other names at Azure, and a version of its interface", () => {
    const { config } = load(
      "providers: { azure: { api_key: env://A, base_url: https://r.openai.azure.com, api_version: 2024-10-21, models: [{ id: gpt-4o, deployment: mine }] } }",
      { A: "a", ...key },
    );
    expect(config.providers[0]).toMatchObject({ provider: "azure", apiVersion: "2024-10-21", models: ["gpt-4o"] });
    expect(config.providers[0]?.facts?.get("gpt-4o")).toEqual({ deployment: "mine" });
  });

  it("signs for Bedrock by the variables of AWS's own tools, where nothing else is given", () => {
    const aws = {
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "id",
      AWS_SECRET_ACCESS_KEY: "s",
      AWS_SESSION_TOKEN: "t",
    };
    const [signing] = load("providers: { bedrock: {} }", aws).config.providers;
    expect(signing).toMatchObject({ baseUrl: "https://bedrock-runtime.eu-west-1.amazonaws.com", keys: [] });
    expect(signing?.aws?.region).toBe("eu-west-1");
    expect(signing?.aws?.sessionToken?.reveal()).toBe("t");
    const [keyed] = load("providers: { bedrock: { api_key: env://K, region: us-east-1 } }", { ...aws, K: "k" }).config
      .providers;
    expect(keyed).toMatchObject({
      baseUrl: "https://bedrock-runtime.us-east-1.amazonaws.com",
      keys: [{ name: "key-1" }],
    });
    expect(keyed?.aws).toBeUndefined();
    const [bearer] = load("providers: { bedrock: {} }", { ...aws, AWS_BEARER_TOKEN_BEDROCK: "b" }).config.providers;
    expect(bearer?.keys.map(({ secret }) => secret.reveal())).toEqual(["b"]);
  });

  it("signs for the region that Bedrock's address names", () => {
    const address = "https://bedrock-runtime.ap-south-1.amazonaws.com";
    const yaml = `providers: { bedrock: { base_url: "${address}", aws_access_key_id: env://I, aws_secret_access_key: env://S } }`;
    const [instance] = load(yaml, { I: "id", S: "s", AWS_REGION: "us-east-1" }).config.providers;
    expect(instance?.aws?.region).toBe("ap-south-1");
  });

  it("is found at Vertex by project and location, and asks as the machine where no credential is given", () => {
    const [one] = load("providers: { vertex: { project: my-project, location: europe-west4 } }").config.providers;
    expect(one?.baseUrl).toBe(
      "https://europe-west4-aiplatform.googleapis.com/v1/projects/my-project/locations/europe-west4",
    );
    expect(one?.google).toEqual({ kind: "machine", origin: "http://metadata.google.internal" });
    const [two] = load("providers: { vertex: { api_key: env://K } }", { K: "k", GOOGLE_CLOUD_PROJECT: "other" }).config
      .providers;
    expect(two?.baseUrl).toBe("https://aiplatform.googleapis.com/v1/projects/other/locations/global");
    expect(two?.google).toBeUndefined();
  });

  it("cannot have two keys of one name", () => {
    const yaml = "providers: { openai: { keys: [{ name: a, secret: env://A }, { name: a, secret: env://B }] } }";
    expect(problems(yaml, { A: "sk-a", B: "sk-b" })).toEqual([
      expect.stringContaining("providers.openai.keys[1] is named a, as another key is"),
    ]);
  });
});

describe("a wrong setting is refused with its place, its value and what is allowed", () => {
  it.each([
    ["server: { port: 99999 }", "trunkline.yaml:1: server.port is 99999; it takes a whole number from 0 to 65535."],
    ["server: { port: 1.5 }", "server.port is 1.5; it takes a whole number from 0 to 65535."],
    ["server: { prot: 1 }", "server.prot is not a setting; did you mean port?"],
    ["sever: {}", "sever is not a setting; did you mean server?"],
    [
      "zzz: 1",
      "zzz is not a setting; known here are server, strict, providers, simulator, models, catalog, resilience, responses, telemetry.",
    ],
    ["server: []", "server is []; it takes a section with host, port,"],
    ["server: { host: 'a b' }", 'server.host is "a b"; it takes a host name or an IP address'],
    ["server: { workers: 0 }", "server.workers is 0; it takes a whole number from 1 to 256, or `auto`."],
    ["server: { tls: { cert_file: c.pem } }", "server.tls.key_file is missing; it takes a path."],
    [
      "server: { cors: { origins: ['*'] } }",
      'server.cors.origins[0] is "*"; it takes an origin such as https://app.example',
    ],
    ["server: { cors: { origins: [https://a.example/] } }", "server.cors.origins[0] is"],
    ["server: { port: 9000, ops: { port: 9000 } }", "server.ops.port is 9000, which is the public port too"],
    ["strict: yes please", 'strict is "yes please"; it takes true or false.'],
    ["telemetry: { log: { level: loud } }", 'telemetry.log.level is "loud"; it takes one of debug, info, warn, error.'],
    ["telemetry: { metrics: { allow_cidrs: [1.2.3.4] } }", "telemetry.metrics.allow_cidrs[0] is"],
    ["resilience: { max_attempts: 0 }", "resilience.max_attempts is 0; it takes a whole number from 1 to 16."],
    ["simulator: { enabled: false }", "simulator.enabled is false and no provider is configured"],
    ["providers: { 'A B': {} }", 'providers["A B"] is not a name that may stand here; allowed are names of lower-case'],
    ["providers: { mine: {} }", `providers.mine.type is missing; it takes one of ${servedKinds.join(", ")}.`],
    ["providers: { mine: { type: openia } }", 'providers.mine.type is "openia"; it takes one of openai, anthropic,'],
    ["providers: { azure: {} }", "providers.azure.base_url is missing; azure has no address of its own."],
    [
      "providers: { openai: { base_url: http://127.0.0.1/v1, api_version: 2024-10-21 } }",
      "providers.openai.api_version is Azure's; openai takes none.",
    ],
    [
      "providers: { groq: { base_url: http://127.0.0.1/v1, models: [{ id: a, deployment: b }] } }",
      "providers.groq.models[0].deployment is Azure's; groq knows models by their names.",
    ],
    [
      "providers: { azure: { base_url: https://r.openai.azure.com, api_version: latest-one } }",
      "providers.azure.api_version is",
    ],
    [
      "providers: { openai: { base_url: http://127.0.0.1/v1, region: us-east-1 } }",
      "providers.openai.region is Bedrock's; openai takes none.",
    ],
    ["providers: { bedrock: { api_key: env://X } }", "providers.bedrock.base_url is missing"],
    ["providers: { bedrock: { region: us-east-1 } }", "providers.bedrock.api_key is missing; set BEDROCK_API_KEY."],
    [
      "providers: { bedrock: { region: us-east-1, aws_access_key_id: env://HOME } }",
      "providers.bedrock.aws_secret_access_key is missing",
    ],
    ["providers: { vertex: {} }", "providers.vertex.base_url is missing"],
    [
      "providers: { vertex: { project: my-project, credentials_file: /nowhere/key.json } }",
      "providers.vertex.credentials_file is /nowhere/key.json, which",
    ],
    [
      "providers: { openai: { base_url: http://127.0.0.1/v1, project: my-project } }",
      "providers.openai.project is Vertex's; openai takes none.",
    ],
    ["providers: { vllm: {} }", "providers.vllm.base_url is missing; vllm has no address of its own."],
    ["providers: { openai-east: {} }", "providers.openai-east.api_key is missing; set OPENAI_EAST_API_KEY."],
    ["providers: { simulator: { type: openai } }", "providers.simulator is the built-in simulator's name"],
    [
      "providers: { openai: { base_url: ftp://x } }",
      'providers.openai.base_url is "ftp://x"; it takes an http or https URL',
    ],
    [
      "providers: { openai: { base_url: http://x/v1, http2: true } }",
      "providers.openai.http2 needs a base_url that begins with https://; the protocol is agreed on by TLS.",
    ],
    ["providers: { openai: { base_url: 'https://x/v1?k=1' } }", "providers.openai.base_url is"],
    [
      "providers: { openai: { headers: { Authorization: x } } }",
      "providers.openai.headers.Authorization is not a name",
    ],
    ["providers: { openai: { headers: { x-api-key: x } } }", "providers.openai.headers.x-api-key is not a name"],
    ["models: { fast: {} }", "models.fast.targets is missing; it takes a list of 1 to 16 entries."],
    ["models: { a/b: { targets: [x] } }", 'models["a/b"] is not a name that may stand here'],
    ["models: { f: { targets: [anthropic/x] } }", "models.f.targets[0] names anthropic, which is not configured"],
    [
      "models: { f: { targets: [simulater/x] } }",
      "models.f.targets[0] names simulater, which is not configured; did you mean simulator?",
    ],
    ["models: { f: { targets: [g] }, g: { targets: [x] } }", "models.f.targets[0] is g, itself an alias"],
    [
      "models: { f: { targets: [a], strategy: random } }",
      'models.f.strategy is "random"; it takes one of ordered, weighted, least-latency, least-busy, cheapest.',
    ],
    ["resilience: { retry_budget: 2 }", "resilience.retry_budget is 2; it takes a number from 0 to 1."],
  ])("%s", (yaml, expected) => {
    const found = problems(yaml);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  it("asks no key of a provider that asks for none", () => {
    const { config } = load("providers: { ollama: {} }", key);
    expect(config.providers[0]).toMatchObject({ baseUrl: "http://localhost:11434", keys: [], wire: "repair" });
  });

  it("names each certificate file that cannot be used", () => {
    writeFileSync(join(folder, "junk.pem"), "-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n");
    const found = problems("server: { tls: { cert_file: junk.pem, key_file: nope.pem } }");
    expect(found.map((problem) => problem.replace(/^trunkline.yaml:1: /, ""))).toEqual([
      "server.tls.cert_file is junk.pem, which holds no usable PEM of that kind.",
      "server.tls.key_file is nope.pem, which does not exist.",
    ]);
  });

  it("refuses what a later version will do, instead of ignoring it", () => {
    const yaml = `keys: []
tenants: {}
guardrails: []
cache: {}
telemetry: { traces: { otlp_endpoint: "http://x" } }
`;
    const found = problems(yaml);
    expect(found.map((problem) => problem.split(" ")[1]).sort()).toEqual([
      "cache",
      "guardrails",
      "keys",
      "telemetry.traces.otlp_endpoint",
      "tenants",
    ]);
    for (const problem of found) expect(problem).toMatch(/is not supported by this version; remove it\.$/);
  });

  it("lists all problems at once, each with its own place", () => {
    const yaml = "server:\n  port: x\n  host: 0.0.0.0\nproviders:\n  openai: { api_key: env://NOPE }\n";
    expect(problems(yaml, { TRUNKLINE_OPS_PORT: "many" }, { port: "http" })).toEqual([
      '--port: server.port is "http"; it takes a whole number from 0 to 65535.',
      'TRUNKLINE_OPS_PORT: server.ops.port is "many"; it takes a whole number from 0 to 65535.',
      "trunkline.yaml:5: providers.openai.api_key refers to the environment variable NOPE, which is not set.",
      expect.stringMatching(/^trunkline\.yaml:3: server\.host is 0\.0\.0\.0 and there is no master key/),
    ]);
  });

  it("does not blame an alias for a provider that was refused itself", () => {
    const yaml = "providers: { east: { type: nope } }\nmodels: { f: { targets: [openai/x] } }\n";
    expect(problems(yaml)).toEqual([expect.stringContaining("providers.east.type")]);
  });
});

describe("secrets", () => {
  it("are read from variables and files, and from files that variables name", () => {
    const path = join(folder, "key");
    writeFileSync(path, "sk-file\n");
    const yaml = `providers:\n  openai: { api_key: "file://${path}" }\n  openai-b: { api_key: env://B }\n`;
    const { config } = load(yaml, { B: `file://${path}`, TRUNKLINE_MASTER_KEY: `file://${path}` });
    expect(config.providers.map(({ keys }) => keys[0]?.secret.reveal())).toEqual(["sk-file", "sk-file"]);
    expect(config.masterKey?.reveal()).toBe("sk-file");
  });

  it("never print with the configuration", () => {
    const { config } = load(null, {
      OPENAI_API_KEY: "sk-canary",
      TRUNKLINE_MASTER_KEY: "canary-master-key",
      TRUNKLINE_METRICS_TOKEN: "canary-t",
    });
    expect(JSON.stringify(config)).not.toContain("canary");
  });

  it.each([
    [
      "api_key: sk-canary",
      "holds something else (not shown); it takes a reference: env://NAME or file:///absolute/path.",
    ],
    ["api_key: vault://kv/canary", "refers to a vault:// secret, which this version cannot read"],
    ["api_key: aws-sm://canary", "refers to a aws-sm:// secret, which this version cannot read"],
    ["api_key: [canary]", "holds something else (not shown)"],
    ["api_key: env://EMPTY", "refers to the environment variable EMPTY, which is empty."],
    ["api_key: env://SPACED", "which holds more than one line of visible ASCII characters"],
    ["api_key: env://VAULTED", "refers to a vault:// secret, which this version cannot read"],
    ["api_key: file:///nope/canary-free", "refers to /nope/canary-free, which does not exist."],
    ["headers: { x-extra: [canary] }", "holds something else (not shown)"],
    ["base_url: 'https://me:canary@example.test/v1'", 'is "https://…@example.test/v1"'],
  ])("are not repeated by the message: %s", (setting, expected) => {
    const env = { EMPTY: "", SPACED: "canary canary", VAULTED: "vault://canary", OPENAI_BASE_URL: "" };
    const [problem = ""] = problems(`providers: { openai: { ${setting} } }`, env);
    expect(problem).toContain(expected);
    expect(problem.replace("canary-free", "")).not.toContain("canary");
  });

  it("are refused when a file is too large or a folder", () => {
    writeFileSync(join(folder, "big"), "x".repeat(9000));
    const big = problems(`providers: { openai: { api_key: "file://${folder}/big" } }`);
    expect(big[0]).toContain("larger than 8192 bytes");
    expect(problems(`providers: { openai: { api_key: "file://${folder}" } }`)[0]).toContain("is a folder");
  });
});

describe("a listener without a key", () => {
  it("is refused beyond loopback, before anything listens", () => {
    for (const host of ["0.0.0.0", "::", "192.168.1.4", "gateway.internal", "127.0.0.1.evil.test"]) {
      expect(problems(null, { HOST: host })[0]).toMatch(/^HOST: server\.host is .* and there is no master key/);
    }
    expect(problems(null, { TRUNKLINE_ADMIN_HOST: "0.0.0.0" })[0]).toContain("server.admin.host is 0.0.0.0");
  });

  it("is allowed on loopback, and with a key anywhere", () => {
    for (const host of ["127.0.0.1", "127.8.9.1", "localhost", "::1"])
      expect(problems(null, { HOST: host })).toEqual([]);
    expect(problems(null, { HOST: "0.0.0.0", ...key })).toEqual([]);
  });

  it("is allowed anywhere when the operator says exactly so, with a warning", () => {
    expect(load(null, { HOST: "0.0.0.0", TRUNKLINE_ALLOW_OPEN: "true" }).warnings.join()).toContain("spend your money");
    expect(problems(null, { HOST: "0.0.0.0", TRUNKLINE_ALLOW_OPEN: "1" })).toHaveLength(1);
  });

  it("does not count an empty key as one, and warns of a short one", () => {
    expect(problems(null, { HOST: "0.0.0.0", TRUNKLINE_MASTER_KEY: "" })).toHaveLength(1);
    expect(load(null, { TRUNKLINE_MASTER_KEY: "hunter2" }).warnings.join()).toContain("short enough to guess");
  });
});
