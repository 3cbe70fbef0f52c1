import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { createDialer } from "../../src/net/dial.ts";
import { createLookup } from "../../src/net/names.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { startRawUpstream, streamHead } from "../fakes/upstream.ts";

const both: LookupAddress[] = [
  { address: "192.0.2.1", family: 4 },
  { address: "2001:db8::1", family: 6 },
];
const down = Object.assign(new Error("no answer"), { code: "EAI_AGAIN" });

/** A resolver that notes whom it was asked for, and fails while it is told to. */
function resolver(addresses = both) {
  const asked: string[] = [];
  const state = { asked, failing: false };
  const lookup: LookupFunction = (name, options, callback) => {
    asked.push(`${name} ${options.family ?? "any"}`);
    expect(options.all).toBe(true);
    const { failing } = state;
    setImmediate(() => (failing ? callback(down, "") : callback(null, addresses)));
  };
  return Object.assign(state, { lookup });
}

function names(options = resolver()) {
  const clock = createFakeClock();
  const lookup = createLookup({ clock, lookup: options.lookup });
  const ask = (name: string, how: Parameters<LookupFunction>[1] = { all: true }) =>
    new Promise((resolve, reject) => {
      lookup(name, how, (error, address, family) =>
        error ? reject(error) : resolve(family ? [address, family] : address),
      );
    });
  return { clock, ask, resolver: options };
}

describe("a name", () => {
  it("is looked up once in half a minute", async () => {
    const { clock, ask, resolver } = names();
    for (let time = 0; time < 3; time++) expect(await ask("a.test")).toEqual(both);
    clock.advance(29_999);
    await ask("a.test");
    expect(resolver.asked).toHaveLength(1);
    clock.advance(1);
    await ask("a.test");
    expect(resolver.asked).toHaveLength(2);
  });

  it("is looked up once for all who ask at the same time", async () => {
    const { ask, resolver } = names();
    expect(await Promise.all([ask("a.test"), ask("a.test"), ask("b.test")])).toEqual([both, both, both]);
    expect(resolver.asked).toEqual(["a.test any", "b.test any"]);
  });

  it("is told as its first address to who wants a single one, from the same look-up", async () => {
    const { ask, resolver } = names();
    expect(await Promise.all([ask("a.test", {}), ask("a.test")])).toEqual([["192.0.2.1", 4], both]);
    expect(resolver.asked).toHaveLength(1);
  });

  it("is another one for each family of addresses", async () => {
    const { ask, resolver } = names();
    await Promise.all([ask("a.test", { family: 4, all: true }), ask("a.test", { family: 6, all: true })]);
    expect(resolver.asked).toEqual(["a.test 4", "a.test 6"]);
  });

  it("cannot be spoilt by who was told it", async () => {
    const { ask } = names();
    ((await ask("a.test")) as LookupAddress[]).length = 0; // The form with `all`.
    expect(await ask("a.test")).toEqual(both);
  });

  it("is forgotten when 256 others came after it", async () => {
    const { ask, resolver } = names();
    for (let name = 0; name <= 256; name++) await ask(`${name}.test`);
    await ask("256.test");
    expect(resolver.asked).toHaveLength(257);
    await ask("0.test");
    expect(resolver.asked).toHaveLength(258);
  });
});

describe("a resolver that fails", () => {
  it("is covered by the last answer for five minutes", async () => {
    const { clock, ask, resolver } = names();
    await ask("a.test");
    resolver.failing = true;
    clock.advance(299_999);
    expect(await ask("a.test")).toEqual(both);
    clock.advance(1);
    await expect(ask("a.test")).rejects.toBe(down);
  });

  it("is asked again after a second, and believed when it answers", async () => {
    const { clock, ask, resolver } = names();
    resolver.failing = true;
    await expect(Promise.all([ask("a.test"), ask("a.test")])).rejects.toBe(down);
    resolver.failing = false;
    clock.advance(999);
    await expect(ask("a.test")).rejects.toBe(down);
    expect(resolver.asked).toHaveLength(1);
    clock.advance(1);
    expect(await ask("a.test")).toEqual(both);
  });

  it("by having no address for a name is a failure", async () => {
    const { clock, ask, resolver: empty } = names(resolver([]));
    await expect(ask("a.test")).rejects.toThrow("no address");
    clock.advance(1_000);
    await expect(ask("a.test")).rejects.toThrow("no address");
    expect(empty.asked).toHaveLength(2);
  });
});

it("connections to one provider share a look-up, and those to an address need none", async () => {
  const upstream = await startRawUpstream();
  const { lookup, asked } = resolver([{ address: "127.0.0.1", family: 4 }]);
  const dialer = createDialer({ clock: createFakeClock(), maxConnections: 8, maxQueued: 8, lookup });
  onTestFinished(() => dialer.close());
  const named = `http://provider.test:${new URL(upstream.origin).port}`;
  for (const origin of [named, named, upstream.origin, named]) {
    const request = { origin, socketPath: null, method: "GET", path: "/", headers: {}, body: null } as const;
    const opened = dialer.open({ ...request, connectTimeoutMs: 5_000 }, new AbortController().signal);
    await (await upstream.next()).write(streamHead);
    (await opened).abort();
  }
  expect(upstream.connections).toBe(4);
  expect(asked).toHaveLength(1);
});
