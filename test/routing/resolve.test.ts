import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { type ChatRequest, ChatRequestSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import { systemClock } from "../../src/domain/clock.ts";
import type { ModelAlias } from "../../src/domain/route.ts";
import { createResolver, type Listing } from "../../src/routing/resolve.ts";
import { TargetStates } from "../../src/routing/target-states.ts";
import { failureOf, instanceAt } from "../providers/sending.ts";
import { aliasOf, breaker, policy } from "./parts.ts";

/** What is known of an instance; `null` models: its list could not be read and none are configured. */
function listing(name: string, models: readonly string[] | null, more: Partial<Listing> & { provider?: string } = {}) {
  const { provider = "openai", ...rest } = more;
  const entries = (models ?? []).map((id) => [id, { facts: { contextWindow: id.length } }] as const);
  const instance = instanceAt("http://provider/v1", { name, provider });
  return { instance, models: new Map(entries), complete: models !== null, ...rest };
}

/** @param later the listings once the first reading is done; the same ones by default */
function resolving(listings: readonly Listing[], aliases: readonly ModelAlias[] = [], later = listings) {
  let now = listings;
  let waits = 0;
  const wanted = createResolver({
    aliases,
    listings: () => now,
    listed: async () => {
      waits++;
      now = later;
    },
    facts: (provider) => ({ displayName: `a model of ${provider}` }),
    policy,
    states: new TargetStates(systemClock, breaker),
    random: Math.random,
    keysOf: () => [],
  });
  const resolve = async (names: readonly string[]) => [...(await wanted({ names, chat: null })).targets];
  const names = async (...asked: string[]) => (await resolve(asked)).map(({ name }) => name);
  return { wanted, resolve, names, waits: () => waits };
}

const east = listing("east", ["gpt-4o", "org/llama"]);
const west = listing("west", ["gpt-4o", "gpt-5"]);
const claude = listing("claude", ["claude-sonnet-4-5"], { provider: "anthropic" });

describe("a bare model", () => {
  it("is found at every instance that lists it, in the configured order", async () => {
    expect(await resolving([east, west]).names("gpt-4o")).toEqual(["east/gpt-4o", "west/gpt-4o"]);
    expect(await resolving([west, east, claude]).names("gpt-5")).toEqual(["west/gpt-5"]);
  });

  it("may hold slashes of its own", async () => {
    expect(await resolving([east, west]).names("org/llama")).toEqual(["east/org/llama"]);
    expect(await resolving([east]).names("accounts/x/models/y")).toEqual(["east/accounts/x/models/y"]);
    expect(await resolving([east]).names("/odd/")).toEqual(["east//odd/"]);
  });

  it("goes to the only instance there is, listed or not", async () => {
    const { names, waits } = resolving([claude]);
    expect(await names("claude-next")).toEqual(["claude/claude-next"]);
    expect(waits()).toBe(0);
  });

  it("that nobody lists goes to those of whose models nothing is known", async () => {
    const down = listing("down", null);
    expect(await resolving([east, down]).names("new-model")).toEqual(["down/new-model"]);
  });

  it("that nobody lists does not go to an instance with configured models alone", async () => {
    const configured = listing("configured", ["own"], { complete: false });
    const { resolve } = resolving([east, configured]);
    expect(await failureOf(resolve(["new-model"]))).toMatchObject({ code: "model_not_found" });
  });

  it("is looked for again when the lists have come", async () => {
    const unread = [listing("east", null), listing("west", null)];
    const { names, waits } = resolving(unread, [], [east, west]);
    expect(await names("gpt-5")).toEqual(["west/gpt-5"]);
    expect(waits()).toBe(1);
  });

  it("that a configured list has does not wait for the lists", async () => {
    const { names, waits } = resolving([listing("east", ["own"], { complete: false }), listing("west", null)]);
    expect(await names("own")).toEqual(["east/own"]);
    expect(waits()).toBe(0);
  });
});

describe("a model behind a prefix", () => {
  it("is at that instance, whatever the list says, and nobody waits for a list", async () => {
    const { names, waits } = resolving([east, listing("down", null)]);
    expect(await names("down/anything")).toEqual(["down/anything"]);
    expect(await names("east/not/listed")).toEqual(["east/not/listed"]);
    expect(waits()).toBe(0);
  });

  it("is at the instances of a kind that list it, or at all of them", async () => {
    const { names } = resolving([east, west, claude]);
    expect(await names("openai/gpt-5")).toEqual(["west/gpt-5"]);
    expect(await names("openai/unheard")).toEqual(["east/unheard", "west/unheard"]);
    expect(await names("anthropic/unheard")).toEqual(["claude/unheard"]);
  });

  it("is at the instance when it is named like its kind", async () => {
    const openai = listing("openai", ["gpt-4o"]);
    expect(await resolving([east, openai]).names("openai/gpt-4o")).toEqual(["openai/gpt-4o"]);
  });
});

describe("an alias", () => {
  const fast = aliasOf("fast", ["west/gpt-5", "claude-sonnet-4-5"]);

  it("leads to its targets, best first", async () => {
    expect(await resolving([east, west, claude], [fast]).names("fast")).toEqual([
      "west/gpt-5",
      "claude/claude-sonnet-4-5",
    ]);
  });

  it("wins over a model of the same name", async () => {
    const shadow = aliasOf("gpt-4o", ["claude-sonnet-4-5"]);
    expect(await resolving([east, claude], [shadow]).names("gpt-4o")).toEqual(["claude/claude-sonnet-4-5"]);
  });

  it("may hold a slash and shadow an instance", async () => {
    const slashed = aliasOf("east/gpt-4o", ["west/gpt-4o"]);
    expect(await resolving([east, west], [slashed]).names("east/gpt-4o")).toEqual(["west/gpt-4o"]);
  });
});

describe("fallback models", () => {
  it("follow the model that was asked for, none twice", async () => {
    const { names } = resolving([east, west, claude]);
    expect(await names("west/gpt-4o", "gpt-4o", "claude-sonnet-4-5")).toEqual([
      "west/gpt-4o",
      "east/gpt-4o",
      "claude/claude-sonnet-4-5",
    ]);
  });

  it("that lead nowhere are named by their place", async () => {
    const failed = await failureOf(resolving([east, west]).resolve(["gpt-4o", "gpt-5", "nothing"]));
    expect(failed).toMatchObject({ code: "model_not_found", detail: { field: "fallback_models[1]" } });
  });
});

describe("a target", () => {
  it("has the facts of the list, or those of the catalogue", async () => {
    const { resolve } = resolving([east, claude]);
    expect(await resolve(["gpt-4o"])).toMatchObject([
      { instance: "east", provider: "openai", model: "gpt-4o", wire: "repair", facts: { contextWindow: 6 } },
    ]);
    expect(await resolve(["claude/new"])).toMatchObject([{ facts: { displayName: "a model of anthropic" } }]);
  });
});

describe("a model that does not exist", () => {
  const { resolve } = resolving([east, west, claude], [aliasOf("cheap", ["gpt-4o"])]);

  it.each([
    ["gtp-4o", "gpt-4o"],
    ["Claude-Sonet-4-5", "claude-sonnet-4-5"],
    ["chep", "cheap"],
    ["eats/gpt-4o", "east/gpt-4o"],
    ["org/lama", "org/llama"],
  ])("is answered with the nearest name: %s, %s", async (wrong, near) => {
    const failed = await failureOf(resolve([wrong]));
    expect(failed).toMatchObject({ code: "model_not_found", detail: { field: "model", retryable: false } });
    expect(failed.message).toContain(`Did you mean "${near}"?`);
  });

  it("is answered with the way to the list when nothing is near", async () => {
    const { message } = await failureOf(resolve(["mistral-large"]));
    expect(message).toBe(
      'The model "mistral-large" does not exist here. GET /v1/models (or ListModels) lists those that do.',
    );
  });

  it("is shown cut, with its quotes and line ends escaped", async () => {
    const { message } = await failureOf(resolve([`"\n${"x".repeat(300)}`]));
    expect(message).toContain(`The model "\\"\\n${"x".repeat(78)}…" does not`);
  });

  it("is compared with a bounded number of names", async () => {
    const many = Array.from({ length: 5_000 }, (_, i) => `model-${i}`);
    const { message } = await failureOf(resolving([listing("many", many), west]).resolve(["model-49999"]));
    expect(message).toContain('Did you mean "model-499"?');
  });
});

describe("a route", () => {
  const image = { kind: { case: "image" as const, value: {} } };
  const picture = create(ChatRequestSchema, { messages: [{ parts: [image] }] });
  const plain = create(ChatRequestSchema);
  const blind = { models: new Map([["m", { facts: { inputModalities: ["text"] } }]]) };
  const seeing = { models: new Map([["m", { facts: { inputModalities: ["text", "image"] } }]]) };
  const listings = [listing("blind", ["m"], blind), listing("seeing", ["m"], seeing)];

  it("has the rules of the first name", async () => {
    const [one, two] = [aliasOf("one", ["west/gpt-5"], { maxAttempts: 7 }), aliasOf("two", ["east/gpt-4o"])];
    const { wanted } = resolving([east, west], [one, two]);
    const route = await wanted({ names: ["one", "two"], chat: plain });
    expect(route.policy.maxAttempts).toBe(7);
    expect([...route.targets].map(({ name }) => name)).toEqual(["west/gpt-5", "east/gpt-4o"]);
    expect((await wanted({ names: ["gpt-5"], chat: plain })).policy).toBe(policy);
  });

  it("leaves out targets that cannot serve the request, and says why", async () => {
    const { wanted } = resolving(listings, [aliasOf("any", ["blind/m", "seeing/m"])]);
    const route = await wanted({ names: ["any"], chat: picture });
    expect([...route.targets].map(({ name }) => name)).toEqual(["seeing/m"]);
    expect(route.skipped.map(({ target, reason }) => [target.name, reason])).toEqual([["blind/m", "image"]]);
    expect([...(await wanted({ names: ["any"], chat: plain })).targets]).toHaveLength(2);
  });

  it("keeps them all when none could: the provider has the last word", async () => {
    const { wanted } = resolving(listings, [aliasOf("any", ["blind/m", "blind/other"])]);
    const route = await wanted({ names: ["blind/m"], chat: picture });
    expect([[...route.targets].map(({ name }) => name), route.skipped]).toEqual([["blind/m"], []]);
  });

  it("gives each target the weight and the bounds that its alias says", async () => {
    const alias = aliasOf("any", ["blind/m", "seeing/m"]);
    const targets = [alias.targets[0], { model: "seeing/m", weight: 3, bounds: { idleMs: 5 } }].filter((one) => !!one);
    const { wanted } = resolving(listings, [{ ...alias, targets }]);
    const [first, second] = (await wanted({ names: ["any"], chat: plain })).targets;
    expect([first?.weight, first?.bounds, second?.weight, second?.bounds]).toEqual([
      undefined,
      undefined,
      3,
      { idleMs: 5 },
    ]);
  });

  it.each([
    ["session", { routing: { sessionId: "s" } }],
    ["prompt_cache_key", { cache: { key: "s" } }],
  ] as const)("stays with one target by %s, where it is asked for", async (sticky, request) => {
    const alias = aliasOf("any", ["blind/m", "seeing/m"], { strategy: "weighted", sticky });
    const { wanted } = resolving(listings, [alias]);
    const firstOf = async (chat: ChatRequest) => [...(await wanted({ names: ["any"], chat })).targets][0]?.name;
    const stuck = await Promise.all(Array.from({ length: 30 }, () => firstOf(create(ChatRequestSchema, request))));
    expect(new Set(stuck).size).toBe(1);
    const free = await Promise.all(Array.from({ length: 60 }, () => firstOf(plain)));
    expect(new Set(free).size).toBe(2);
  });
});
