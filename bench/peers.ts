import { parseArgs } from "node:util";
import {
  type Bench,
  type Cell,
  interleave,
  type Machine,
  machineOf,
  machineText,
  type Series,
  say,
  withBench,
} from "./bench.ts";
import { type Case, restCase } from "./cases.ts";
import { measureGood, usualLoad } from "./load.ts";
import { type Peer, peers } from "./peer-programs.ts";
import { figure, milliseconds, ratioText, type Table, textOf } from "./report.ts";
import { writeResult } from "./results.ts";
import type { Server } from "./servers.ts";
import { cpuRatio, middle } from "./speed.ts";

/** What all peers are asked for, over 64 connections and, for what they add, over one. */
const peerKinds = ["unary", "streams", "alone"] as const;
type PeerKind = (typeof peerKinds)[number];

const titles: Readonly<Record<PeerKind, string>> = {
  unary: "Unary, 64 connections",
  streams: "Streams of 64 events, back to back, 64 connections",
  alone: "One request at a time",
};
const reference = "bare Node";

export interface PeersResult {
  readonly machine: Machine;
  readonly rounds: number;
  readonly seconds: number;
  readonly peers: readonly {
    readonly name: string;
    readonly setup: string;
    /** None where it could not be measured; then `missing` says why. */
    readonly version?: string;
    readonly missing?: string;
  }[];
  readonly kinds: readonly { readonly kind: PeerKind; readonly series: readonly Series[] }[];
}

interface Ready {
  readonly peer: Peer;
  readonly server: Server;
  readonly version: string;
  /** Served a second, one at a time. */
  readonly pace: Readonly<Record<"unary" | "streams", number>>;
}

/** Time for each connection to be served at least once, and a half more; the slowest peers get as much as is bearable. */
export function secondsFor(pace: number, connections: number): number {
  return Math.min(8, (1.5 * connections) / pace);
}

/** Everybody in front of the same mock provider, in interleaved rounds. */
export async function measurePeers(bench: Bench): Promise<PeersResult> {
  await using started = new AsyncDisposableStack();
  const [ready, missing]: [Ready[], Map<Peer, string>] = [[], new Map()];
  for (const peer of peers) {
    say(`starting ${peer.name}`);
    try {
      const { server, version } = await peer.prepare(bench);
      started.defer(server.stop);
      // One that starts and then fails is as missing as one that does not start.
      const paceOf = async (kind: PeerKind) =>
        (await measureGood(bench.loadProgram, caseOf(bench, peer, kind), server, probing)).rps;
      ready.push({ peer, server, version, pace: { unary: await paceOf("unary"), streams: await paceOf("streams") } });
    } catch (error) {
      missing.set(peer, error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
    }
  }
  const kinds = [];
  for (const kind of peerKinds) {
    const cells = ready.map((one) => cellOf(bench, one, kind));
    const series = await interleave(bench, cells, { title: titles[kind], rounds: bench.rounds, warmUpSeconds: 2 });
    kinds.push({ kind, series });
  }
  const { rounds, seconds } = bench;
  return { machine: machineOf(), rounds, seconds, peers: peers.map((peer) => describe(peer, ready, missing)), kinds };
}

function describe(
  peer: Peer,
  ready: readonly Ready[],
  missing: ReadonlyMap<Peer, string>,
): PeersResult["peers"][number] {
  const { name, setup } = peer;
  const version = ready.find((one) => one.peer === peer)?.version;
  return { name, setup, ...(version === undefined ? { missing: missing.get(peer) ?? "unknown" } : { version }) };
}

/** The first request may take a second. */
const probing = { ...usualLoad, connections: 1, warmSeconds: 1.5, seconds: 0.5 };

function cellOf(bench: Bench, { peer, server, pace }: Ready, kind: PeerKind): Cell {
  const connections = kind === "alone" ? 1 : usualLoad.connections;
  const needed = secondsFor(pace[kind === "streams" ? "streams" : "unary"], connections);
  const load = {
    connections,
    warmSeconds: Math.max(usualLoad.warmSeconds, needed),
    seconds: Math.max(bench.seconds, needed),
  };
  return { name: peer.name, server, case: caseOf(bench, peer, kind), load };
}

function caseOf({ folder, upstream }: Bench, peer: Peer, kind: PeerKind): Case {
  return restCase(folder, { stream: kind === "streams", headers: peer.headers?.(upstream) ?? [] });
}

/** One line a peer, the cheapest first; the missing ones with their reason. */
export function peersTable(result: PeersResult, kind: PeerKind): Table {
  const series = result.kinds.find((one) => one.kind === kind)?.series ?? [];
  const cost = (name: string) => middle(series, name, (round) => round.gw_cpu_us_per_req);
  const isStream = kind === "streams";
  const rows = series
    .map(({ name }) => name)
    .toSorted((one, other) => cost(one) - cost(other))
    .map((name) => [
      name,
      figure(cost(name)),
      ratioText(cpuRatio(series, name, reference)),
      figure(middle(series, name, (round) => round.rps)),
      milliseconds(middle(series, name, (round) => round.p50_us)),
      milliseconds(middle(series, name, (round) => round.p99_us)),
      ...(isStream ? [milliseconds(middle(series, name, (round) => round.ttfb_p50_us ?? Number.NaN))] : []),
      figure(middle(series, name, (round) => round.rss_peak_mb)),
    ]);
  const missing = result.peers.filter((peer) => peer.missing !== undefined);
  const what = isStream ? "stream" : "request";
  const firsts = isStream ? ["first event p50 ms"] : [];
  return {
    title: titles[kind],
    head: ["", `CPU µs/${what}`, "× bare Node", `${what}s/s`, "p50 ms", "p99 ms", ...firsts, "RSS MB"],
    rows,
    ...(missing.length > 0 && {
      note: missing.map(({ name, missing: why }) => `Missing: ${name} (${why}).`).join(" "),
    }),
  };
}

/** All tables of the comparison. */
export function peersTables(result: PeersResult): readonly Table[] {
  return peerKinds.map((kind) => peersTable(result, kind));
}

/** `npm run bench:peers`: other gateways and plain proxies beside this one. The first run installs them into .cache/. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "2" } },
  });
  const options = { rounds: Number(values.rounds), seconds: Number(values.seconds) };
  const result = await withBench(options, measurePeers);
  const named = result.peers.map(({ name, version, setup }) => `${name} ${version ?? "(missing)"}: ${setup}`);
  console.log([machineText(result.machine), named.join("\n"), ...peersTables(result).map(textOf)].join("\n\n"));
  console.log(`\nAll rounds: ${writeResult("peers", result)}`);
}

if (import.meta.main) await main();
