import { parseArgs } from "node:util";
import { createFakeClock } from "../fakes/clock.ts";
import { callersOf } from "./callers.ts";
import { startConfigured } from "./gateway.ts";
import { startFaultyProvider } from "./provider.ts";

/**
 * Abandons requests in every phase and prints, as JSON, what the process holds after a first part of them and after all.
 * A process of its own, since test runners keep things of their own: `node --expose-gc test/faults/abandon.ts --count 10000`.
 */
export interface Held {
  /** Bytes. */
  readonly heap: number;
  readonly sockets: number;
  readonly timers: number;
  /** Requests that the provider still has. */
  readonly open: number;
}

const { values } = parseArgs({ options: { count: { type: "string", default: "10000" } } });
const count = Number(values.count);
const together = 50;
const phases = ["header-stall", "first-token-stall", "mid-stall", "429-seconds", "good"];

const provider = await startFaultyProvider(createFakeClock());
const gateway = await startConfigured(
  `providers: { a: { type: openai, base_url: "${provider.origin}/v1", models: [good] } }\n`,
);
// Metrics wait in a queue of their own until they are asked for.
await (await fetch(`${gateway.opsUrl}/metrics`)).text();
const ask = callersOf(gateway.url);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Callers leave after up to eight milliseconds: some before the provider has been asked, some in the middle. */
async function abandon(i: number): Promise<void> {
  const caller = new AbortController();
  const asking = i % 10 === 0 ? ask.Connect : ask.REST;
  const asked = asking(`a/${phases[i % phases.length]}`, i % 2 === 0, { signal: caller.signal }).catch(() => {});
  await pause(i % 8);
  caller.abort();
  await asked;
}

async function round(size: number): Promise<void> {
  for (let i = 0; i < size; i += together) {
    await Promise.all(Array.from({ length: together }, (_, j) => abandon(i + j)));
  }
}

/** Longest pause after which the kernel tries again to open a connection, here; more of them would be quiet longer. */
const quietMs = 4_000;
const waitMs = 60_000;

/**
 * Waits for the last requests: callers gave up connections while they were being opened, and what they had sent arrives
 * when the kernel has tried again, seconds later.
 */
async function quiet(): Promise<void> {
  let [calls, sinceMs] = [-1, 0];
  for (const endMs = performance.now() + waitMs; performance.now() < endMs; await pause(100)) {
    const isQuiet = provider.calls === calls && provider.open === 0;
    if (!isQuiet) [calls, sinceMs] = [provider.calls, performance.now()];
    else if (performance.now() - sinceMs > quietMs && socketsOf(process.getActiveResourcesInfo()) <= 50) return;
  }
}

async function held(): Promise<Held> {
  await quiet();
  // What is only weakly held goes.
  for (let i = 0; i < 3; i++) {
    await pause(200);
    globalThis.gc?.();
  }
  const resources = process.getActiveResourcesInfo();
  return {
    heap: process.memoryUsage().heapUsed,
    sockets: socketsOf(resources),
    timers: resources.filter((name) => name === "Timeout").length,
    open: provider.open,
  };
}

function socketsOf(resources: readonly string[]): number {
  return resources.filter((name) => name.startsWith("TCPSocketWrap")).length;
}

await round(count / 5);
const before = await held();
await round(count - count / 5);
const after = await held();
process.stdout.write(`${JSON.stringify({ before, after })}\n`);
await gateway.close();
provider.close();
