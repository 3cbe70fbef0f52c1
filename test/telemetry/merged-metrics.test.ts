import { expect, it } from "vitest";
import { MergedMetrics, type Source } from "../../src/telemetry/merged-metrics.ts";

const [one, two]: readonly [Source, Source] = [{ number: 1 }, { number: 2 }];

/** What a worker writes. */
function written(count: number, { seconds = 0.1, inFlight = 0, circuit = 0, memory = 1 } = {}): string {
  return `# HELP trunkline_requests_total Requests that ended.
# UNIT trunkline_requests_total {request}
# TYPE trunkline_requests_total counter
trunkline_requests_total{trunkline_outcome="ok"} ${count}
# HELP gen_ai_server_request_duration Time.
# TYPE gen_ai_server_request_duration histogram
gen_ai_server_request_duration_count{a="b c"} ${count}
gen_ai_server_request_duration_sum{a="b c"} ${seconds}
gen_ai_server_request_duration_bucket{a="b c",le="0.01"} 0
gen_ai_server_request_duration_bucket{a="b c",le="+Inf"} ${count}
# TYPE trunkline_requests_in_flight gauge
trunkline_requests_in_flight{p="rest"} ${inFlight}
# TYPE trunkline_circuit_state gauge
trunkline_circuit_state{m="x"} ${circuit}
# TYPE process_memory_usage gauge
process_memory_usage ${memory}
# TYPE trunkline_workers gauge
trunkline_workers{trunkline_state="serving"} 1
`;
}

const valuesOf = (text: string) =>
  new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line): [string, number] => [
        line.slice(0, line.lastIndexOf(" ")),
        Number(line.slice(line.lastIndexOf(" ") + 1)),
      ]),
  );

it("adds counters and histograms, and gauges as the table says", () => {
  const merged = new MergedMetrics();
  merged.take(one, written(3, { inFlight: 1, circuit: 2, memory: 10 }));
  merged.take(two, written(4, { inFlight: 2, circuit: 1, memory: 20 }));
  const text = merged.render(new Set([one, two]), [
    { key: "workers", labels: { "trunkline.state": "serving" }, value: 2 },
    { key: "residentMemory", labels: {}, value: 30 },
  ]);
  expect(Object.fromEntries(valuesOf(text))).toEqual({
    'trunkline_requests_total{trunkline_outcome="ok"}': 7,
    'gen_ai_server_request_duration_count{a="b c"}': 7,
    'gen_ai_server_request_duration_sum{a="b c"}': 0.2,
    'gen_ai_server_request_duration_bucket{a="b c",le="0.01"}': 0,
    'gen_ai_server_request_duration_bucket{a="b c",le="+Inf"}': 7,
    'trunkline_requests_in_flight{p="rest"}': 3,
    'trunkline_circuit_state{m="x"}': 2,
    'process_memory_usage{trunkline_worker="1"}': 10,
    'process_memory_usage{trunkline_worker="2"}': 20,
    'process_memory_usage{trunkline_worker="primary"}': 30,
    'trunkline_workers{trunkline_state="serving"}': 2,
  });
  expect(text.match(/^# TYPE trunkline_requests_total counter$/gm)).toHaveLength(1);
  expect(text).toMatch(/^# HELP [^\n]+\n# UNIT [^\n]+\n# TYPE [^\n]+\ntrunkline_requests_total\{/);
});

it("a worker that does not answer keeps its part of what was counted, but of no gauge", () => {
  const merged = new MergedMetrics();
  merged.take(one, written(3, { inFlight: 1 }));
  merged.take(two, written(4, { inFlight: 2 }));
  const values = valuesOf(merged.render(new Set([two]), []));
  expect(values.get('trunkline_requests_total{trunkline_outcome="ok"}')).toBe(7);
  expect(values.get('trunkline_requests_in_flight{p="rest"}')).toBe(2);
  expect(values.has('process_memory_usage{trunkline_worker="1"}')).toBe(false);
});

it("what workers counted that are gone stays, however many follow", () => {
  const merged = new MergedMetrics();
  let least = 0;
  for (let i = 0; i < 20; i++) {
    const source = { number: 1 };
    merged.take(source, written(5));
    merged.end(source);
    const now = valuesOf(merged.render(new Set(), [])).get('gen_ai_server_request_duration_count{a="b c"}') ?? 0;
    expect(now).toBe(least + 5);
    least = now;
  }
});

it("sums of fractions never go down, in whichever order they are added", () => {
  const merged = new MergedMetrics();
  const sources = [0.1, 0.2, 0.3].map((seconds, at) => ({ source: { number: at + 1 }, seconds }));
  for (const { source, seconds } of sources) merged.take(source, written(1, { seconds }));
  const sum = () => valuesOf(merged.render(new Set(), [])).get('gen_ai_server_request_duration_sum{a="b c"}') ?? 0;
  let last = sum();
  for (const { source } of sources.toReversed()) {
    merged.end(source);
    expect(sum()).toBeGreaterThanOrEqual(last);
    last = sum();
  }
  // Added the other way round, the same three are less.
  expect(0.3 + 0.2 + 0.1).toBeLessThan(0.1 + 0.2 + 0.3);
});
