import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { differencesOf } from "../../src/config/catalog-differences.ts";
import { catalogSchema } from "../../src/config/catalog-schema.ts";
import { loadConfig } from "../../src/config/load.ts";
import { packageCatalog } from "../../src/config/package-catalog.ts";
import { ConfigError } from "../../src/config/problems.ts";
import { createModelCatalog } from "../../src/domain/model-catalog.ts";
import { createFacts } from "../../src/providers/catalog.ts";
import { repository } from "../tooling/repository.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "trunkline-catalog-"));
  mkdirSync(join(folder, "data"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, content: unknown) =>
  writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
const catalog = (facts: object) => ({
  format: 1,
  providers: { openai: [{ match: ["gpt-5"], source: "test", ...facts }] },
});
const load = (yaml: string) => {
  put("trunkline.yaml", yaml);
  return loadConfig({ env: { OPENAI_API_KEY: "sk-test-0123456789" }, flags: {}, folder });
};
const factsOf = (yaml: string, model = "gpt-5") => createFacts(load(yaml).config.catalog)("openai", model);

describe("the package's catalogue", () => {
  const text = readFileSync(join(repository, "src/config/model-catalog.json"), "utf8");
  const file = catalogSchema.parse(JSON.parse(text));

  it("keeps to the schema, and says each thing once", () => {
    for (const entries of Object.values(file.providers)) {
      const patterns = (entries ?? []).flatMap(({ match }) => match);
      expect(new Set(patterns).size).toBe(patterns.length);
    }
  });

  it("gives a date wherever it names a source, and marks only facts that it has", () => {
    const entries = Object.values(file.providers).flatMap((list) => list ?? []);
    expect(entries.filter(({ source, as_of: asOf }) => source !== "unverified" && asOf === undefined)).toEqual([]);
    expect(entries.filter((entry) => entry.unverified?.some((name) => entry[name] === undefined))).toEqual([]);
  });

  it("knows a platform's models as their maker's, but not what they cost there", () => {
    const facts = createFacts();
    const { prices, ...others } = facts("openai", "gpt-5");
    expect(prices).toBeDefined();
    expect(createModelCatalog([packageCatalog]).facts("azure", "gpt-5")).toEqual(others);
  });
});

describe("catalogues of the operator", () => {
  it("are the update in the data folder, and over it the file that is named", () => {
    put("data/models.json", catalog({ context_window: 1, max_output_tokens: 2 }));
    put("own.yaml", "format: 1\nproviders: { openai: [{ match: [gpt-5], source: test, context_window: 3 }] }");
    const { contextWindow, maxOutputTokens, efforts } = factsOf("catalog: { file: own.yaml }");
    expect({ contextWindow, maxOutputTokens }).toEqual({ contextWindow: 3, maxOutputTokens: 2 });
    expect(efforts).toEqual(["minimal", "low", "medium", "high"]);
  });

  it("say all that the package's can say", () => {
    const price = { input: 1, output: 2, cache_read: 0.5, cache_write: 3, tiers: { flex: { input: 4, output: 5 } } };
    const reasoning = { style: "budget", min_budget: 1, max_budget: 2, can_stop: true, by_default: true };
    put("own.json", catalog({ price: { ...price, source: "test", as_of: "2026-11" }, reasoning, drop_refused: true }));
    expect(factsOf("catalog: { file: own.json }")).toMatchObject({
      dropRefused: true,
      reasoning: { style: "budget", minBudget: 1, maxBudget: 2, canStop: true, byDefault: true },
      prices: {
        ...{
          inputNanoUsd: 1e9,
          outputNanoUsd: 2e9,
          cacheReadNanoUsd: 0.5e9,
          cacheWriteNanoUsd: 3e9,
          version: "2026-11",
        },
        tiers: { flex: { inputNanoUsd: 4e9, outputNanoUsd: 5e9 } },
      },
    });
  });

  it("that are named and wrong are problems of the configuration, by field", () => {
    put("own.json", catalog({ context_window: 0 }));
    expect(() => load("catalog: { file: own.json }")).toThrow(ConfigError);
    expect(() => load("catalog: { file: own.json }")).toThrow(
      /trunkline[.]yaml:1: catalog[.]file cannot be used: .*own[.]json: providers[.]openai\[0\][.]context_window is 0/,
    );
    expect(() => load("catalog: { file: none.json }")).toThrow(
      /catalog[.]file cannot be used: .*none[.]json does not exist/,
    );
  });

  it("that were updated and have gone bad are left out with a warning", () => {
    put("data/models.json", "{");
    const { config, warnings } = load("");
    expect(config.catalog).toEqual([]);
    expect(warnings.join()).toMatch(/models[.]json: is not valid JSON[.] The catalogue is left out/);
  });

  it("stand under what the configuration says of a model, which drops by itself what it says is refused", () => {
    const yaml = "providers: { openai: { models: [{ id: gpt-5, parameters_refused: [seed], efforts: [low] }] } }";
    expect(load(yaml).config.providers[0]?.facts?.get("gpt-5")).toEqual({
      parametersRefused: ["seed"],
      dropRefused: true,
      efforts: ["low"],
    });
  });
});

it("differences are those of the facts that count in the end", () => {
  const one = catalogSchema.parse(catalog({ context_window: 1, price: { input: 1, output: 1, source: "s" } }));
  const same = catalogSchema.parse(catalog({ context_window: 1 }));
  // The price is still the first one's.
  expect(differencesOf([one], [one, same])).toEqual({ added: 0, changed: 0, removed: 0, prices: [] });
  const dearer = catalogSchema.parse(catalog({ price: { input: 2, output: 1, source: "s" } }));
  expect(differencesOf([one], [one, dearer])).toMatchObject({
    changed: 1,
    prices: [{ kind: "openai", pattern: "gpt-5" }],
  });
});
