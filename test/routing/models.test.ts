import { describe, expect, it } from "vitest";
import type { ModelAlias } from "../../src/domain/route.ts";
import { createModels, type SourcedListing } from "../../src/routing/models.ts";
import { failureOf, instanceAt } from "../providers/sending.ts";
import { aliasOf } from "./parts.ts";

function listing(name: string, ids: readonly string[], provider = "openai"): SourcedListing {
  const facts = { contextWindow: 128_000, capabilities: ["tools"], createdAtMs: 1_700_000_000_000 };
  const models = new Map(ids.map((id) => [id, { facts, source: "provider" }]));
  return { instance: instanceAt("http://provider/v1", { name, provider }), models, complete: true };
}

const listings = [listing("west", ["gpt-5", "gpt-4o"]), listing("east", ["gpt-4o", "org/llama"])];
const aliases: readonly ModelAlias[] = [
  aliasOf("smart", ["gpt-5"]),
  aliasOf("any", ["west/gpt-4o", "east/gpt-4o"]),
  aliasOf("ghost", ["east/gone"]),
];

function models(now: readonly SourcedListing[] = listings, out: readonly string[] = []) {
  let reads = 0;
  const parts = {
    aliases,
    listings: () => (reads > 0 ? now : []),
    ready: async () => void reads++,
    isOut: (name: string) => out.includes(name),
  };
  return createModels(parts);
}

describe("a model whose circuit is open", () => {
  const available = async (out: readonly string[]) =>
    Object.fromEntries((await models(listings, out).list()).map(({ name, available }) => [name, available]));

  it("is not available, nor is an alias that has nobody else", async () => {
    expect(await available(["west/gpt-5"])).toMatchObject({ "west/gpt-5": false, smart: false, any: true });
    expect(await models(listings, ["west/gpt-5"]).get("smart")).toMatchObject({ available: false });
  });

  it("leaves an alias of several available until all of them are out", async () => {
    expect(await available(["west/gpt-4o"])).toMatchObject({ "west/gpt-4o": false, any: true });
    expect(await available(["west/gpt-4o", "east/gpt-4o"])).toMatchObject({ any: false });
  });
});

describe("the list of models", () => {
  it("waits for the providers' lists, and has aliases first, each part sorted", async () => {
    expect((await models().list()).map(({ name }) => name)).toEqual([
      "any",
      "ghost",
      "smart",
      "east/gpt-4o",
      "east/org/llama",
      "west/gpt-4o",
      "west/gpt-5",
    ]);
  });

  it("says of each what the provider and the catalogue know", async () => {
    const found = (await models().list()).find(({ name }) => name === "west/gpt-5");
    expect(found).toMatchObject({
      provider: "west",
      aliases: ["gpt-5"],
      displayName: "gpt-5",
      contextWindow: 128_000,
      capabilities: ["tools"],
      created: { seconds: 1_700_000_000n },
      available: true,
      source: "provider",
    });
    expect(found?.maxOutputTokens).toBeUndefined();
  });

  it("has the aliases alone when no provider lists anything", async () => {
    expect((await models([]).list()).map(({ name }) => name)).toEqual(["any", "ghost", "smart"]);
  });
});

describe("a single model", () => {
  it.each([
    ["west/gpt-5", "west/gpt-5"],
    ["gpt-5", "west/gpt-5"],
    ["gpt-4o", "west/gpt-4o"],
    ["east/gpt-4o", "east/gpt-4o"],
    ["org/llama", "east/org/llama"],
    ["east/org/llama", "east/org/llama"],
  ])("is found as %s", async (asked, name) => {
    expect(await models().get(asked)).toMatchObject({ name });
  });

  it("by an alias of one model says what that model is", async () => {
    expect(await models().get("smart")).toMatchObject({
      name: "smart",
      aliases: ["west/gpt-5", "gpt-5"],
      contextWindow: 128_000,
      source: "alias",
    });
  });

  it.each(["any", "ghost"])(
    "by the alias %s, of several models or of none that is listed, promises nothing",
    async (name) => {
      const found = await models().get(name);
      expect(found).toMatchObject({ name, displayName: name, capabilities: [], source: "alias" });
      expect(found.contextWindow).toBeUndefined();
    },
  );

  it.each(["gtp-5", "west/gtp-5"])("that does not exist is answered with the nearest: %s", async (wrong) => {
    const failed = await failureOf(models().get(wrong));
    expect(failed).toMatchObject({ code: "model_not_found", detail: { field: "model" } });
    expect(failed.message).toContain('gpt-5"?');
  });
});

describe("what a provider says of its models", () => {
  it("may be no time and no price, which leaves these out and the list whole", async () => {
    const prices = { inputNanoUsd: 1e300, outputNanoUsd: Number.NaN, version: "v" };
    const odd = { createdAtMs: Number.POSITIVE_INFINITY, shutdownAtMs: 1e18, prices };
    const fine = { createdAtMs: 1_000, prices: { inputNanoUsd: 0.4, outputNanoUsd: 2.6, version: "v" } };
    const given = new Map([
      ["odd", { facts: odd, source: "provider" }],
      ["fine", { facts: fine, source: "provider" }],
    ]);
    const list = await models([{ ...listing("west", []), models: given }]).list();
    const told = list.filter(({ source }) => source === "provider");
    expect(
      told.map(({ name, created, shutdownAt, prices }) => [name, created?.seconds, shutdownAt, prices.length]),
    ).toEqual([
      ["west/fine", 1n, undefined, 2],
      ["west/odd", undefined, undefined, 0],
    ]);
    expect(told[0]?.prices.map(({ nanoUsdPerMillion }) => nanoUsdPerMillion)).toEqual([0n, 3n]);
  });
});
