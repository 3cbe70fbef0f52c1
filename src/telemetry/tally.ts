import { type Labels, type Metric, type MetricKey, metricTable } from "./metric-table.ts";

/** Most series of one metric: what comes after them is added up in one. The label bounds keep well below. */
const maxSeries = 2_000;
/** Label of that one; the name that OpenTelemetry's SDK has for it. */
const overflow: Labels = { "otel.metric.overflow": "true" } as Labels;

/** A metric that is recorded, as against one that is looked up. */
export type RecordedKey = {
  [K in MetricKey]: (typeof metricTable)[K]["kind"] extends "observed gauge" ? never : K;
}[MetricKey];

/** The values of a histogram so far. */
export interface Distribution {
  count: number;
  sum: number;
  /** How many values each bucket got; the last one is for what is above every bound. */
  readonly buckets: number[];
}

/** What one set of labels has added up to. */
export interface Series {
  readonly labels: Labels;
  /** Of counters and gauges. */
  value: number;
  /** Of histograms. */
  readonly distribution: Distribution | null;
}

/**
 * Adds measurements up, in memory that the label bounds bound. OpenTelemetry's own instruments do the same at 2 µs a
 * record and a request makes ten; here it is a look-up and an addition, and the SDK is needed by scrapes alone.
 */
export class Tally {
  readonly #metrics = new Map<RecordedKey, Counted>();

  constructor() {
    for (const [key, metric] of Object.entries<Metric>(metricTable)) {
      // Entries of the table have its keys.
      if (metric.kind !== "observed gauge") this.#metrics.set(key as RecordedKey, new Counted(metric));
    }
  }

  /** Adds to a counter or gauge, or a value to a histogram. */
  record<K extends RecordedKey>(key: K, value: number, labels: Labels<K>): void {
    this.#metrics.get(key)?.add(value, labels);
  }

  /** All series of a metric, as they are now: copy what is to be kept. */
  series(key: RecordedKey): readonly Series[] {
    return this.#metrics.get(key)?.series ?? [];
  }
}

/** A step from one label's value to the next label. Joining the values to one key took five times as long. */
interface Step {
  readonly next: Map<string | undefined, Step>;
  series: Series | null;
}

class Counted {
  readonly series: Series[] = [];
  readonly #labels: readonly (keyof Labels)[];
  readonly #bounds: readonly number[] | null;
  readonly #first: Step = { next: new Map(), series: null };
  #overflow: Series | null = null;

  constructor({ kind, labels, buckets }: Metric) {
    // The table's own names.
    this.#labels = labels as readonly (keyof Labels)[];
    this.#bounds = kind === "histogram" ? (buckets ?? []) : null;
  }

  add(value: number, labels: Labels): void {
    const series = this.#find(labels);
    const { distribution } = series;
    if (distribution === null || this.#bounds === null) {
      series.value += value;
      return;
    }
    distribution.count++;
    distribution.sum += value;
    let bucket = 0;
    for (const bound of this.#bounds) {
      if (value <= bound) break;
      bucket++;
    }
    distribution.buckets[bucket] = (distribution.buckets[bucket] ?? 0) + 1;
  }

  #find(labels: Labels): Series {
    let step = this.#first;
    for (const name of this.#labels) {
      // An absent label differs from an empty one.
      const value = labels[name];
      const known = step.next.get(value);
      if (known === undefined) return this.#addSeries(labels);
      step = known;
    }
    return step.series ?? this.#addSeries(labels);
  }

  #addSeries(labels: Labels): Series {
    if (this.series.length >= maxSeries) {
      this.#overflow ??= this.#make(overflow);
      return this.#overflow;
    }
    let step = this.#first;
    for (const name of this.#labels) {
      const known = step.next.get(labels[name]);
      const next = known ?? { next: new Map(), series: null };
      if (known === undefined) step.next.set(labels[name], next);
      step = next;
    }
    step.series = this.#make(labels);
    return step.series;
  }

  #make(labels: Labels): Series {
    const distribution = this.#bounds && { count: 0, sum: 0, buckets: Array(this.#bounds.length + 1).fill(0) };
    const series: Series = { labels, value: 0, distribution };
    this.series.push(series);
    return series;
  }
}
