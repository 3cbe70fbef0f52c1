import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UsageSchema } from "../../gen/trunkline/v1/usage_pb.ts";
import {
  type Operation,
  type Protocol,
  type RequestContext,
  Trail,
  type TrailEntry,
} from "../../src/domain/context.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import type { Log } from "../../src/domain/log.ts";
import type { RequestEnd } from "../../src/domain/observer.ts";
import type { Target } from "../../src/domain/target.ts";
import { type Metric, metricTable } from "../../src/telemetry/metric-table.ts";
import { createLabelSets, createMetrics, createObserver, type Metrics } from "../../src/telemetry/metrics.ts";

const log: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log };

function context(
  entries: readonly TrailEntry[],
  operation: Operation = "chat",
  protocol: Protocol = "rest",
): RequestContext {
  const trail = new Trail();
  for (const entry of entries) trail.note(entry);
  const { signal } = new AbortController();
  return { requestId: "r", operation, protocol, signal, deadlineMs: null, startedMs: 1000, log, trail };
}

function target(model = "gpt-5.4", instance = "openai"): Target {
  return { name: `${instance}/${model}`, instance, provider: "openai", model, wire: "exact", facts: {} };
}

const ok: RequestEnd = { outcome: "ok", error: null, endedMs: 3000, stream: true };
const failed = (code: "model_not_found" | "upstream_cut", stream = true): RequestEnd => ({
  outcome: "error",
  error: new GatewayError(code, "x"),
  endedMs: 3000,
  stream,
});

/** A stream of 11 tokens: 100 ms in the gateway, first token after 500 ms, 2 s in all. */
function streamed(one: Target): TrailEntry[] {
  return [
    { kind: "received", bodyBytes: 2000 },
    { kind: "attempt", target: one, atMs: 1080 },
    { kind: "answered", target: one, atMs: 1400, model: one.model, simulated: false },
    { kind: "first_token", atMs: 1500 },
    { kind: "usage", usage: create(UsageSchema, { inputTokens: 7 }) },
    { kind: "usage", usage: create(UsageSchema, { inputTokens: 7, outputTokens: 11 }) },
    { kind: "attempt_ended", target: one, atMs: 2980, outcome: "ok" },
  ];
}

/** Records in the order they came, as `key value {labels}`. */
function observed(run: (observer: ReturnType<typeof createObserver>) => void, models: string[] = []) {
  const records: { key: string; value: number; labels: Record<string, string | undefined> }[] = [];
  run(
    createObserver(
      { record: (key, value, labels) => records.push({ key, value, labels: { ...labels } }) },
      createLabelSets(models),
    ),
  );
  return {
    records,
    of: (key: keyof typeof metricTable) => records.filter((record) => record.key === key),
  };
}

describe("the observer", () => {
  it("measures a stream from its trail", () => {
    const { of } = observed((observer) => {
      const request = context(streamed(target()));
      observer.requestStarted(request);
      observer.requestEnded(request, ok);
    });
    const labels = {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-5.4",
    };
    expect(of("serverDuration")).toEqual([{ key: "serverDuration", value: 2, labels }]);
    expect(of("timeToFirstToken")).toEqual([{ key: "timeToFirstToken", value: 0.5, labels }]);
    expect(of("timePerOutputToken")).toEqual([{ key: "timePerOutputToken", value: 0.15, labels }]);
    expect(of("clientDuration")).toEqual([{ key: "clientDuration", value: 1.9, labels }]);
    expect(of("tokenUsage").map(({ value, labels: all }) => [value, all["gen_ai.token.type"]])).toEqual([
      [7, "input"],
      [11, "output"],
    ]);
    expect(of("overhead")[0]?.value).toBeCloseTo(0.1);
    expect(of("bodySize")[0]?.value).toBe(2000);
    expect(of("inFlight").map(({ value }) => value)).toEqual([1, -1]);
    expect(of("streams")[0]?.labels["trunkline.outcome"]).toBe("completed");
    expect(of("requests")[0]?.labels).toEqual({
      "gen_ai.operation.name": "chat",
      "trunkline.protocol": "rest",
      "trunkline.outcome": "ok",
    });
  });

  it("counts what was decided beside the attempts", () => {
    const { of } = observed((observer) =>
      observer.requestEnded(
        context([
          { kind: "skipped", target: target("m", "a"), reason: "tools" },
          { kind: "retried", target: target("m", "b"), how: "failover", waitMs: 0 },
          { kind: "retry_refused", target: target("m", "c") },
        ]),
        ok,
      ),
    );
    expect(of("skipped").map(({ labels }) => Object.values(labels))).toEqual([["a", "tools"]]);
    expect(of("retries").map(({ labels }) => Object.values(labels))).toEqual([["b", "failover"]]);
    expect(of("retriesRefused").map(({ labels }) => Object.values(labels))).toEqual([["c"]]);
  });

  it("counts the tokens of a shared answer once, where it was made or is paid for", () => {
    const shared = (...entries: TrailEntry[]) => {
      const { of } = observed((observer) => observer.requestEnded(context([...streamed(target()), ...entries]), ok));
      return of("tokenUsage").length;
    };
    expect(shared({ kind: "replayed", status: "joined", of: "r1" })).toBe(0);
    expect(shared({ kind: "replayed", status: "joined", of: "r1" }, { kind: "adopted" })).toBe(2);
  });

  it("counts each attempt with its outcome, and the waiting between them as overhead", () => {
    const [first, second] = [target("m", "a"), target("m", "b")];
    const { of } = observed((observer) =>
      observer.requestEnded(
        context([
          { kind: "attempt", target: first, atMs: 1000 },
          { kind: "attempt_ended", target: first, atMs: 1500, outcome: "overloaded" },
          { kind: "attempt", target: second, atMs: 2000 },
          { kind: "attempt_ended", target: second, atMs: 3000, outcome: "ok" },
        ]),
        { ...ok, stream: false },
      ),
    );
    expect(of("attempts").map(({ labels }) => Object.values(labels))).toEqual([
      ["a", "overloaded"],
      ["b", "ok"],
    ]);
    expect(of("clientDuration").map(({ labels }) => labels["error.type"])).toEqual(["overloaded", undefined]);
    expect(of("overhead")[0]?.value).toBeCloseTo(0.5);
    expect(of("streams")).toEqual([]);
  });

  it("counts a refusal before any target", () => {
    const { of, records } = observed((observer) =>
      observer.requestEnded(context([]), failed("model_not_found", false)),
    );
    expect(of("serverDuration")[0]?.labels).toEqual({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "none",
      "gen_ai.request.model": "none",
      "error.type": "model_not_found",
    });
    expect(records.map(({ key }) => key)).toEqual(["inFlight", "serverDuration", "requests", "overhead"]);
  });

  it("tells a stream that was cut from one that failed before it began, and from one that the caller left", () => {
    const before = streamed(target()).filter(({ kind }) => kind !== "first_token");
    const outcome = (entries: readonly TrailEntry[], end: RequestEnd) =>
      observed((observer) => observer.requestEnded(context(entries), end)).of("streams")[0]?.labels[
        "trunkline.outcome"
      ];
    expect(outcome(streamed(target()), failed("upstream_cut"))).toBe("cut");
    expect(outcome(before, failed("upstream_cut"))).toBe("failed");
    expect(outcome(streamed(target()), { ...ok, outcome: "canceled" })).toBe("canceled");
  });

  it("counts the usage of cut streams, but no pace for them", () => {
    const { of } = observed((observer) => observer.requestEnded(context(streamed(target())), failed("upstream_cut")));
    expect(of("tokenUsage")).toHaveLength(2);
    expect(of("timePerOutputToken")).toEqual([]);
  });

  it("counts losses by field without positions", () => {
    const losses = [{ field: "messages[3].parts[0].image.detail", action: "dropped", message: "" }] as const;
    const { of } = observed((observer) => observer.requestEnded(context([{ kind: "loss", losses }]), ok));
    expect(of("losses")[0]?.labels).toEqual({
      "trunkline.field": "messages.parts.image.detail",
      "trunkline.action": "dropped",
    });
  });

  it("writes only labels that the table names", () => {
    const { records } = observed((observer) => {
      observer.requestStarted(context([]));
      observer.requestEnded(
        context([...streamed(target()), { kind: "loss", losses: [{ field: "seed", action: "dropped", message: "" }] }]),
        ok,
      );
      observer.requestEnded(context([]), failed("upstream_cut"));
    });
    const table: Readonly<Record<string, Metric>> = metricTable;
    for (const { key, labels } of records) {
      for (const label of Object.keys(labels)) expect(table[key]?.labels).toContain(label);
    }
  });
});

describe("label bounds", () => {
  const model = (count: number, outcome: "ok" | "model_not_found") =>
    observed(
      (observer) => {
        for (let i = 0; i < count; i++) {
          const one = target(`m${i}`);
          const entries: TrailEntry[] = [
            { kind: "attempt", target: one, atMs: 1000 },
            { kind: "attempt_ended", target: one, atMs: 2000, outcome },
          ];
          observer.requestEnded(context(entries), outcome === "ok" ? ok : failed("model_not_found"));
        }
        const known = target("configured");
        observer.requestEnded(context(streamed(known)), ok);
      },
      ["configured"],
    );

  it("names that no provider ever answered for share one label", () => {
    const { of } = model(1_000, "model_not_found");
    const names = new Set(of("serverDuration").map(({ labels }) => labels["gen_ai.request.model"]));
    expect([...names]).toEqual(["other", "configured"]);
  });

  it("names that were answered for have a cap, and configured ones always their own", () => {
    const { of } = model(10_000, "ok");
    const names = new Set(of("serverDuration").map(({ labels }) => labels["gen_ai.request.model"]));
    expect(names.size).toBeLessThanOrEqual(201);
    expect(names).toContain("other");
    expect(names).toContain("configured");
  });

  it("fields of losses have a cap", () => {
    const { of } = observed((observer) => {
      for (let i = 0; i < 10_000; i++) {
        const losses = [{ field: `provider_options.f${i}`, action: "dropped", message: "" } as const];
        observer.requestEnded(context([{ kind: "loss", losses }]), ok);
      }
    });
    expect(new Set(of("losses").map(({ labels }) => labels["trunkline.field"])).size).toBeLessThanOrEqual(101);
  });
});

const sight = {
  circuits: () => [
    { instance: "a", model: "gpt-5.4", state: "half-open", inFlight: 2 } as const,
    { instance: "a", model: "x-1", state: "closed", inFlight: 1 } as const,
    { instance: "a", model: "x-2", state: "open", inFlight: 3 } as const,
    { instance: "a", key: "spare", state: "open", inFlight: 0 } as const,
  ],
  queued: () => 7,
};

describe("a scrape", () => {
  let metrics: Metrics;
  beforeEach(() => {
    metrics = createMetrics({ version: "1.2.3", models: ["gpt-5.4"], sight });
  });
  afterEach(() => metrics.stop());
  const scrape = () => metrics.scrape();

  function play(): void {
    const request = context([{ kind: "queued", waitedMs: 3 }, ...streamed(target())]);
    metrics.observer.requestStarted(request);
    metrics.observer.requestEnded(request, ok);
  }

  it("shows all that was recorded, before the first scrape and after", async () => {
    play();
    expect(await scrape()).toMatch(/^trunkline_requests_total\{.*trunkline_outcome="ok".*\} 1$/m);
    play();
    expect(await scrape()).toMatch(/^trunkline_requests_total\{.*trunkline_outcome="ok".*\} 2$/m);
  });

  it("shows the conventions' names, units and buckets", async () => {
    play();
    const text = await scrape();
    for (const { name } of Object.values(metricTable).filter(({ kind }) => kind === "histogram")) {
      expect(text).toContain(`# TYPE ${name.replaceAll(".", "_")} histogram`);
    }
    expect(text).toMatch(/gen_ai_client_token_usage_bucket\{.*gen_ai_token_type="output".*le="16"\} 1/);
    expect(text).toMatch(/gen_ai_server_request_duration_sum\{.*gen_ai_request_model="gpt-5.4".*\} 2/);
    expect(text).toMatch(/trunkline_requests_in_flight\{.*\} 0/);
    expect(text).toMatch(/trunkline_build_info\{.*trunkline_version="1.2.3"\} 1/);
    expect(text).toMatch(/trunkline_queue_size 7/);
    expect(text).toMatch(/trunkline_circuit_state\{trunkline_instance="a",gen_ai_request_model="gpt-5.4"\} 1/);
    // Two models without a label of their own: the worse of them.
    expect(text).toMatch(/trunkline_circuit_state\{trunkline_instance="a",gen_ai_request_model="other"\} 2/);
    expect(text).toMatch(/trunkline_circuit_state\{trunkline_instance="a",trunkline_key="spare"\} 2/);
    expect(text).toMatch(/trunkline_target_in_flight\{trunkline_instance="a",gen_ai_request_model="other"\} 4/);
    expect(text).toMatch(/process_memory_usage \d{7,}/);
    expect(text).toMatch(/nodejs_eventloop_delay_p99 \d/);
    expect(text).toContain('service_name="trunkline"');
  });

  it("tells nothing of the machine", async () => {
    expect(await scrape()).not.toMatch(/process_command|host_name|process_owner|\/node/);
  });
});
