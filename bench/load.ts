import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Case } from "./cases.ts";
import type { Server } from "./servers.ts";

const run = promisify(execFile);

/** What the load generator prints, as far as it is read here. */
export interface Measured {
  readonly n: number;
  readonly errors: number;
  readonly rps: number;
  readonly p50_us: number;
  readonly p99_us: number;
  /** Until the first event of a stream. */
  readonly ttfb_p50_us?: number;
  readonly ttfb_p99_us?: number;
  /** CPU time of the measured process, user and system. */
  readonly gw_cpu_us_per_req: number;
  readonly rss_peak_mb: number;
  readonly last_error?: string;
}

export interface Load {
  readonly connections: number;
  readonly warmSeconds: number;
  readonly seconds: number;
  /** Bound of one request. */
  readonly requestSeconds: number;
}

/** Sends a case for a while and reads off time, CPU and memory. */
export async function measure(program: string, one: Case, server: Server, load: Load): Promise<Measured> {
  const args = [
    ...["-url", `${server.url}${one.path}`, "-body", `@${one.body}`, "-mode", one.mode],
    ...["-c", String(load.connections), "-warm", `${load.warmSeconds}s`, "-d", `${load.seconds}s`],
    ...["-timeout", `${load.requestSeconds}s`, "-pids", String(server.pid), "-expect", String(one.expect)],
    ...one.headers.flatMap((header) => ["-H", header]),
    ...(one.h2c ? ["-h2c", "-h2conns", "4"] : []),
  ];
  const { stdout } = await run(program, args);
  return JSON.parse(stdout);
}

/** As measure, for cases whose requests must all succeed: a failing case is fast and says nothing. */
export async function measureGood(program: string, one: Case, server: Server, load: Load): Promise<Measured> {
  const measured = await measure(program, one, server, load);
  if (measured.errors === 0 && measured.n > 0) return measured;
  throw new Error(`${one.name}: ${measured.errors} of ${measured.n + measured.errors} failed: ${measured.last_error}`);
}
