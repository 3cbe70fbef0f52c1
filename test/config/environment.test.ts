import { describe, expect, it } from "vitest";
import { readEnvironment } from "../../src/config/environment.ts";
import { loadConfig } from "../../src/config/load.ts";

const load = (env: Record<string, string>) => loadConfig({ env, flags: {}, folder: "/nonexistent" });

describe("a provider from the environment", () => {
  it("exists by its key, at the provider's own servers", () => {
    const [openai, anthropic] = load({
      OPENAI_API_KEY: "sk-o",
      ANTHROPIC_API_KEY: "sk-a",
    }).config.providers.toReversed();
    expect(openai).toMatchObject({ name: "openai", baseUrl: "https://api.openai.com/v1", wire: "exact" });
    expect(anthropic).toMatchObject({ name: "anthropic", baseUrl: "https://api.anthropic.com", wire: "exact" });
  });

  it("exists by its base URL alone, and is then looked at event by event", () => {
    const [only] = load({ VLLM_BASE_URL: "http://127.0.0.1:8000/v1/", VLLM_MODELS: " a, ,b ,a" }).config.providers;
    expect(only).toMatchObject({
      name: "vllm",
      provider: "vllm",
      baseUrl: "http://127.0.0.1:8000/v1",
      keys: [],
      models: ["a", "b"],
      wire: "repair",
    });
  });

  it("gets an instance of its own by a suffix", () => {
    const { providers } = load({
      OPENAI_API_KEY: "1",
      OPENAI_EAST_API_KEY: "2",
      OPENAI_EU_WEST_BASE_URL: "http://127.0.0.1:1/v1",
    }).config;
    expect(providers.map(({ name }) => name)).toEqual(["openai", "openai-east", "openai-eu-west"]);
  });

  it("does not exist by models alone or by other endings, and empty variables are absent", () => {
    const { config, warnings } = load({ OPENAI_MODELS: "a", OPENAI_ORG_ID: "x", ANTHROPIC_API_KEY: "" });
    expect(config.providers).toEqual([]);
    expect(config.simulator.enabled).toBe(true);
    expect(warnings).toContain("OPENAI_MODELS: ignored, because a provider exists by its _API_KEY or _BASE_URL.");
  });

  it.each([
    ["GROQ", "https://api.groq.com/openai/v1"],
    ["XAI", "https://api.x.ai/v1"],
    ["DEEPSEEK", "https://api.deepseek.com"],
    ["OPENROUTER", "https://openrouter.ai/api/v1"],
    ["MISTRAL", "https://api.mistral.ai/v1"],
  ])("has an adapter and an address of its own: %s", (kind, baseUrl) => {
    const { config, warnings } = load({ [`${kind}_API_KEY`]: "x" });
    expect(config.providers).toMatchObject([{ provider: kind.toLowerCase(), baseUrl, wire: "repair" }]);
    expect(warnings.join()).not.toContain("generic");
  });

  it("exists by its address alone, or by its key alone at its usual address, where it asks for no key", () => {
    const [local] = load({ OLLAMA_BASE_URL: "http://gpu.internal:11434/" }).config.providers;
    expect(local).toMatchObject({ provider: "ollama", baseUrl: "http://gpu.internal:11434", keys: [] });
    const [keyed] = load({ OLLAMA_API_KEY: "x" }).config.providers;
    expect(keyed).toMatchObject({ baseUrl: "http://localhost:11434", keys: [{ name: "key-1" }] });
  });

  it("warns when a key would travel unencrypted", () => {
    const env = { OPENAI_API_KEY: "x", OPENAI_BASE_URL: "http://llm.internal/v1" };
    expect(load(env).warnings.join()).toContain("sends its key unencrypted");
    expect(load({ ...env, OPENAI_BASE_URL: "http://localhost:1/v1" }).warnings.join()).not.toContain("unencrypted");
  });
});

describe("readEnvironment", () => {
  it("merges into the file's instance of the same name, whatever its type", () => {
    const { settings } = readEnvironment(
      { GEMINI_API_KEY: "x", OPENAI_MODELS: "a" },
      new Map([
        ["gemini", {}],
        ["openai", {}],
      ]),
    );
    expect(settings).toEqual([
      { path: ["providers", "gemini", "api_key"], value: "env://GEMINI_API_KEY", source: "GEMINI_API_KEY" },
      { path: ["providers", "openai", "models"], value: ["a"], source: "OPENAI_MODELS" },
    ]);
  });

  it("leaves out ports that are Kubernetes service links", () => {
    const { settings, warnings } = readEnvironment({ TRUNKLINE_OPS_PORT: "tcp://10.0.0.7:9464" }, new Map());
    expect(settings).toEqual([]);
    expect(warnings.join()).toContain("enableServiceLinks: false");
  });

  it("points out near misses of its own variables, and only those", () => {
    const env = { TRUNKLINE_MASTERKEY: "x", TRUNKLINE_SERVICE_HOST: "10.0.0.7", PATH: "/bin" };
    expect(readEnvironment(env, new Map()).warnings).toEqual([
      "TRUNKLINE_MASTERKEY is not a variable that is read; did you mean TRUNKLINE_MASTER_KEY?",
    ]);
  });

  it("says that databases are not used yet", () => {
    const { warnings } = readEnvironment(
      { DATABASE_URL: "postgres://u:canary@h/d", REDIS_URL: "redis://h" },
      new Map(),
    );
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).not.toContain("canary");
  });
});
