import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderBenchmarks } from "../docs/generate-benchmarks.ts";
import { root, say, withBench } from "./bench.ts";
import { paths } from "./cases.ts";
import { measureFull, planOf } from "./full.ts";
import { parts, runBench } from "./parts.ts";
import { measurePeers } from "./peers.ts";
import { publishResult, readPublished } from "./results.ts";

export interface PublishOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** For the long run alone. */
  readonly minutes: number;
}

/** Measures everything, keeps the rounds under docs/benchmarks/, and renews docs/benchmarks.md and its charts. */
export async function publish({ rounds, seconds, minutes }: PublishOptions): Promise<void> {
  const startedMs = performance.now();
  // Each of the three with processes of its own: what one has seen changes what it costs later.
  const bench = await withBench({ rounds, seconds }, (one) => runBench(one, { parts, paths }));
  publishResult("bench", bench);
  const everything = () => true;
  const full = await withBench(planOf(minutes, everything), (one) => measureFull(one, everything));
  publishResult("full", full);
  const peers = await withBench(
    { rounds: Math.max(1, rounds - 1), seconds: Number((seconds * 1.5).toFixed(1)) },
    measurePeers,
  );
  publishResult("peers", peers);
  for (const [name, content] of Object.entries(renderBenchmarks(readPublished())))
    writeFileSync(join(root, "docs", name), content);
  say(`docs/benchmarks.md is new after ${((performance.now() - startedMs) / 60_000).toFixed(1)} minutes.`);
}
