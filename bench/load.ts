import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Case } from "./cases.ts";
import { type Server, withOpenFiles } from "./servers.ts";

const run = promisify(execFile);

/** What the load generator prints, as far as it is read. Streams are counted by the share that lies in the time. */
export interface Measured {
  /** Requests that began and ended. */
  readonly n: number;
  readonly errors: number;
  readonly rps: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly p999_us: number;
  /** Until the first event of a stream. */
  readonly ttfb_p50_us?: number;
  readonly ttfb_p99_us?: number;
  /** Streams under way at the end. */
  readonly open?: number;
  /** CPU time of the measured processes, user and system. */
  readonly gw_cpu_us_per_req: number;
  readonly gw_cpu_cores: number;
  readonly rss_peak_mb: number;
  readonly load_cpu_cores: number;
  /** Open loop: requests without an answer when all had had their time. */
  readonly unfinished?: number;
  readonly last_error?: string;
}

export interface Load {
  readonly connections: number;
  readonly warmSeconds: number;
  readonly seconds: number;
  /** Bound of one request. */
  readonly requestSeconds: number;
  /** Spreads the first requests over this time, so that streams do not all end together. */
  readonly rampSeconds?: number;
  /** Open loop: requests a second, whatever becomes of them. */
  readonly rate?: number;
}

/** The load of one measurement, if nothing else is said. */
export const usualLoad: Load = { connections: 64, warmSeconds: 0.3, seconds: 1.2, requestSeconds: 30 };

/** Sends a case for a while and reads off time, CPU and memory. */
export async function measure(program: string, one: Case, server: Server, load: Load): Promise<Measured> {
  const { connections, warmSeconds, seconds, requestSeconds, rampSeconds, rate } = load;
  const args = [
    ...["-url", `${server.url}${one.path}`, "-body", `@${one.body}`, "-mode", one.mode],
    ...["-c", String(connections), "-warm", `${warmSeconds}s`, "-d", `${seconds}s`],
    ...["-timeout", `${requestSeconds}s`, "-pids", String(server.pid), "-expect", String(one.expect)],
    ...one.headers.flatMap((header) => ["-H", header]),
    ...(one.h2c ? ["-h2c", "-h2conns", "4"] : []),
    ...(rampSeconds === undefined ? [] : ["-ramp", `${rampSeconds}s`]),
    ...(rate === undefined ? [] : ["-rate", String(rate)]),
  ];
  const [shell = "", ...command] = withOpenFiles([program, ...args]);
  const { stdout } = await run(shell, command);
  return JSON.parse(stdout);
}

/** As measure, for cases whose requests must all succeed: a failing case is fast and says nothing. */
export async function measureGood(program: string, one: Case, server: Server, load: Load): Promise<Measured> {
  const measured = await measure(program, one, server, load);
  if (measured.errors === 0 && measured.n > 0) return measured;
  throw new Error(`${one.name}: ${measured.errors} of ${measured.n + measured.errors} failed: ${measured.last_error}`);
}
