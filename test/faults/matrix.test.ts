import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningGateway } from "../../src/main.ts";
import { createFakeClock, type FakeClock } from "../fakes/clock.ts";
import { callersOf } from "./callers.ts";
import { startConfigured } from "./gateway.ts";
import { type FaultyProvider, startFaultyProvider } from "./provider.ts";
import { bounds, type Cell, type Cells, faults } from "./table.ts";

/** Real sockets on both sides of a whole gateway, and a clock that is wound only when nothing else can happen. */

const protocols = ["REST", "Connect", "gRPC", "gRPC-Web"] as const;
const deployments = ["one target", "two targets", "both down"] as const;

let clock: FakeClock;
let providers: readonly FaultyProvider[];
let gateway: RunningGateway;
let callers: ReturnType<typeof callersOf>;

beforeAll(async () => {
  clock = createFakeClock();
  providers = [await startFaultyProvider(clock), await startFaultyProvider(clock)];
  gateway = await startConfigured(configOf(providers.map(({ origin }) => origin)), clock);
  callers = callersOf(gateway.url);
  await idle();
});
afterAll(async () => {
  await gateway?.close();
  for (const provider of providers ?? []) provider.close();
});

/** Each fault is a model; `down` is an address where nobody listens. */
function configOf([a, b]: readonly string[]): string {
  const routes = faults.flatMap(({ name }) => {
    const [first, second] = name === "refused" ? ["down", "down2"] : ["a", "b"];
    return [
      `  one-${name}: { targets: [${first}/${name}] }`,
      `  two-${name}: { targets: [${first}/${name}, b/good] }`,
      `  both-${name}: { targets: [${first}/${name}, ${second}/${name}] }`,
    ];
  });
  return `providers:
  a: { type: openai, base_url: "${a}/v1", models: [good] }
  b: { type: openai, base_url: "${b}/v1", models: [good] }
  down: { type: openai, base_url: "http://127.0.0.1:1/v1", models: [good] }
  down2: { type: openai, base_url: "http://127.0.0.1:1/v1", models: [good] }
models:
${routes.join("\n")}
resilience: ${JSON.stringify(bounds)}
`;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Waits until neither side has anything left to say. All of them are in this process, so that turns of its loop count as
 * well as time: on a busy machine each turn comes late, and a request takes some twenty.
 */
async function idle(): Promise<void> {
  for (let calm = 0; calm < 4; calm++) {
    if (providers.some(({ busy }) => busy)) calm = -1;
    await pause(5);
    for (let turns = 0; turns < 16; turns++) await turn();
  }
}

const calls = () => providers.reduce((sum, provider) => sum + provider.calls, 0);

/** A bound on how often time moves on for one request. */
const maxSteps = 100;

async function play(protocol: (typeof protocols)[number], model: string, stream: boolean) {
  // Budgets of retries look back ten seconds, and a target may have asked to be left alone for a minute.
  clock.advance(61_000);
  const [startedMs, callsBefore] = [clock.nowMs(), calls()];
  let endedMs: number | null = null;
  const asked = callers[protocol](model, stream).finally(() => {
    endedMs = clock.nowMs();
  });
  asked.catch(() => {});
  for (let step = 0; endedMs === null && step < maxSteps; step++) {
    await idle();
    if (endedMs === null) clock.advance(clock.nextMs ?? 0);
  }
  const { end, begun } = await asked;
  const cell: Cell = { end, calls: calls() - callsBefore, ms: (endedMs ?? Number.NaN) - startedMs };
  return { cell, begun };
}

const rows = faults.flatMap((fault) =>
  (["stream", "whole"] as const).flatMap((mode) => {
    const cells = fault[mode];
    return "reason" in cells ? [] : deployments.map((deployment, i) => ({ fault, mode, deployment, cells, i }));
  }),
);

describe.each(protocols)("over %s", (protocol) => {
  it.each(rows.map((row) => [row.fault.name, row.mode, row.deployment, row] as const))(
    "%s (%s, %s) ends as the table says",
    async (name, mode, deployment, { fault, cells, i }) => {
      const route = `${deployment.split(" ")[0]}-${name}`;
      const { cell, begun } = await play(protocol, route, mode === "stream");
      const expected = (cells as Cells)[i as 0 | 1 | 2];
      expect(cell).toEqual(expected);
      if (expected.end !== "ok") expect(begun).toBe(mode === "stream" && fault.midStream);
    },
    30_000,
  );
});
