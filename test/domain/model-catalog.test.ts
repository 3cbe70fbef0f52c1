import { describe, expect, it } from "vitest";
import { createModelCatalog } from "../../src/domain/model-catalog.ts";
import type { ModelFacts } from "../../src/domain/model-facts.ts";
import { matches, toPattern } from "../../src/domain/model-pattern.ts";

type Entries = readonly (readonly [match: string | readonly string[], facts: ModelFacts])[];

const layer = (entries: Entries) => (kind: string) =>
  kind === "openai" ? entries.map(([match, facts]) => ({ match: [match].flat(), facts })) : [];
const factsIn = (model: string, ...layers: readonly Entries[]) =>
  createModelCatalog(layers.map(layer)).facts("openai", model);
const window = (contextWindow: number): ModelFacts => ({ contextWindow });

describe("a pattern of model names", () => {
  it.each([
    ["gpt-5", "gpt-5", true],
    ["gpt-5", "gpt-5-mini", false],
    ["gpt-5*", "gpt-5", true],
    ["gpt-5*", "gpt-5-mini", true],
    ["gpt-5*", "gpt-50", false],
    ["gpt-5*mini", "gpt-5.1-mini", true],
    ["gpt-5*mini", "gpt-5.1-mini-x", false],
    ["*claude-opus-4-7*", "us.anthropic.claude-opus-4-7-v1:0", true],
    ["*claude-opus-4-1*", "claude-opus-4-12", false],
    ["*opus-4-1*", "opus-4-12-opus-4-1-x", true],
    ["gpt-5-####-##-##", "gpt-5-2025-08-07", true],
    ["gpt-5-####-##-##", "gpt-5-2025-08-7", false],
    ["GPT-5*", "gpt-5-mini", true],
    ["*a*a*", "a", false],
    ["a.c", "abc", false],
    ["*", "", true],
  ])("%s and %s: %s", (pattern, name, expected) => {
    expect(matches(toPattern(pattern), name)).toBe(expected);
  });

  it("looks at no character more often than a name and a pattern are long", () => {
    // With going back for every star this pair takes longer than any test may.
    const name = "a".repeat(256);
    expect(matches(toPattern("*aaaaaaaaaaaaaaaa*aaaaaaaaaaaaaaaa*aaaaaaaaaaaaaaaa*b"), name)).toBe(false);
  });
});

describe("what a catalogue says of a model", () => {
  it("is the entry with the most literal characters, wherever it stands", () => {
    const entries: Entries = [
      ["gpt*", window(1)],
      ["gpt-5-mini", window(4)],
      ["gpt-5*", window(2)],
      ["gpt-5-m*", window(3)],
    ];
    expect(["gpt-4", "gpt-5", "gpt-5-max", "gpt-5-mini"].map((name) => factsIn(name, entries).contextWindow)).toEqual([
      1, 2, 3, 4,
    ]);
    const reversed = entries.toReversed();
    expect(factsIn("gpt-5-mini", reversed).contextWindow).toBe(4);
  });

  it("is the one with more digits, then with fewer stars, then the first, of entries that are as literal", () => {
    const dated: Entries = [
      ["gpt-5-*", window(1)],
      ["gpt-5-####*", window(2)],
    ];
    expect(factsIn("gpt-5-2025", dated).contextWindow).toBe(2);
    const starred: Entries = [
      ["*gpt*", window(1)],
      ["gpt*", window(2)],
    ];
    expect(factsIn("gpt", starred).contextWindow).toBe(2);
    const twins: Entries = [
      ["*gpt", window(1)],
      ["gpt*", window(2)],
    ];
    expect(factsIn("gpt", twins).contextWindow).toBe(1);
    expect(factsIn("gpt", twins.toReversed()).contextWindow).toBe(2);
  });

  it("is nothing for other names and other kinds", () => {
    const entries: Entries = [["gpt-5*", window(1)]];
    expect(factsIn("llama", entries)).toEqual({});
    expect(createModelCatalog([layer(entries)]).facts("groq", "gpt-5")).toEqual({});
  });

  it("holds for a reseller's name of the model too, but for the interface", () => {
    const entries: Entries = [["gpt-5*", { contextWindow: 1, api: "responses" }]];
    expect(factsIn("openai/gpt-5", entries)).toEqual({ contextWindow: 1 });
    expect(factsIn("gpt-5", entries)).toEqual({ contextWindow: 1, api: "responses" });
  });

  it("is merged fact by fact, the later catalogue over the earlier, however general its pattern", () => {
    const first: Entries = [["gpt-5-mini", { contextWindow: 1, efforts: ["low"] }]];
    const second: Entries = [["gpt*", { contextWindow: 2 }]];
    expect(factsIn("gpt-5-mini", first, second)).toEqual({ contextWindow: 2, efforts: ["low"] });
    expect(factsIn("gpt-5-mini", second, first)).toEqual({ contextWindow: 1, efforts: ["low"] });
  });

  it("stays right when more names were asked for than it remembers", () => {
    const catalog = createModelCatalog([layer([["gpt-5*", window(1)]])]);
    for (let i = 0; i < 2_500; i++) expect(catalog.facts("openai", `made-up-${i}`)).toEqual({});
    expect(catalog.facts("openai", "gpt-5")).toEqual(window(1));
  });
});
