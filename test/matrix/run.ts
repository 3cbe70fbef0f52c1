import { loadConfig } from "../../src/config/load.ts";
import type { Log } from "../../src/domain/log.ts";
import { startGateway } from "../../src/main.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulator/simulator.ts";
import { type Reason, reasonOf } from "./abilities.ts";
import type { Ask, Turn } from "./ask.ts";
import { type FeatureName, featureNames, features, wholeOf } from "./features.ts";
import type { Inbound } from "./inbounds/inbound.ts";
import { inbounds } from "./inbounds/list.ts";
import { judge, type Verdict } from "./judge.ts";
import { upstreams } from "./upstreams/list.ts";
import type { Upstream } from "./upstreams/upstream.ts";

export interface Cell extends Verdict {
  readonly inbound: string;
  readonly upstream: string;
  readonly feature: FeatureName;
  /** Why the provider cannot; null where it can. */
  readonly reason: Reason | null;
}

/** Asks every cell of the matrix through a real gateway, on real sockets, of the simulator. */
export async function runMatrix(): Promise<readonly Cell[]> {
  const simulator = await startSimulator();
  const { config } = loadConfig({
    env: { PORT: "0", TRUNKLINE_OPS_PORT: "0", MATRIX_KEY: "any" },
    flags: {},
    folder: import.meta.dirname,
    file: { name: "matrix.yaml", text: configText(simulator.url) },
  });
  const { resilience } = config;
  // Every cell is one attempt, and the failures of some close no circuit for others.
  const gateway = await startGateway(
    {
      ...config,
      resilience: {
        ...resilience,
        policy: { ...resilience.policy, maxAttempts: 1 },
        breaker: { ...resilience.breaker, failures: Number.MAX_SAFE_INTEGER },
      },
    },
    { log: quiet },
  );
  try {
    const cells = inbounds.flatMap((inbound) =>
      upstreams.flatMap((upstream) => featureNames.map((feature) => ({ inbound, upstream, feature }))),
    );
    return await inTurns(cells, (cell, tag) => runCell({ ...cell, tag, simulator, gateway: gateway.url }));
  } finally {
    await gateway.close();
    await simulator.close();
  }
}

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => quiet };

function configText(simulator: string): string {
  // What fails has an instance of its own: the rest that a provider asks for is taken of that one alone.
  const providers = upstreams.flatMap((upstream) => {
    const { kind, basePath } = upstream;
    const exact = upstream.isExact ? ", wire: exact" : "";
    const of = (instance: string) =>
      `  ${instance}: { type: ${kind}, base_url: "${simulator}${basePath}", api_key: "env://MATRIX_KEY"${exact}${modelsIn(upstream)} }`;
    return [of(instanceOf(upstream)), of(`${instanceOf(upstream)}-failing`)];
  });
  return `providers:\n${providers.join("\n")}\n`;
}

function modelsIn({ models }: Upstream): string {
  return models === undefined ? "" : `, models: ${JSON.stringify(models)}`;
}

/** The provider's name as an instance's: `openai-chat`. */
function instanceOf({ name }: Upstream): string {
  return name.toLowerCase().replaceAll(" ", "-");
}

const atOnce = 8;

async function inTurns<Job, Result>(
  jobs: readonly Job[],
  run: (job: Job, tag: string) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const waiting = jobs.entries();
  const worker = async () => {
    for (const [index, job] of waiting) results[index] = await run(job, `cell-${index}-`);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

interface Running {
  readonly inbound: Inbound;
  readonly upstream: Upstream;
  readonly feature: FeatureName;
  /** Stands in the prompt, so that the cell's calls are found among all. */
  readonly tag: string;
  readonly simulator: RunningSimulator;
  readonly gateway: string;
}

async function runCell(running: Running): Promise<Cell> {
  const { inbound, upstream, feature } = running;
  const reason = reasonOf(upstream.name, feature);
  const cell = { inbound: inbound.name, upstream: upstream.name, feature, reason };
  const unmarked = wholeOf(feature) === "cache usage" && upstream.needsCacheMark && !inbound.marksCache;
  const unaskable =
    inbound.elsewhere?.[upstream.name] ??
    (unmarked ? "no marks for the provider's cache" : inbound.cannot[wholeOf(feature)]);
  if (unaskable !== undefined) return { ...cell, verdict: "unaskable", notes: [unaskable] };
  const ask = askOf(running);
  let seen = await inbound.ask(ask, running.gateway);
  const next = features[feature].next;
  if (next && seen.error === null) {
    const again = { ...ask, turns: [...ask.turns, ...next(seen)] };
    const { losses } = seen;
    seen = await inbound.ask(again, running.gateway);
    seen = { ...seen, losses: [...new Set([...losses, ...seen.losses])] };
  }
  return { ...cell, ...judge(features[feature], reachedIn(running), seen, reason) };
}

function askOf({ upstream, feature, tag }: Running): Ask {
  const { say, parts = [], history = [], fault, ...asked } = features[feature].ask(upstream, tag);
  const failing = fault === undefined ? "" : "-failing";
  const text = { kind: "text", text: `${tag}\n${say}` } as const;
  const [opening, ...rest] = history;
  const turns: readonly Turn[] =
    opening?.kind === "user"
      ? [{ ...opening, parts: [text, ...opening.parts] }, ...rest]
      : [{ kind: "user", parts: [...parts, text] }];
  return {
    ...unsaid,
    ...asked,
    feature,
    model: `${instanceOf(upstream)}${failing}/${upstream.model(wholeOf(feature))}${fault === undefined ? "" : `+fault=${fault}`}`,
    turns,
  };
}

const unsaid: Omit<Ask, "feature" | "model" | "turns"> = {
  stream: false,
  system: null,
  cacheMark: false,
  tools: [],
  bareTools: [],
  toolChoice: null,
  oneCallAtATime: false,
  format: null,
  effort: null,
  budget: null,
  showThoughts: false,
  stop: [],
  maxTokens: null,
  choices: null,
  topLogprobs: null,
  seed: null,
  temperature: null,
  topP: null,
  topK: null,
  frequencyPenalty: null,
  endUser: null,
};

/** The cell's last call as the provider got it; null when none came. */
function reachedIn({ simulator, upstream, tag }: Running) {
  const call = simulator.calls.findLast(({ body }) => JSON.stringify(body ?? null).includes(tag));
  return call ? upstream.read(call.body, call.path) : null;
}
