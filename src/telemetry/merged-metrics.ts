import { type Labels, type Metric, type MetricKey, metricTable, prometheusName } from "./metric-table.ts";

/** A process whose metrics are part of the whole. */
export interface Source {
  /** Tells those that live at the same time apart, as the value of a label. */
  readonly number: number | "primary";
}

/** A value that the primary process knows itself. */
export interface OwnValue<K extends MetricKey = MetricKey> {
  readonly key: K;
  readonly labels: Labels<K>;
  readonly value: number;
}

/** Series of processes that are gone, together. What comes beyond is forgotten with them. */
const maxKeptSeries = 50_000;

type Rule = "add" | "sum" | "max" | "each" | "primary";

interface Family {
  /** `# HELP` and its like. */
  readonly head: readonly string[];
  readonly rule: Rule;
}

/** Values by series: `name{labels}`. */
type Series = Map<string, number>;

const familyRules: ReadonlyMap<string, Rule> = new Map(
  Object.values<Metric>(metricTable).map((metric) => [prometheusName(metric), metric.across ?? "add"]),
);

/**
 * The metrics of several processes as one, from what each of them writes for Prometheus. What has been counted never goes
 * down: the last figures of a process that is slow or gone stay in the sums. Gauges are of those alone that answer now.
 */
export class MergedMetrics {
  readonly #families = new Map<string, Family>();
  /** The last that each process wrote: by family, then series. */
  readonly #latest = new Map<Source, ReadonlyMap<string, Series>>();
  /** What those counted that are gone. */
  readonly #kept = new Map<string, Series>();
  #keptSeries = 0;
  /** Sums as they were shown. Added in another order, fractions may come out a little smaller: that would read as a reset. */
  readonly #shown: Series = new Map();

  /** What a process writes now. */
  take(source: Source, text: string): void {
    this.#latest.set(source, this.#parse(text));
  }

  /** A process is gone: what it counted stays. */
  end(source: Source): void {
    for (const [family, series] of this.#latest.get(source) ?? []) {
      if (this.#families.get(family)?.rule === "add") this.#keep(family, series);
    }
    this.#latest.delete(source);
  }

  /** @param answered whose gauges count @param own values that no worker knows */
  render(answered: ReadonlySet<Source>, own: readonly OwnValue[]): string {
    const ours = this.#ownSeries(own);
    const lines: string[] = [];
    for (const [name, { head, rule }] of this.#families) {
      const merged: Series = new Map();
      if (rule === "add") this.#add(name, merged);
      else if (rule !== "primary") this.#gauge(name, rule, answered, merged);
      for (const [series, value] of ours.get(name) ?? []) merged.set(series, value);
      if (merged.size === 0) continue;
      lines.push(...head);
      for (const [series, value] of merged) lines.push(`${series} ${numberText(value)}`);
    }
    return `${lines.join("\n")}\n`;
  }

  #add(family: string, merged: Series): void {
    for (const series of [this.#kept, ...this.#latest.values()]) addInto(merged, series.get(family) ?? []);
    for (const [name, value] of merged) {
      const least = Math.max(value, this.#shown.get(name) ?? 0);
      merged.set(name, least);
      if (this.#shown.has(name) || this.#shown.size < maxKeptSeries) this.#shown.set(name, least);
    }
  }

  #gauge(family: string, rule: "sum" | "max" | "each", answered: ReadonlySet<Source>, merged: Series): void {
    for (const [source, families] of this.#latest) {
      if (!answered.has(source)) continue;
      for (const [name, value] of families.get(family) ?? []) {
        if (rule === "each") merged.set(labelled(name, source), value);
        else if (rule === "sum") merged.set(name, (merged.get(name) ?? 0) + value);
        else merged.set(name, Math.max(merged.get(name) ?? Number.NEGATIVE_INFINITY, value));
      }
    }
  }

  #keep(family: string, series: Series): void {
    const kept = this.#kept.get(family) ?? new Map<string, number>();
    this.#kept.set(family, kept);
    for (const [name, value] of series) {
      if (!kept.has(name) && this.#keptSeries++ >= maxKeptSeries) return;
      kept.set(name, (kept.get(name) ?? 0) + value);
    }
  }

  #parse(text: string): ReadonlyMap<string, Series> {
    const families = new Map<string, Series>();
    let head: string[] = [];
    let name = "";
    let series: Series = new Map();
    for (const line of text.split("\n")) {
      if (line.startsWith("#")) {
        head.push(line);
        name = line.split(" ", 3)[2] ?? "";
        continue;
      }
      if (head.length > 0) {
        // What is no metric of ours (`target_info`) is the same everywhere.
        const rule = familyRules.get(name) ?? "max";
        if (!this.#families.has(name)) this.#families.set(name, { head, rule });
        series = new Map();
        families.set(name, series);
        head = [];
      }
      const end = line.lastIndexOf(" ");
      if (end > 0) series.set(line.slice(0, end), numberOf(line.slice(end + 1)));
    }
    return families;
  }

  #ownSeries(own: readonly OwnValue[]): ReadonlyMap<string, Series> {
    const families = new Map<string, Series>();
    for (const { key, labels, value } of own) {
      const metric: Metric = metricTable[key];
      const name = prometheusName(metric);
      if (!this.#families.has(name)) this.#families.set(name, { head: headOf(metric), rule: metric.across ?? "add" });
      const series = families.get(name) ?? new Map<string, number>();
      families.set(name, series);
      const text = Object.entries(labels).map(([label, of]) => `${label.replaceAll(".", "_")}="${of}"`);
      const plain = text.length === 0 ? name : `${name}{${text.join(",")}}`;
      series.set(metric.across === "each" ? labelled(plain, { number: "primary" }) : plain, value);
    }
    return families;
  }
}

function addInto(sum: Series, series: Iterable<readonly [string, number]>): void {
  for (const [name, value] of series) sum.set(name, (sum.get(name) ?? 0) + value);
}

/** The series with a label that tells whose it is. */
function labelled(series: string, { number }: Source): string {
  const label = `trunkline_worker="${number}"`;
  return series.endsWith("}") ? `${series.slice(0, -1)},${label}}` : `${series}{${label}}`;
}

/** As the exporter writes it. */
function headOf(metric: Metric): readonly string[] {
  const name = prometheusName(metric);
  const type = metric.kind.replace("observed ", "");
  return [`# HELP ${name} ${metric.help}`, `# UNIT ${name} ${metric.unit}`, `# TYPE ${name} ${type}`];
}

function numberOf(text: string): number {
  return text === "+Inf" ? Number.POSITIVE_INFINITY : Number(text);
}

function numberText(value: number): string {
  return value === Number.POSITIVE_INFINITY ? "+Inf" : String(value);
}
