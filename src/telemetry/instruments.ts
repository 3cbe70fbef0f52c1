import type { Meter } from "@opentelemetry/api";
import { type Labels, type Metric, type MetricKey, metricTable } from "./metric-table.ts";

/** Most series of one metric; the SDK folds what comes after into one. The label bounds keep well below. */
const maxSeries = 2_000;
/** Most records that wait for the SDK. It loads in a fraction of a second: this is 5,000 requests. */
const maxWaiting = 40_000;

/** Where measurements go. */
export interface Instruments {
  /** Adds to a counter or gauge, or records a value in a histogram. */
  record<K extends RecordedKey>(key: K, value: number, labels: Labels<K>): void;
  /** Loads the SDK; calling it again returns the same promise. */
  load(): Promise<void>;
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

type ObservedKey = {
  [K in MetricKey]: (typeof metricTable)[K]["kind"] extends "observed gauge" ? K : never;
}[MetricKey];
type RecordedKey = Exclude<MetricKey, ObservedKey>;

interface Waiting {
  readonly key: RecordedKey;
  readonly value: number;
  readonly labels: Labels;
}

/**
 * The metrics of the table, over OpenTelemetry's SDK and its Prometheus exporter.
 *
 * Loading the SDK takes 0.25 s of CPU, more than all the rest of a start, so nothing is loaded until `load` is called
 * or a scrape comes; what is recorded before waits in a bounded queue.
 */
export function createInstruments(observed: Observed): Instruments {
  let waiting: Waiting[] = [];
  let unrecorded = 0;
  let loaded: Loaded | null = null;
  let loading: Promise<Loaded> | null = null;

  const start = async (): Promise<Loaded> => {
    const started = await startSdk(observed);
    loaded = started;
    for (const { key, value, labels } of waiting) started.record[key](value, labels);
    if (unrecorded > 0) started.record.unrecorded(unrecorded, {});
    waiting = [];
    return started;
  };
  const ensure = () => {
    loading ??= start();
    return loading;
  };
  return {
    record(key, value, labels) {
      if (loaded) loaded.record[key](value, labels);
      else if (waiting.length < maxWaiting) waiting.push({ key, value, labels });
      else unrecorded++;
    },
    load: async () => void (await ensure()),
    scrape: async () => (await ensure()).scrape(),
    async stop() {
      const started = await loading;
      await started?.stop();
    },
  };
}

type Recorders = Readonly<Record<RecordedKey, Recorder>>;

interface Loaded {
  readonly record: Recorders;
  scrape(): Promise<string>;
  stop(): Promise<void>;
}

async function startSdk(observed: Observed): Promise<Loaded> {
  const [{ metrics }, { PrometheusExporter, PrometheusSerializer }, { NodeSDK }] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/exporter-prometheus"),
    import("@opentelemetry/sdk-node"),
  ]);
  const exporter = new PrometheusExporter({ preventServerStart: true });
  // No prefix, time stamps or labels of the resource; the resource itself as `target_info`, but not the scope.
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true);
  const sdk = new NodeSDK({
    metricReaders: [exporter],
    views: [{ instrumentName: "*", aggregationCardinalityLimit: maxSeries }],
    // Nothing but metrics: without these the SDK would look for OTLP collectors by itself. Detected resources hold
    // the command line and the host's name, which every scraper could read.
    spanProcessors: [],
    logRecordProcessors: [],
    textMapPropagator: null,
    autoDetectResources: false,
    serviceName: "trunkline",
  });
  // A provider that is registered already would keep its place and get our measurements.
  metrics.disable();
  sdk.start();
  const meter = metrics.getMeter("trunkline");
  const recorders = Object.entries<Metric>(metricTable)
    .filter(isRecorded)
    .map(([key, metric]) => [key, createRecorder(meter, metric)]);
  // Each has the key of its metric.
  for (const key of Object.keys(observed) as ObservedKey[]) observe(meter, metricTable[key], observed[key]);
  return {
    // The keys of the table, less those that are looked up.
    record: Object.fromEntries(recorders) as Recorders,
    scrape: async () => serializer.serialize((await exporter.collect()).resourceMetrics),
    async stop() {
      await sdk.shutdown();
      metrics.disable();
    },
  };
}

type Recorder = (value: number, labels: Labels) => void;

/** A metric that is recorded, as against one that is looked up. */
type Recorded = Metric & { readonly kind: Exclude<Metric["kind"], "observed gauge"> };

function isRecorded(entry: [string, Metric]): entry is [string, Recorded] {
  return entry[1].kind !== "observed gauge";
}

function createRecorder(meter: Meter, metric: Recorded): Recorder {
  const options = { description: metric.help, unit: metric.unit };
  switch (metric.kind) {
    case "counter": {
      const counter = meter.createCounter(metric.name, options);
      return (value, labels) => counter.add(value, labels);
    }
    case "gauge": {
      const gauge = meter.createUpDownCounter(metric.name, options);
      return (value, labels) => gauge.add(value, labels);
    }
    case "histogram": {
      const advice = { explicitBucketBoundaries: [...(metric.buckets ?? [])] };
      const histogram = meter.createHistogram(metric.name, { ...options, advice });
      return (value, labels) => histogram.record(value, labels);
    }
  }
}

function observe(meter: Meter, metric: Metric, read: () => readonly Observation[]): void {
  const gauge = meter.createObservableGauge(metric.name, { description: metric.help, unit: metric.unit });
  gauge.addCallback((result) => {
    for (const { value, labels } of read()) result.observe(value, labels);
  });
}
