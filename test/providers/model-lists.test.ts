import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/domain/clock.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import type { ProviderInstance } from "../../src/domain/instance.ts";
import type { Log, LogFields } from "../../src/domain/log.ts";
import type { ModelFacts } from "../../src/domain/model-facts.ts";
import { createDialer } from "../../src/net/dial.ts";
import { providerOf } from "../../src/providers/catalog.ts";
import { createModelLists } from "../../src/providers/model-lists.ts";
import type { ModelPage } from "../../src/providers/provider.ts";
import { Sender } from "../../src/providers/send.ts";
import { createFakeClock, type FakeClock } from "../fakes/clock.ts";
import { packageFacts } from "../fakes/facts.ts";
import { answer, startRawUpstream } from "../fakes/upstream.ts";
import { bounds, instanceAt } from "./sending.ts";

const minute = 60_000;
const page = (ids: readonly string[], next: string | null = null): ModelPage => ({
  models: ids.map((id) => ({ id, facts: {} })),
  next,
});
const down = new GatewayError("service_unavailable", "Nobody there.");

/** Lists whose pages are answered by hand. */
function listing(instances: readonly ProviderInstance[], clock: FakeClock = createFakeClock()) {
  const asked: { name: string; path: string; signal: AbortSignal; answer(page: ModelPage | Error): void }[] = [];
  const warnings: LogFields[] = [];
  const log: Log = {
    debug() {},
    info() {},
    error() {},
    warn: (_, fields = {}) => warnings.push(fields),
    with: () => log,
  };
  const fetchPage = ({ name }: ProviderInstance, path: string, signal: AbortSignal) =>
    new Promise<ModelPage>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      asked.push({
        name,
        path,
        signal,
        answer: (given) => (given instanceof Error ? reject(given) : resolve(given)),
      });
    });
  const details: { model: string; answer(facts: ModelFacts | Error): void }[] = [];
  const fetchFacts = (_: ProviderInstance, model: string) =>
    new Promise<ModelFacts>((resolve, reject) => {
      details.push({ model, answer: (given) => (given instanceof Error ? reject(given) : resolve(given)) });
    });
  const lists = createModelLists({ instances, clock, log, providerOf, facts: packageFacts, fetchPage, fetchFacts });
  onTestFinished(() => lists.stop());
  const known = () => lists.current().map(({ models, complete }) => ({ ids: [...models.keys()], complete }));
  return { lists, clock, asked, details, warnings, known };
}

const east = instanceAt("http://east/v1", { name: "east", models: ["own"] });
const claude = instanceAt("http://claude", { name: "claude", provider: "anthropic" });

describe("lists of models", () => {
  it("hold the configured models before anything was read", () => {
    const { known, asked } = listing([east, claude]);
    expect(known()).toEqual([
      { ids: ["own"], complete: false },
      { ids: [], complete: false },
    ]);
    expect(asked).toEqual([]);
  });

  it("hold the provider's models beside the configured ones once they were read, however often that is waited for", async () => {
    const { lists, known, asked } = listing([east]);
    const ready = [lists.ready(), lists.ready()];
    asked[0]?.answer(page(["gpt-4o", "own"]));
    await Promise.all(ready);
    await lists.ready();
    expect(known()).toEqual([{ ids: ["own", "gpt-4o"], complete: true }]);
    expect(asked.map(({ path }) => path)).toEqual(["/models"]);
    expect(lists.current()[0]?.models.get("own")?.source).toBe("provider");
    expect(lists.current()[0]?.models.get("gpt-4o")?.facts.contextWindow).toBe(128_000);
  });

  it("are completed by what the provider says of single models, few at once, and hold those of which it says nothing", async () => {
    const local = instanceAt("http://local", { name: "local", provider: "ollama" });
    const { lists, asked, details } = listing([local]);
    const ready = lists.ready();
    asked[0]?.answer(page(["a", "b", "c", "d", "e"]));
    await expect.poll(() => details.length).toBe(4);
    details[0]?.answer({ contextWindow: 7 });
    await expect.poll(() => details.length).toBe(5);
    for (const { answer } of details.slice(1)) answer(down);
    await ready;
    const facts = [...(lists.current()[0]?.models.values() ?? [])].map((model) => model.facts.contextWindow);
    expect(facts).toEqual([7, undefined, undefined, undefined, undefined]);
  });

  it("are read page by page", async () => {
    const { lists, known, asked } = listing([claude]);
    const ready = lists.ready();
    asked[0]?.answer(page(["a"], "/v1/models?after_id=a"));
    await expect.poll(() => asked.length).toBe(2);
    expect(known()[0]?.ids).toEqual([]);
    asked[1]?.answer(page(["b"]));
    await ready;
    expect(known()).toEqual([{ ids: ["a", "b"], complete: true }]);
    expect(asked[1]?.path).toBe("/v1/models?after_id=a");
  });

  it("that never end are cut", async () => {
    const { lists, known, asked } = listing([claude]);
    const ready = lists.ready();
    for (let turn = 0; turn < 100; turn++) {
      await expect.poll(() => asked.length, { interval: 1 }).toBe(turn + 1);
      asked[turn]?.answer(page([`m-${turn}`], "/v1/models?again"));
    }
    await ready;
    expect(known()[0]?.ids).toHaveLength(100);
    expect(known()[0]?.complete).toBe(false);
  });

  it("with a page that is far too long are cut", async () => {
    const { lists, known, asked } = listing([claude]);
    const ready = lists.ready();
    asked[0]?.answer(
      page(
        Array.from({ length: 12_000 }, (_, i) => `m-${i}`),
        "/v1/models?more",
      ),
    );
    await ready;
    expect(known()[0]?.ids).toHaveLength(10_000);
    expect(asked).toHaveLength(1);
  });
});

describe("a provider without a list", () => {
  it.each([404, 405, 501])(
    "says so by %d: it is asked again with the others, and nobody is warned",
    async (upstreamStatus) => {
      const { lists, known, asked, warnings, clock } = listing([east]);
      const ready = lists.ready();
      asked[0]?.answer(new GatewayError("upstream_error", "No such page.", { upstreamStatus }));
      await ready;
      expect(known()).toEqual([{ ids: ["own"], complete: false }]);
      expect(warnings).toEqual([]);
      clock.advance(10 * minute - 1);
      expect(asked).toHaveLength(1);
      clock.advance(1);
      expect(asked).toHaveLength(2);
    },
  );
});

describe("a provider that stays down", () => {
  it("is asked less and less often, up to ten minutes", async () => {
    const { lists, asked, clock, warnings } = listing([east]);
    void lists.ready();
    for (let i = 0; i < 7; i++) {
      await expect.poll(() => asked.length, { interval: 1 }).toBe(i + 1);
      asked[i]?.answer(down);
      await expect.poll(() => warnings.length, { interval: 1 }).toBe(i + 1);
      clock.advance(Number(warnings[i]?.retryMs));
    }
    expect(warnings.map(({ retryMs }) => Number(retryMs) / 1_000)).toEqual([30, 60, 120, 240, 480, 600, 600]);
  });
});

describe("a provider that is down at the start", () => {
  it("delays the others by nothing, keeps its configured models and is told in the log", async () => {
    const { lists, known, asked, warnings } = listing([east, claude]);
    const ready = lists.ready();
    asked[1]?.answer(page(["claude-sonnet-4-5"]));
    await expect.poll(() => known()[1]?.complete).toBe(true);
    asked[0]?.answer(down);
    await ready;
    expect(known()[0]).toEqual({ ids: ["own"], complete: false });
    expect(warnings).toMatchObject([{ provider: "east", code: "service_unavailable" }]);
  });

  it("is waited for with a bound when it does not answer at all", async () => {
    const { lists, asked, clock, known } = listing([east]);
    const ready = lists.ready();
    clock.advance(5_000);
    await ready;
    expect(asked[0]?.signal.aborted).toBe(true);
    expect(known()[0]?.complete).toBe(false);
  });

  it("is asked again soon, and then for good", async () => {
    const { lists, known, asked, clock } = listing([east]);
    const ready = lists.ready();
    asked[0]?.answer(down);
    await ready;
    clock.advance(minute / 2);
    expect(asked).toHaveLength(2);
    asked[1]?.answer(page(["gpt-4o"]));
    await expect.poll(() => known()[0]?.complete).toBe(true);
  });
});

describe("a list that was read", () => {
  async function readOnce() {
    const all = listing([east]);
    const ready = all.lists.ready();
    all.asked[0]?.answer(page(["old"]));
    await ready;
    all.clock.advance(10 * minute);
    expect(all.asked).toHaveLength(2);
    return all;
  }

  it("is read again every ten minutes, and replaced", async () => {
    const { known, asked } = await readOnce();
    asked[1]?.answer(page(["new"]));
    await expect.poll(() => known()[0]?.ids).toEqual(["own", "new"]);
  });

  it("is kept while the provider is down, and read again soon", async () => {
    const { known, asked, clock, warnings } = await readOnce();
    asked[1]?.answer(down);
    await expect.poll(() => warnings).toHaveLength(1);
    expect(known()).toEqual([{ ids: ["own", "old"], complete: true }]);
    clock.advance(minute / 2);
    expect(asked).toHaveLength(3);
  });

  it("is kept when its second page fails", async () => {
    const { known, asked, warnings } = await readOnce();
    asked[1]?.answer(page(["new"], "/models?page=2"));
    await expect.poll(() => asked.length).toBe(3);
    asked[2]?.answer(down);
    await expect.poll(() => warnings).toHaveLength(1);
    expect(known()[0]?.ids).toEqual(["own", "old"]);
  });
});

describe("stopping", () => {
  it("ends what is being read, without a word in the log, and sets no timer", async () => {
    const { lists, asked, clock, warnings } = listing([east]);
    const ready = lists.ready();
    lists.stop();
    await ready;
    expect(asked[0]?.signal.aborted).toBe(true);
    expect([warnings.length, clock.timers]).toEqual([0, 0]);
  });

  it("ends the refreshing", async () => {
    const { lists, asked, clock } = listing([east]);
    const ready = lists.ready();
    asked[0]?.answer(page([]));
    await ready;
    expect(clock.timers).toBe(1);
    lists.stop();
    expect(clock.timers).toBe(0);
  });
});

describe("a page of a provider's list", () => {
  async function startReading(more: Partial<ProviderInstance>) {
    const upstream = await startRawUpstream();
    const dialer = createDialer({ clock: systemClock, maxConnections: 1, maxQueued: 8 });
    onTestFinished(() => dialer.close());
    const instance = instanceAt(upstream.origin, more);
    const instances = new Map([[instance.name, instance]]);
    const sender = new Sender({ dialer, clock: systemClock, bounds, instances, providerOf });
    const read = (path: string) => sender.models(instance, path, new AbortController().signal);
    return { upstream, read };
  }

  it("of OpenAI's dialect may say no more than the ids", async () => {
    const { upstream, read } = await startReading({});
    const got = read("/models");
    const asked = await upstream.next();
    const data = [{ id: "gpt-4o", created: 1_715_367_049, shutdown_date: "2027-01-31" }, { id: "x" }, {}, null];
    await asked.write(answer(200, {}, JSON.stringify({ data })));
    expect(await got).toEqual({
      models: [
        { id: "gpt-4o", facts: { createdAtMs: 1_715_367_049_000, shutdownAtMs: Date.UTC(2027, 0, 31) } },
        { id: "x", facts: {} },
      ],
      next: null,
    });
    expect(asked).toMatchObject({ method: "GET", path: "/models", headers: { authorization: "Bearer sk-upstream" } });
    expect(asked.body).toBe("");
  });

  it("of Anthropic's leads to the next one", async () => {
    const { upstream, read } = await startReading({ provider: "anthropic" });
    const got = read("/v1/models?limit=1000");
    const asked = await upstream.next();
    await asked.write(answer(200, {}, JSON.stringify({ data: [{ id: "a" }], has_more: true, last_id: "a/b" })));
    expect((await got).next).toMatch(/^\/v1\/models\?.*after_id=a%2Fb$/);
    expect(asked.headers).toMatchObject({ "x-api-key": "sk-upstream", "anthropic-version": "2023-06-01" });
  });

  it.each([
    ["401", answer(401, {}, '{"error":{"message":"Incorrect API key provided: sk-1234567890"}}'), "upstream_auth"],
    ["a web page", answer(200, {}, "<html>"), "upstream_error"],
    ["503", answer(503, {}, ""), "service_unavailable"],
  ])("that is %s fails and tells no key", async (_, bytes, code) => {
    const { upstream, read } = await startReading({});
    const got = read("/models").catch((error: unknown) => error);
    await (await upstream.next()).write(bytes);
    expect(await got).toMatchObject({ code, message: expect.not.stringContaining("sk-1234567890") });
  });
});
