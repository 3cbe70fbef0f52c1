import type { ModelFacts } from "../../domain/model-facts.ts";

/** Each effort of the contract as the nearest that the model takes; empty where it refuses them all. */
export function effortsOf({ efforts: taken = [] }: ModelFacts): Readonly<Record<string, string>> {
  if (taken.length === 0) return {};
  const nearest = (effort: string): string => {
    const at = order.indexOf(effort);
    return order.slice(at).find((one) => taken.includes(one)) ?? taken.at(-1) ?? effort;
  };
  const efforts = Object.fromEntries(order.map((effort) => [effort, nearest(effort)]));
  // Not to think at all is no degree of thinking: models that cannot stop are not told to think a little.
  return taken.includes("none") ? { none: "none", ...efforts } : efforts;
}

const order = ["minimal", "low", "medium", "high", "xhigh", "max"];
