/** One metric, as it is registered, documented and tested. */
export interface Metric {
  /** OpenTelemetry name; see `prometheusName` for what a scrape shows. */
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram" | "observed gauge";
  /** UCUM unit; a name in braces counts things. The exporter writes it beside the metric, not into its name. */
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets. Exponential histograms would reach Prometheus as `untyped`. */
  readonly buckets?: readonly number[];
  /**
   * Of a gauge: how the values of several workers become one. `each`: they stay apart, by the label `trunkline.worker`.
   * `primary`: the primary process alone knows. Counters and histograms are added.
   */
  readonly across?: "sum" | "max" | "each" | "primary";
}

const secondsOfRequests = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const tokenCounts = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];
const operation = "gen_ai.operation.name";
const provider = "gen_ai.provider.name";
const model = "gen_ai.request.model";
const error = "error.type";
const protocol = "trunkline.protocol";

/**
 * Every metric there is. Names beginning with `gen_ai` and their buckets are those of OpenTelemetry's semantic
 * conventions for generative AI; the gateway is the `server` to its callers and the `client` of the providers.
 */
export const metricTable = {
  serverDuration: {
    name: "gen_ai.server.request.duration",
    kind: "histogram",
    unit: "s",
    help: "Time from the request's head to the last byte of its answer, refusals included.",
    labels: [operation, provider, model, error],
    buckets: secondsOfRequests,
  },
  timeToFirstToken: {
    name: "gen_ai.server.time_to_first_token",
    kind: "histogram",
    unit: "s",
    help: "Streams: time from the request's head to the first content, reasoning or tool call.",
    labels: [operation, provider, model],
    buckets: [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  },
  timePerOutputToken: {
    name: "gen_ai.server.time_per_output_token",
    kind: "histogram",
    unit: "s",
    help: "Complete streams: time between output tokens after the first.",
    labels: [operation, provider, model],
    buckets: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5],
  },
  tokenUsage: {
    name: "gen_ai.client.token.usage",
    kind: "histogram",
    unit: "{token}",
    help: "Tokens a request used, by type (`input`, `output`), as the provider counted them or estimated; cut streams included.",
    labels: [operation, provider, model, "gen_ai.token.type"],
    buckets: tokenCounts,
  },
  clientDuration: {
    name: "gen_ai.client.operation.duration",
    kind: "histogram",
    unit: "s",
    help: "Time of one attempt at a provider, its stream included.",
    labels: [operation, provider, model, error],
    buckets: secondsOfRequests,
  },
  requests: {
    name: "trunkline.requests",
    kind: "counter",
    unit: "{request}",
    help: "Requests that ended. Outcome: `ok`, `canceled` or the error's code.",
    labels: [operation, protocol, "trunkline.outcome"],
  },
  inFlight: {
    name: "trunkline.requests.in_flight",
    kind: "gauge",
    unit: "{request}",
    help: "Requests that have begun and not ended.",
    across: "sum",
    labels: [operation, protocol],
  },
  overhead: {
    name: "trunkline.gateway.overhead",
    kind: "histogram",
    unit: "s",
    help: "Time of a request outside of its attempts at providers: reading, checking, waiting between attempts, ending.",
    labels: [operation, protocol],
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
  },
  bodySize: {
    name: "trunkline.request.body.size",
    kind: "histogram",
    unit: "By",
    help: "Size of request bodies, as they arrived.",
    labels: [operation, protocol],
    buckets: [1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864],
  },
  attempts: {
    name: "trunkline.attempts",
    kind: "counter",
    unit: "{attempt}",
    help: "Attempts at a provider instance. Outcome: `ok` or the error's code.",
    labels: ["trunkline.instance", "trunkline.outcome"],
  },
  retries: {
    name: "trunkline.retries",
    kind: "counter",
    unit: "{attempt}",
    help:
      "Further attempts of a request, by the instance that is asked: `retry` of the same target, `failover` to another, " +
      "`hedge` beside a slow one, `continuation` of a cut answer.",
    labels: ["trunkline.instance", "trunkline.how"],
  },
  retriesRefused: {
    name: "trunkline.retries.refused",
    kind: "counter",
    unit: "{attempt}",
    help: "Further attempts that the retry budget did not allow.",
    labels: ["trunkline.instance"],
  },
  skipped: {
    name: "trunkline.targets.skipped",
    kind: "counter",
    unit: "{target}",
    help:
      "Targets left out because a request asks for what their model cannot do (the missing capability, modality or " +
      "`context_length`), or because their circuit is open (`circuit_open`).",
    labels: ["trunkline.instance", "trunkline.reason"],
  },
  circuitState: {
    name: "trunkline.circuit.state",
    kind: "observed gauge",
    unit: "1",
    help: "Circuits of targets, and of keys where an instance has several: 0 closed, 1 half-open, 2 open.",
    across: "max",
    labels: ["trunkline.instance", model, "trunkline.key"],
  },
  targetInFlight: {
    name: "trunkline.target.in_flight",
    kind: "observed gauge",
    unit: "{attempt}",
    help: "Attempts under way.",
    across: "sum",
    labels: ["trunkline.instance", model],
  },
  queueWait: {
    name: "trunkline.queue.wait",
    kind: "histogram",
    unit: "s",
    help: "Time that requests waited to be admitted, of those that had to wait and were admitted.",
    labels: [operation],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  queueSize: {
    name: "trunkline.queue.size",
    kind: "observed gauge",
    unit: "{request}",
    help: "Requests that wait to be admitted.",
    across: "sum",
    labels: [],
  },
  replays: {
    name: "trunkline.replays",
    kind: "counter",
    unit: "{request}",
    help: "Requests answered by what another one with the same idempotency key got: `joined` under way, `replayed` afterwards.",
    labels: ["trunkline.status"],
  },
  streams: {
    name: "trunkline.streams",
    kind: "counter",
    unit: "{stream}",
    help:
      "Streams that ended: `completed`, `canceled` by the caller, `failed` before the first content, `cut` after it. " +
      "All but the first show in the answer as a typed error.",
    labels: [protocol, "trunkline.outcome"],
  },
  losses: {
    name: "trunkline.losses",
    kind: "counter",
    unit: "{loss}",
    help: "Settings that a target did not get as they were: field of the contract, `dropped` or `approximated`.",
    labels: ["trunkline.field", "trunkline.action"],
  },
  build: {
    name: "trunkline.build_info",
    kind: "gauge",
    unit: "1",
    help: "Always 1; the label tells the version that runs.",
    across: "max",
    labels: ["trunkline.version"],
  },
  workers: {
    name: "trunkline.workers",
    kind: "observed gauge",
    unit: "{process}",
    help: "Processes that serve, by state: `starting`, `serving`, `leaving` while they drain.",
    across: "primary",
    labels: ["trunkline.state"],
  },
  workersAnswered: {
    name: "trunkline.workers.answered",
    kind: "observed gauge",
    unit: "{process}",
    help: "Processes whose gauges are in this scrape. What the others have counted is in it as of the last time they answered.",
    across: "primary",
    labels: [],
  },
  workerEnds: {
    name: "trunkline.worker.ends",
    kind: "counter",
    unit: "{process}",
    help: "Workers that ended without having been asked to: by a `fault` of their own that they could tell, or else `killed`.",
    across: "primary",
    labels: ["trunkline.how"],
  },
  residentMemory: {
    name: "process.memory.usage",
    kind: "observed gauge",
    unit: "By",
    help: "Resident memory of the process.",
    across: "each",
    labels: [],
  },
  cpuTime: {
    name: "trunkline.process.cpu_time",
    kind: "observed gauge",
    unit: "s",
    help: "CPU time of the process since its start, user and system.",
    across: "each",
    labels: [],
  },
  eventLoopDelay: {
    name: "nodejs.eventloop.delay.p99",
    kind: "observed gauge",
    unit: "s",
    help: "How late timers fired, 99th percentile since the last scrape.",
    across: "each",
    labels: [],
  },
} as const satisfies Record<string, Metric>;

export type MetricKey = keyof typeof metricTable;

/** The labels of a metric. Absent ones are left out: `error.type` of a success. */
export type Labels<K extends MetricKey = MetricKey> = {
  readonly [L in (typeof metricTable)[K]["labels"][number]]?: string;
};

/** The metric's name in a scrape. A histogram's lines add `_bucket`, `_sum` and `_count`. */
export function prometheusName({ name, kind }: Metric): string {
  const base = name.replaceAll(".", "_");
  return kind === "counter" ? `${base}_total` : base;
}
