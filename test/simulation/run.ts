import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load.ts";
import { problemsOf } from "./invariants.ts";
import { play, type World } from "./world.ts";

/**
 * Plays seeds and prints what went wrong, then a line of JSON with what happened how often.
 * `node test/simulation/run.ts --from 0 --count 1000`, or `--seed 42` to see one.
 */

const yaml = `
providers:
  alpha: { type: openai, base_url: "http://alpha.test/v1", models: [m], keys: [{ secret: env://A1 }, { secret: env://A2 }] }
  beta: { type: openai, base_url: "http://beta.test/v1", models: [m], api_key: env://B1 }
  claude: { type: anthropic, base_url: "http://claude.test", models: [claude-3-5-haiku-latest], api_key: env://C1 }
models:
  one: { targets: [beta/m] }
  keys: { targets: [alpha/m] }
  ordered: { targets: [alpha/m, beta/m, claude/claude-3-5-haiku-latest] }
  weighted: { targets: [alpha/m, { model: beta/m, weight: 3 }], strategy: weighted, retry_after_sent: true }
  continued: { targets: [alpha/m, beta/m, claude/claude-3-5-haiku-latest], strategy: weighted, on_cut: continue }
  hedged: { targets: [beta/m, alpha/m, claude/claude-3-5-haiku-latest], hedge: { after_ms: 60 } }
  shared: { targets: [alpha/m, beta/m], single_flight: true }
resilience:
  connect_timeout_ms: 500
  first_byte_timeout_ms: 1000
  first_token_timeout_ms: 2000
  idle_timeout_ms: 1500
  total_timeout_ms: 6000
  queue_timeout_ms: 400
  queue: { max_in_flight: 2, max_queued: 1 }
  breaker: { failures: 2, open_ms: 300 }
`;

export interface Report {
  readonly played: number;
  /** How often each ending came. */
  readonly endings: Readonly<Record<string, number>>;
  readonly failing: readonly number[];
}

function load(): Config {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-simulation-"));
  try {
    writeFileSync(join(folder, "trunkline.yaml"), yaml);
    const env = { A1: "sk-alpha-1", A2: "sk-alpha-2", B1: "sk-beta-1", C1: "sk-claude-1" };
    return loadConfig({ env, flags: {}, folder }).config;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a failing seed looks like: enough to see what happened. */
function print(world: World, problems: readonly string[]): void {
  process.stdout.write(`seed ${world.seed}: ${problems.join("; ")}\n`);
  for (const { frames, spoken, context, ...one } of world.asking) {
    const entries = context?.trail.entries.map((entry) => entry.kind).join(" ");
    process.stdout.write(
      `  ${JSON.stringify({ ...one, ends: one.ends.map(({ outcome }) => outcome) })}\n    ${entries}\n`,
    );
    process.stdout.write(
      `    ${frames.map((frame) => `${frame.case} ${JSON.stringify(frame.value, plain)}`).join("\n    ")}\n`,
    );
  }
  for (const { request, beganMs, endedMs } of world.network.calls) {
    process.stdout.write(`  ${request.origin} ${beganMs}–${endedMs} ${request.body}\n`);
  }
}

const plain = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

async function run(seeds: Iterable<number>, verbose: boolean): Promise<Report> {
  const config = load();
  const endings: Record<string, number> = {};
  const failing: number[] = [];
  let played = 0;
  const count = (name: string) => {
    endings[name] = (endings[name] ?? 0) + 1;
  };
  for (const seed of seeds) {
    const world = await play(seed, config);
    played++;
    const problems = problemsOf(world);
    if (problems.length > 0) failing.push(seed);
    if (verbose || (problems.length > 0 && failing.length <= 3)) print(world, problems);
    for (const { error, context } of world.asking) {
      count(error === null ? "ok" : error.code);
      for (const entry of context?.trail.entries ?? []) {
        if (entry.kind === "retried") count(`retried: ${entry.how}`);
        if (entry.kind === "replayed") count(entry.status);
        if (entry.kind === "queued" || entry.kind === "adopted") count(entry.kind);
      }
    }
  }
  return { played, endings, failing };
}

function* range(from: number, count: number): Iterable<number> {
  for (let seed = from; seed < from + count; seed++) yield seed;
}

const { values } = parseArgs({
  options: {
    from: { type: "string", default: "0" },
    count: { type: "string", default: "1000" },
    seed: { type: "string" },
  },
});
const one = values.seed === undefined ? null : Number(values.seed);
const report = await run(one === null ? range(Number(values.from), Number(values.count)) : [one], one !== null);
process.stdout.write(`${JSON.stringify(report)}\n`);
