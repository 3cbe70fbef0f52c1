import type * as metrics from "@opentelemetry/sdk-metrics";
import { type Labels, type Metric, type MetricKey, metricTable } from "./metric-table.ts";
import { type RecordedKey, type Series, Tally } from "./tally.ts";

/** Where measurements go. */
export interface Instruments {
  /** Adds to a counter or gauge, or records a value in a histogram. */
  record<K extends RecordedKey>(key: K, value: number, labels: Labels<K>): void;
  /** All of them in Prometheus' text format. */
  scrape(): Promise<string>;
  stop(): Promise<void>;
}

/** The values of the metrics that are looked up when a scrape comes. */
export type Observed = { readonly [K in ObservedKey]: () => readonly Observation<K>[] };

export interface Observation<K extends ObservedKey = ObservedKey> {
  readonly value: number;
  readonly labels: Labels<K>;
}

type ObservedKey = Exclude<MetricKey, RecordedKey>;

/**
 * The metrics of the table: added up by a tally, and shown by OpenTelemetry's Prometheus exporter.
 *
 * Loading the SDK takes 0.25 s of CPU, more than all the rest of a start, so that it waits for the first scrape.
 */
export function createInstruments(observed: Observed): Instruments {
  const tally = new Tally();
  const startedAt = Date.now();
  const collect = () => pointsOf(tally, observed);
  let loading: Promise<Loaded> | null = null;
  return {
    record: (key, value, labels) => tally.record(key, value, labels),
    async scrape() {
      loading ??= startSdk(collect, startedAt);
      return (await loading).scrape();
    },
    async stop() {
      const loaded = await loading;
      await loaded?.stop();
    },
  };
}

/** A metric and its values. */
interface Points {
  readonly metric: Metric;
  readonly series: readonly Series[];
}

function pointsOf(tally: Tally, observed: Observed): readonly Points[] {
  return Object.entries<Metric>(metricTable).map(([name, metric]) => {
    // Entries of the table have its keys; which of them are looked up, their kind says.
    if (metric.kind !== "observed gauge") return { metric, series: tally.series(name as RecordedKey) };
    const seen: readonly Observation[] = observed[name as ObservedKey]();
    return { metric, series: seen.map(({ value, labels }) => ({ labels, value, distribution: null })) };
  });
}

interface Loaded {
  scrape(): Promise<string>;
  stop(): Promise<void>;
}

async function startSdk(collect: () => readonly Points[], startedAt: number): Promise<Loaded> {
  const [{ metrics: api }, { PrometheusExporter, PrometheusSerializer }, sdkMetrics, { NodeSDK }] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/exporter-prometheus"),
    import("@opentelemetry/sdk-metrics"),
    import("@opentelemetry/sdk-node"),
  ]);
  const producer: metrics.MetricProducer = {
    async collect() {
      const times = { startTime: toHrTime(startedAt), endTime: toHrTime(Date.now()) };
      const data = collect()
        .filter(({ series }) => series.length > 0)
        .map((points) => toMetricData(points, times, sdkMetrics));
      const scopeMetrics = [{ scope: { name: "trunkline" }, metrics: data }];
      // The exporter takes the resource of the SDK and looks at no other.
      return { resourceMetrics: { resource: {} as metrics.ResourceMetrics["resource"], scopeMetrics }, errors: [] };
    },
  };
  const exporter = new PrometheusExporter({ preventServerStart: true, metricProducers: [producer] });
  // No prefix, time stamps or labels of the resource; the resource itself as `target_info`, but not the scope.
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true);
  const sdk = new NodeSDK({
    metricReaders: [exporter],
    // Nothing but metrics: without these the SDK would look for OTLP collectors by itself. Detected resources hold
    // the command line and the host's name, which every scraper could read.
    spanProcessors: [],
    logRecordProcessors: [],
    textMapPropagator: null,
    autoDetectResources: false,
    serviceName: "trunkline",
  });
  // A provider that is registered already would keep its place.
  api.disable();
  sdk.start();
  return {
    scrape: async () => serializer.serialize((await exporter.collect()).resourceMetrics),
    async stop() {
      await sdk.shutdown();
      api.disable();
    },
  };
}

type HrTime = metrics.DataPoint<number>["startTime"];
type Times = Pick<metrics.DataPoint<number>, "startTime" | "endTime">;

/** One metric as OpenTelemetry's data model has it. */
function toMetricData(
  { metric, series }: Points,
  times: Times,
  { AggregationTemporality, DataPointType }: typeof metrics,
): metrics.MetricData {
  const { name, help, unit, kind } = metric;
  const shared = {
    descriptor: { name, description: help, unit, valueType: double },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (kind === "histogram") {
    const boundaries = [...(metric.buckets ?? [])];
    const dataPoints = series.map(({ labels, distribution }) => {
      const { count, sum, buckets } = distribution ?? { count: 0, sum: 0, buckets: [] };
      return { ...times, attributes: { ...labels }, value: { count, sum, buckets: { boundaries, counts: buckets } } };
    });
    return { ...shared, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = series.map(({ labels, value }) => ({ ...times, attributes: { ...labels }, value }));
  if (kind === "observed gauge") return { ...shared, dataPointType: DataPointType.GAUGE, dataPoints };
  return { ...shared, dataPointType: DataPointType.SUM, isMonotonic: kind === "counter", dataPoints };
}

/** `ValueType.DOUBLE`, without loading the package for it. */
const double = 1;

function toHrTime(ms: number): HrTime {
  return [Math.floor(ms / 1e3), (ms % 1e3) * 1e6];
}
