import { join } from "node:path";
import { expect, it } from "vitest";
import { mustRun } from "../tooling/run-tool.ts";
import type { Report } from "./run.ts";

/** Seeds that are played each time, half of them in each of two processes. */
const seeds = 100_000;
const half = seeds / 2;

async function played(from: number): Promise<Report> {
  const script = join(import.meta.dirname, "run.ts");
  const args = [script, "--from", String(from), "--count", String(half)];
  const { stdout } = await mustRun(process.execPath, args, { timeoutMs: 300_000 });
  const lines = stdout.trimEnd().split("\n");
  // What the failing seeds looked like stands above the report.
  const report: Report = JSON.parse(lines.at(-1) ?? "");
  if (report.failing.length > 0)
    throw new Error(`${lines.slice(0, 60).join("\n")}\nfailing: ${report.failing.join(" ")}`);
  return report;
}

it("keeps every promise under a hundred thousand schedules of faults", async () => {
  const reports = await Promise.all([played(0), played(half)]);
  expect(reports.map((report) => report.played)).toEqual([half, half]);
  // Every way in which a request can end or go on has been taken, often.
  const ways = [
    ...["ok", "canceled", "timeout", "upstream_error", "upstream_cut", "upstream_auth", "rate_limit_exceeded"],
    ...["service_unavailable", "overloaded", "invalid_value", "joined", "replayed", "adopted", "queued"],
    ...["retried: retry", "retried: failover", "retried: hedge", "retried: continuation"],
  ];
  for (const { endings } of reports)
    for (const way of ways) expect([way, (endings[way] ?? 0) > 20]).toEqual([way, true]);
}, 320_000);
