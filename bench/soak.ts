import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { systemClock } from "../src/domain/clock.ts";
import { callersOf } from "../test/faults/callers.ts";
import { startFaultyProvider } from "../test/faults/provider.ts";
import { faults } from "../test/faults/table.ts";
import { table } from "./report.ts";
import { startConfigured } from "./servers.ts";

/**
 * `npm run soak`: half an hour of moderate load over all protocols, a third of it faults and callers who leave, and what
 * the gateway's process holds meanwhile. `-- --minutes 5` is a shorter one.
 */
const { values } = parseArgs({ options: { minutes: { type: "string", default: "30" } } });
const minutes = Number(values.minutes);
/** Requests a second. */
const rate = 40;
const protocols = ["REST", "Connect", "gRPC", "gRPC-Web"] as const;
/** A gigabyte a time is no moderate load. */
const played = faults.map(({ name }) => name).filter((name) => name !== "long-line" && name !== "refused");

const folder = mkdtempSync(join(tmpdir(), "trunkline-soak-"));
const [a, b] = [await startFaultyProvider(systemClock), await startFaultyProvider(systemClock)];
const routes = played.map((name) => `  ${name}: { targets: [a/${name}, b/good], on_cut: continue }`);
writeFileSync(
  join(folder, "trunkline.yaml"),
  `providers:
  a: { type: openai, base_url: "${a.origin}/v1", models: [good] }
  b: { type: openai, base_url: "${b.origin}/v1", models: [good] }
models:
  good: { targets: [a/good, b/good], strategy: least-latency, hedge: { after_ms: p95 } }
${routes.join("\n")}
resilience: { first_byte_timeout_ms: 2000, first_token_timeout_ms: 3000, idle_timeout_ms: 3000, total_timeout_ms: 10000 }
`,
);
const gateway = await startConfigured(folder);
const ask = callersOf(gateway.url);
const counts: Record<string, number> = {};
let asked = 0;

async function one(i: number): Promise<void> {
  const protocol = protocols[i % protocols.length] ?? "REST";
  const model = i % 3 === 0 ? (played[Math.floor(i / 3) % played.length] ?? "good") : "good";
  const leaver = new AbortController();
  const leaving = i % 10 === 0 ? setTimeout(() => leaver.abort(), 5 + (i % 50)) : undefined;
  let end = "left";
  try {
    end = (await ask[protocol](model, i % 5 !== 0, { signal: leaver.signal })).end;
  } catch (error) {
    if (!leaver.signal.aborted) end = `client: ${String(error)}`;
  }
  clearTimeout(leaving);
  counts[end] = (counts[end] ?? 0) + 1;
}

interface Sample {
  readonly minute: number;
  readonly rssMb: number;
  /** Open files and sockets of the gateway. */
  readonly handles: number;
}

function sample(minute: number): Sample {
  const status = readFileSync(`/proc/${gateway.pid}/status`, "utf8");
  const rssKb = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  return { minute, rssMb: rssKb / 1024, handles: readdirSync(`/proc/${gateway.pid}/fd`).length };
}

const samples: Sample[] = [];
const startedMs = performance.now();
try {
  for (let minute = 0; minute <= minutes; minute++) {
    samples.push(sample(minute));
    console.log(JSON.stringify(samples.at(-1)));
    // The scrape is a part of every day.
    await (await fetch(`${gateway.opsUrl}/metrics`)).text();
    const untilMs = startedMs + (minute + 1) * 60_000;
    while (minute < minutes && performance.now() < untilMs) {
      void one(asked++);
      await pause(1_000 / rate);
    }
  }
  // What is still under way ends within its bounds.
  await pause(15_000);
  const end = sample(minutes);
  const rows = samples.filter(({ minute }) => minute % Math.max(1, Math.round(minutes / 6)) === 0);
  console.log(
    table(
      ["minute", "RSS MB", "open files and sockets"],
      [...rows, end].map(({ minute, rssMb, handles }, i) => [
        i === rows.length ? "idle again" : String(minute),
        rssMb.toFixed(0),
        String(handles),
      ]),
    ),
  );
  console.log(`${asked} requests: ${JSON.stringify(counts)}`);
} finally {
  await gateway.stop();
  a.close();
  b.close();
  rmSync(folder, { recursive: true, force: true });
}
