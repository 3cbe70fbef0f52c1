import type { Clock } from "../domain/clock.ts";
import { MergedMetrics, type OwnValue, type Source } from "../telemetry/merged-metrics.ts";
import type { ProcessMetrics } from "../telemetry/process-metrics.ts";
import type { Member } from "./crew.ts";
import { Questions } from "./questions.ts";

export interface ReportParts {
  readonly version: string;
  readonly clock: Clock;
  readonly living: () => readonly Member[];
  /** The primary's own process. */
  readonly own: ProcessMetrics;
}

/** How long a worker may take to answer before the others are shown without it. Milliseconds. */
const [metricsWaitMs, detailsWaitMs] = [2_000, 1_000];

/** What the ops listener tells of all workers together. */
export class Report {
  readonly #parts: ReportParts;
  readonly #questions: Questions;
  readonly #metrics = new MergedMetrics();
  readonly #ends = { fault: 0, killed: 0 };

  constructor(parts: ReportParts) {
    this.#parts = parts;
    this.#questions = new Questions(parts.clock);
  }

  answer(member: Member, id: number, value: unknown): void {
    this.#questions.answer(member, id, value);
  }

  /** What a worker counted, for the last time. */
  last(member: Member, metrics: string): void {
    this.#metrics.take(member, metrics);
  }

  lost(how: "fault" | "killed"): void {
    this.#ends[how]++;
  }

  /** A worker is gone. */
  end(member: Member): void {
    this.#questions.end(member);
    this.#metrics.end(member);
  }

  /** The metrics in Prometheus' text format. */
  async scrape(): Promise<string> {
    const living = this.#asked();
    const answered = new Set<Source>();
    await this.#questions.ask(living, "metrics", metricsWaitMs, (member, text) => {
      // One that has ended meanwhile has said its last already.
      if (typeof text !== "string" || member.state === "gone") return;
      this.#metrics.take(member, text);
      answered.add(member);
    });
    return this.#metrics.render(answered, this.#own(answered.size));
  }

  /** What `/health/ready` tells beside the status. */
  async details(): Promise<object> {
    const told: unknown[] = [];
    await this.#questions.ask(this.#asked(), "details", detailsWaitMs, (_, value) => told.push(value));
    const workers = this.#parts.living().map(({ number, state, child }) => ({ worker: number, pid: child.pid, state }));
    return { version: this.#parts.version, workers, ...mergedDetails(told.filter(isDetails)) };
  }

  #asked(): readonly Member[] {
    return this.#parts.living().filter(({ state }) => state === "serving" || state === "leaving");
  }

  #own(answered: number): readonly OwnValue[] {
    const { living, own } = this.#parts;
    const states = ["starting", "serving", "leaving"] as const;
    const counts = states.map((state) => ({ state, value: living().filter((one) => one.state === state).length }));
    return [
      ...counts.map(({ state, value }) => ({ key: "workers", labels: { "trunkline.state": state }, value }) as const),
      { key: "workersAnswered", labels: {}, value: answered },
      { key: "workerEnds", labels: { "trunkline.how": "fault" }, value: this.#ends.fault },
      { key: "workerEnds", labels: { "trunkline.how": "killed" }, value: this.#ends.killed },
      ...own.observed.residentMemory().map((one) => ({ key: "residentMemory", ...one }) as const),
      ...own.observed.cpuTime().map((one) => ({ key: "cpuTime", ...one }) as const),
      ...own.observed.eventLoopDelay().map((one) => ({ key: "eventLoopDelay", ...one }) as const),
    ];
  }
}

/** The part of a worker's details that is put together here. */
interface Details {
  readonly providers: Readonly<Record<string, { readonly models: number }>>;
  readonly circuits: readonly { readonly state: string }[];
}

/** Sent by our own workers. */
function isDetails(value: unknown): value is Details {
  return typeof value === "object" && value !== null && "providers" in value && "circuits" in value;
}

/** Lists that were read in any worker, and circuits that are not closed in any: each once, in its worst state. */
function mergedDetails(all: readonly Details[]): Details {
  const providers: Record<string, { models: number }> = {};
  const circuits = new Map<string, Details["circuits"][number]>();
  for (const one of all) {
    for (const [name, { models }] of Object.entries(one.providers)) {
      providers[name] = { models: Math.max(models, providers[name]?.models ?? 0) };
    }
    for (const circuit of one.circuits) {
      const id = JSON.stringify({ ...circuit, state: null });
      if (circuits.get(id)?.state !== "open") circuits.set(id, circuit);
    }
  }
  return { providers, circuits: [...circuits.values()] };
}
