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

async function held(): Promise<Held> {
  // Connections that callers gave up while they opened them: the kernel tries again for some seconds.
  for (let i = 0; i < 300 && (provider.open > 0 || socketsOf(process.getActiveResourcesInfo()) > 50); i++)
    await pause(100);
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
