import type { ModelFacts } from "../../domain/model-facts.ts";

interface Family {
  readonly pattern: RegExp;
  readonly reasons: boolean;
  /** Words of `reasoning_effort` that it takes; it refuses the member where there are none. */
  readonly efforts: readonly string[];
  readonly contextWindow?: number;
}

/** First match wins (wire.md §7). */
const families: readonly Family[] = [
  { pattern: /non-reasoning/, reasons: false, efforts: [], contextWindow: 2_000_000 },
  { pattern: /^grok-4[.-]3/, reasons: true, efforts: ["none", "low", "medium", "high"] },
  { pattern: /^grok-4[.-]5/, reasons: true, efforts: ["low", "medium", "high"] },
  { pattern: /^grok-4[.-]6/, reasons: true, efforts: ["low", "medium", "high", "xhigh"] },
  { pattern: /^grok-4(?:[.-]1)?-fast/, reasons: true, efforts: [], contextWindow: 2_000_000 },
  { pattern: /^grok-4/, reasons: true, efforts: [], contextWindow: 256_000 },
  { pattern: /^grok-code/, reasons: true, efforts: [], contextWindow: 256_000 },
  { pattern: /^grok-3-mini/, reasons: true, efforts: ["low", "high"], contextWindow: 131_072 },
  { pattern: /^grok-3/, reasons: false, efforts: [], contextWindow: 131_072 },
];

const refused = ["presence_penalty", "frequency_penalty", "stop"];

/** What is known of a model by its name; prices and modalities come with the provider's list. */
export function factsOf(model: string): ModelFacts {
  const family = familyOf(model);
  if (!family) return {};
  const { reasons: thinks, efforts, contextWindow } = family;
  return {
    capabilities: ["tools", "json_schema", "streaming", ...(thinks ? ["reasoning"] : [])],
    ...(contextWindow !== undefined && { contextWindow }),
    ...(efforts.length > 0 && { efforts }),
    ...(thinks && { parametersRefused: refused }),
  };
}

/** Whether a model thinks before it answers; one that nobody knows is taken for a newer one, and those do. */
export function reasons(model: string): boolean {
  return familyOf(model)?.reasons ?? model.startsWith("grok-");
}

/** Each effort of the contract as the nearest that the model takes; empty where it refuses them all. */
export function effortsOf(model: string): Readonly<Record<string, string>> {
  const taken = familyOf(model)?.efforts ?? [];
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

function familyOf(model: string): Family | undefined {
  return families.find(({ pattern }) => pattern.test(model));
}
