import type { RequestContext, TrailEntry } from "../domain/context.ts";
import type { Observer, RequestEnd } from "../domain/observer.ts";
import type { Target } from "../domain/target.ts";
import { createInstruments, type Instruments } from "./instruments.ts";
import { createLabelSet, type LabelSet } from "./label-set.ts";
import { watchProcess } from "./process-metrics.ts";
import { type Sight, watchRouting } from "./routing-metrics.ts";

/** Most model names that get a label of their own. */
const maxModels = 200;
/** Most fields of the contract that losses are counted for. */
const maxFields = 100;
/** Label of requests that ended before a target was known. */
const noTarget = "none";

export interface MetricsOptions {
  /** Version of the gateway. */
  readonly version: string;
  /** Model names of the configuration: they have a label from the start. */
  readonly models: readonly string[];
  /** What is looked up with each scrape. */
  readonly sight: Sight;
}

export interface Metrics {
  /** Counts requests, from their trail. */
  readonly observer: Observer;
  /** All of them in Prometheus' text format. The first call loads what it needs: 0.25 s of CPU. */
  scrape(): Promise<string>;
  /** Gives model names a label of their own, while there is room. */
  expect(models: readonly string[]): void;
  stop(): Promise<void>;
}

/** Metrics of one process. See `metricTable` for all of them. */
export function createMetrics({ version, models, sight }: MetricsOptions): Metrics {
  const watch = watchProcess();
  const labels = createLabelSets(models);
  const instruments = createInstruments({
    ...watch.observed,
    ...watchRouting(sight, labels.models),
    workers: () => [{ value: 1, labels: { "trunkline.state": "serving" } }],
    workersAnswered: () => [{ value: 1, labels: {} }],
  });
  instruments.record("build", 1, { "trunkline.version": version });
  return {
    observer: createObserver(instruments, labels),
    scrape: instruments.scrape,
    expect(models) {
      for (const model of models) labels.models.admit(model);
    },
    async stop() {
      watch.stop();
      await instruments.stop();
    },
  };
}

export interface LabelSets {
  readonly models: LabelSet;
  readonly fields: LabelSet;
}

/** @param models names that have a label from the start */
export function createLabelSets(models: readonly string[]): LabelSets {
  return { models: createLabelSet(maxModels, models), fields: createLabelSet(maxFields) };
}

/** Turns requests into measurements: one pass over the trail when a request ends. */
export function createObserver(instruments: Pick<Instruments, "record">, labelSets: LabelSets): Observer {
  return {
    requestStarted({ operation, protocol }) {
      instruments.record("inFlight", 1, doorLabels(operation, protocol));
    },
    requestEnded(context, end) {
      const { operation, protocol } = context;
      instruments.record("inFlight", -1, doorLabels(operation, protocol));
      const seen = readTrail(context.trail.entries);
      recordAttempts(instruments, labelSets.models, context, seen);
      recordRequest(instruments, labelSets.models, context, end, seen);
      recordRouting(instruments, context);
      for (const { field, action } of seen.losses) {
        const name = labelSets.fields.admit(field.replace(/\[[^\]]*\]/g, ""));
        instruments.record("losses", 1, { "trunkline.field": name, "trunkline.action": action });
      }
    },
  };
}

/** What the trail says, by kind. */
interface Seen {
  readonly attempts: readonly Attempt[];
  readonly losses: readonly { readonly field: string; readonly action: string }[];
  /** The target that answered or was asked last; null when none was. */
  readonly target: Target | null;
  readonly firstTokenMs: number | null;
  readonly bodyBytes: number | null;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
}

interface Attempt {
  readonly target: Target;
  readonly startedMs: number;
  /** Null when it had not ended with the request. */
  endedMs: number | null;
  outcome: string;
}

function readTrail(entries: readonly TrailEntry[]): Seen {
  const attempts: Attempt[] = [];
  const losses = [];
  let isCounted = true;
  let target: Target | null = null;
  let firstTokenMs: number | null = null;
  let bodyBytes: number | null = null;
  let usage: Extract<TrailEntry, { kind: "usage" }>["usage"] | undefined;
  for (const entry of entries) {
    switch (entry.kind) {
      case "attempt":
        target = entry.target;
        attempts.push({ target, startedMs: entry.atMs, endedMs: null, outcome: "canceled" });
        break;
      case "attempt_ended": {
        const attempt = attempts.findLast((open) => open.target === entry.target && open.endedMs === null);
        if (attempt) Object.assign(attempt, { endedMs: entry.atMs, outcome: entry.outcome });
        break;
      }
      case "answered":
        target = entry.target;
        break;
      case "received":
        bodyBytes = entry.bodyBytes;
        break;
      case "first_token":
        firstTokenMs = entry.atMs;
        break;
      case "usage":
        // Counts are running totals: the last one is the request's.
        usage = entry.usage;
        break;
      case "loss":
        losses.push(...entry.losses);
        break;
      case "replayed":
        // The tokens of a shared answer count where it was made.
        isCounted = false;
        break;
      case "adopted":
        isCounted = true;
        break;
      default:
    }
  }
  const { inputTokens, outputTokens } = (isCounted ? usage : undefined) ?? {};
  return { attempts, losses, target, firstTokenMs, bodyBytes, inputTokens, outputTokens };
}

function recordAttempts(
  { record }: Pick<Instruments, "record">,
  models: LabelSet,
  context: RequestContext,
  { attempts }: Seen,
): void {
  for (const { target, startedMs, endedMs, outcome } of attempts) {
    // A name earns its label by an answer: random names that providers refuse stay `other`.
    const model = outcome === "ok" ? models.admit(target.model) : models.known(target.model);
    record("attempts", 1, { "trunkline.instance": target.instance, "trunkline.outcome": outcome });
    if (endedMs === null) continue;
    record("clientDuration", (endedMs - startedMs) / 1e3, {
      "gen_ai.operation.name": context.operation,
      "gen_ai.provider.name": target.provider,
      "gen_ai.request.model": model,
      ...(outcome === "ok" ? {} : { "error.type": outcome }),
    });
  }
}

function recordRequest(
  { record }: Pick<Instruments, "record">,
  models: LabelSet,
  context: RequestContext,
  end: RequestEnd,
  seen: Seen,
): void {
  const { operation, protocol, startedMs } = context;
  const outcome = end.error?.code ?? end.outcome;
  const labels = {
    "gen_ai.operation.name": operation,
    "gen_ai.provider.name": seen.target?.provider ?? noTarget,
    "gen_ai.request.model": seen.target ? models.known(seen.target.model) : noTarget,
  };
  const durationMs = end.endedMs - startedMs;
  record("serverDuration", durationMs / 1e3, outcome === "ok" ? labels : { ...labels, "error.type": outcome });
  record("requests", 1, {
    "gen_ai.operation.name": operation,
    "trunkline.protocol": protocol,
    "trunkline.outcome": outcome,
  });

  const upstreamMs = seen.attempts.reduce((sum, one) => sum + (one.endedMs ?? end.endedMs) - one.startedMs, 0);
  const door = doorLabels(operation, protocol);
  if (seen.bodyBytes !== null) record("bodySize", seen.bodyBytes, door);
  record("overhead", Math.max(0, durationMs - upstreamMs) / 1e3, door);

  const { inputTokens, outputTokens, firstTokenMs } = seen;
  if (inputTokens !== undefined) record("tokenUsage", inputTokens, { ...labels, "gen_ai.token.type": "input" });
  if (outputTokens !== undefined) record("tokenUsage", outputTokens, { ...labels, "gen_ai.token.type": "output" });

  if (!end.stream) return;
  record("streams", 1, { "trunkline.protocol": protocol, "trunkline.outcome": streamOutcome(end, firstTokenMs) });
  if (firstTokenMs === null) return;
  record("timeToFirstToken", (firstTokenMs - startedMs) / 1e3, labels);
  if (end.outcome === "ok" && outputTokens !== undefined && outputTokens > 1) {
    record("timePerOutputToken", (end.endedMs - firstTokenMs) / 1e3 / (outputTokens - 1), labels);
  }
}

/** What was decided on the way beside the attempts themselves. */
function recordRouting({ record }: Pick<Instruments, "record">, { operation, trail }: RequestContext): void {
  for (const entry of trail.entries) {
    switch (entry.kind) {
      case "retried":
        record("retries", 1, { "trunkline.instance": entry.target.instance, "trunkline.how": entry.how });
        break;
      case "retry_refused":
        record("retriesRefused", 1, { "trunkline.instance": entry.target.instance });
        break;
      case "skipped":
        record("skipped", 1, { "trunkline.instance": entry.target.instance, "trunkline.reason": entry.reason });
        break;
      case "queued":
        record("queueWait", entry.waitedMs / 1e3, { "gen_ai.operation.name": operation });
        break;
      case "replayed":
        record("replays", 1, { "trunkline.status": entry.status });
        break;
      default:
    }
  }
}

function streamOutcome(end: RequestEnd, firstTokenMs: number | null): string {
  if (end.outcome === "ok") return "completed";
  if (end.outcome === "canceled") return "canceled";
  return firstTokenMs === null ? "failed" : "cut";
}

/** Where a request came in, and for what. */
function doorLabels(operation: string, protocol: string) {
  return { "gen_ai.operation.name": operation, "trunkline.protocol": protocol };
}
