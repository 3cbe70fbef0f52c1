import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { slowModel } from "./agreed.ts";
import { type Bench, say } from "./bench.ts";
import { createCase, slowStream } from "./cases.ts";
import { measure, measureGood, usualLoad } from "./load.ts";
import { figure, type Table } from "./report.ts";
import { type Server, startBare, startGateway } from "./servers.ts";

const openStreams = 5_000;
/** How long a process may take to put away what a start has left. */
const settleMs = 1_000;
const bursts = 6;

export interface OpenStreams {
  readonly idleMb: number;
  /** Open at the end, as the load generator counts them. */
  readonly open: number;
  readonly busyMb: number;
}

export interface MemoryResult {
  readonly gateway: OpenStreams;
  readonly bare: OpenStreams;
  /** After each burst of requests to one process. */
  readonly after: readonly { readonly requests: number; readonly rssMb: number }[];
}

/** Memory: idle, with thousands of slow streams, and after many requests. */
export async function measureMemory(bench: Bench): Promise<MemoryResult> {
  const bare = await withStreams(bench, await startBare(bench.upstream), slowModel);
  const gateway = await withStreams(bench, await startForMany(bench), "slow");
  return { gateway, bare, after: await measureFlatness(bench) };
}

/** A gateway that may have so many requests under way, spread over as many addresses as their connections need. */
function startForMany({ upstream, folder }: Bench): Promise<Server> {
  const providers = upstream.origins.map((origin, at) => [
    `slow-${at}`,
    { type: "openai", api_key: "env://OPENAI_API_KEY", base_url: `${origin}/v1`, models: [slowModel] },
  ]);
  const config = {
    providers: Object.fromEntries(providers),
    models: { slow: { targets: providers.map(([name]) => `${name}/${slowModel}`), strategy: "least-busy" } },
    resilience: { queue: { max_in_flight: openStreams * 2 } },
  };
  return startGateway(upstream, { dataDir: folder, config });
}

async function withStreams({ loadProgram, folder }: Bench, server: Server, model: string): Promise<OpenStreams> {
  say(`${openStreams} open streams`);
  try {
    await pause(settleMs);
    const idleMb = rssMb(server.pid);
    const busy = await measure(loadProgram, slowStream(folder, model), server, {
      connections: openStreams,
      warmSeconds: 6,
      seconds: 4,
      rampSeconds: 4,
      requestSeconds: 120,
    });
    if (busy.errors > 0) throw new Error(`${busy.errors} streams failed: ${busy.last_error}`);
    return { idleMb, open: busy.open ?? 0, busyMb: busy.rss_peak_mb };
  } finally {
    await server.stop();
  }
}

async function measureFlatness({ loadProgram, folder, upstream, seconds }: Bench): Promise<MemoryResult["after"]> {
  say("memory after many requests");
  const gateway = await startGateway(upstream, { dataDir: folder });
  try {
    const after = [];
    let requests = 0;
    const load = { ...usualLoad, seconds: seconds * 2 };
    for (let burst = 0; burst < bursts; burst++) {
      requests += (await measureGood(loadProgram, createCase(folder, "REST", "unary"), gateway, load)).n;
      requests += (await measureGood(loadProgram, createCase(folder, "Connect JSON", "unary"), gateway, load)).n;
      await pause(settleMs / 2);
      after.push({ requests, rssMb: rssMb(gateway.pid) });
    }
    return after;
  } finally {
    await gateway.stop();
  }
}

/** Resident memory of a process, now. */
function rssMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** What one more open stream takes. KiB. */
function perStreamKb({ idleMb, open, busyMb }: OpenStreams): number {
  return ((busyMb - idleMb) * 1024) / open;
}

export function memoryTable({ gateway, bare, after }: MemoryResult): Table {
  const row = (name: string, one: OpenStreams) => [
    name,
    figure(one.idleMb),
    figure(one.open),
    figure(one.busyMb),
    figure(perStreamKb(one)),
  ];
  const flat = after.map(({ requests, rssMb: mb }) => `${figure(mb)} MB after ${figure(requests)}`).join(", ");
  return {
    title: "Memory",
    head: ["", "idle MB", "open streams", "with them MB", "KB a stream"],
    rows: [row("bare pass-through", bare), row("gateway", gateway)],
    note: `Resident memory of a gateway after bursts of requests: ${flat}.`,
  };
}
