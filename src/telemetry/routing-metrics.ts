import type { Observation, Observed } from "./instruments.ts";
import type { LabelSet } from "./label-set.ts";

/** The state of a target, or of one of several keys, as metrics show it. */
export interface CircuitSight {
  readonly instance: string;
  /** Absent for a key. */
  readonly model?: string;
  readonly key?: string;
  readonly state: "closed" | "half-open" | "open";
  readonly inFlight: number;
}

/** What routing and admission look like at this moment. */
export interface Sight {
  circuits(): readonly CircuitSight[];
  queued(): number;
}

const stateValues = { closed: 0, "half-open": 1, open: 2 } as const;

/** Looked up with each scrape; models without a label of their own are `other`, and show the worst of them. */
export function watchRouting(
  { circuits, queued }: Sight,
  models: LabelSet,
): Pick<Observed, "circuitState" | "targetInFlight" | "queueSize"> {
  const labelsOf = ({ instance, model, key }: CircuitSight) => ({
    "trunkline.instance": instance,
    ...(model !== undefined && { "gen_ai.request.model": models.known(model) }),
    ...(key !== undefined && { "trunkline.key": key }),
  });
  return {
    circuitState: () => {
      const seen = circuits().map((one) => ({ value: stateValues[one.state], labels: labelsOf(one) }));
      return merged<"circuitState">(seen, Math.max);
    },
    targetInFlight: () => {
      const seen = circuits().filter(({ model }) => model !== undefined);
      const counts = seen.map((one) => ({ value: one.inFlight, labels: labelsOf(one) }));
      return merged<"targetInFlight">(counts, (a, b) => a + b);
    },
    queueSize: () => [{ value: queued(), labels: {} }],
  };
}

/** One observation for each set of labels. */
function merged<K extends "circuitState" | "targetInFlight">(
  observations: readonly Observation<K>[],
  join: (a: number, b: number) => number,
): readonly Observation<K>[] {
  const byLabels = new Map<string, Observation<K>>();
  for (const { value, labels } of observations) {
    const id = JSON.stringify(labels);
    const before = byLabels.get(id);
    byLabels.set(id, { labels, value: before === undefined ? value : join(before.value, value) });
  }
  return [...byLabels.values()];
}
