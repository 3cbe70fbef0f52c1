import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningGateway } from "../../src/main.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { mustRun } from "../tooling/run-tool.ts";
import type { Held } from "./abandon.ts";
import { type Ask, callersOf } from "./callers.ts";
import { startConfigured } from "./gateway.ts";
import { type FaultyProvider, startFaultyProvider } from "./provider.ts";

/** Promised are 100 ms; on real sockets ten times that is allowed. */
const allowedMs = 1_000;
const protocols = ["REST", "Connect", "gRPC", "gRPC-Web"] as const;

let provider: FaultyProvider;
let gateway: RunningGateway;
let narrow: RunningGateway;
let ask: Readonly<Record<(typeof protocols)[number], Ask>>;
let askNarrow: Ask;

beforeAll(async () => {
  provider = await startFaultyProvider(createFakeClock());
  const providers = `providers: { a: { type: openai, base_url: "${provider.origin}/v1", models: [good] } }\n`;
  gateway = await startConfigured(providers);
  narrow = await startConfigured(`${providers}resilience: { queue: { max_in_flight: 1, max_queued: 10 } }\n`);
  ask = callersOf(gateway.url);
  askNarrow = callersOf(narrow.url).REST;
});
afterAll(async () => {
  await gateway?.close();
  await narrow?.close();
  provider?.close();
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what: () => boolean, withinMs = 5_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!what() && performance.now() < endMs) await pause(2);
}

/** Asks, and leaves as soon as the provider has been asked. @returns how long the provider's connection stayed. Milliseconds */
async function leave(asking: Ask, model: string, stream: boolean): Promise<number> {
  const caller = new AbortController();
  const callsBefore = provider.calls;
  const asked = asking(model, stream, { signal: caller.signal }).catch(() => {});
  await until(() => provider.calls > callsBefore);
  await pause(30);
  expect(provider.open).toBe(1);
  const leftMs = performance.now();
  caller.abort();
  await until(() => provider.open === 0);
  await asked;
  expect(provider.open).toBe(0);
  return performance.now() - leftMs;
}

describe.each(protocols)("a caller over %s who leaves", (protocol) => {
  it.each([
    ["before the head of a stream", "header-stall", true],
    ["before the head of a whole answer", "header-stall", false],
    ["before the first token", "first-token-stall", true],
    ["in the middle of a stream", "mid-stall", true],
    ["in the middle of a whole answer", "mid-stall", false],
  ])("%s closes the provider's connection", async (_, fault, stream) => {
    expect(await leave(ask[protocol], `a/${fault}`, stream)).toBeLessThan(allowedMs);
  });

  it("in the pause before a retry is not asked for again", async () => {
    const caller = new AbortController();
    const callsBefore = provider.calls;
    const asked = ask[protocol]("a/429-seconds", true, { signal: caller.signal }).catch(() => {});
    await until(() => provider.calls > callsBefore);
    await pause(30);
    caller.abort();
    await asked;
    await pause(50);
    expect(provider.calls).toBe(callsBefore + 1);
  });
});

describe("a caller who leaves", () => {
  it("while it waits to be admitted takes no place, and the provider hears nothing", async () => {
    const running = new AbortController();
    const first = askNarrow("a/header-stall", true, { signal: running.signal }).catch(() => {});
    await until(() => provider.open === 1);
    const callsBefore = provider.calls;
    const waiting = new AbortController();
    const second = askNarrow("a/header-stall", true, { signal: waiting.signal }).catch(() => {});
    await pause(50);
    waiting.abort();
    await second;
    running.abort();
    await first;
    await until(() => provider.open === 0);
    expect(provider.calls).toBe(callsBefore);
    expect((await askNarrow("a/good", true)).end).toBe("ok");
  });

  it("leaves nothing behind, ten thousand times, in every phase", async () => {
    const script = join(import.meta.dirname, "abandon.ts");
    const { stdout } = await mustRun(process.execPath, ["--expose-gc", script], { timeoutMs: 180_000 });
    const { before, after }: { before: Held; after: Held } = JSON.parse(stdout);
    expect(after.open).toBe(0);
    // Eight thousand requests that left a kilobyte each would show as eight megabytes.
    expect(after.heap - before.heap).toBeLessThan(4_000_000);
    expect(after.sockets).toBeLessThanOrEqual(before.sockets + 10);
    expect(after.timers).toBeLessThanOrEqual(before.timers + 5);
  }, 200_000);
});
