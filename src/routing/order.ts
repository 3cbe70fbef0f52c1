import type { Strategy } from "../domain/route.ts";
import type { Target } from "../domain/target.ts";
import { placeOf, sharesOf } from "./chance.ts";
import type { LaneParts } from "./lanes.ts";
import type { TargetStates } from "./target-states.ts";

/** What an order may depend on beside the targets' states. */
export interface OrderBy {
  readonly strategy: Strategy;
  /** What keeps requests together; null for nothing. */
  readonly stickTo: string | null;
  /** Expected size of the request, for `cheapest`. Tokens. */
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Targets as the strategy prefers them; who may not be asked at present is not its matter. */
export function preferred(targets: readonly Target[], by: OrderBy, parts: LaneParts): readonly Target[] {
  if (targets.length < 2 || by.strategy === "ordered") return targets;
  const { states, random } = parts;
  if (by.stickTo !== null) {
    const shareOf = sharesOf(by.stickTo);
    return sorted(targets, ({ name, weight }) => placeOf(shareOf(name), weight));
  }
  switch (by.strategy) {
    case "weighted":
      return sorted(targets, ({ weight }) => placeOf(random(), weight));
    case "least-latency":
      return sorted(targets, (target) => latency(target, states));
    case "least-busy":
      return sorted(targets, (target) => load(target, states));
    case "cheapest":
      return sorted(targets, (target) => price(target, by));
  }
}

/** Smallest first; equal ones stay in their order. */
function sorted(targets: readonly Target[], rank: (target: Target) => number): readonly Target[] {
  const ranked = targets.map((target) => ({ target, rank: rank(target) }));
  // Infinity less itself is no number, which counts as equal.
  return ranked.sort((a, b) => a.rank - b.rank || 0).map(({ target }) => target);
}

/** A target without recent figures gets one request at a time to make some. */
function latency(target: Target, states: TargetStates): number {
  const state = states.of(target);
  return state.score ?? (state.inFlight === 0 ? 0 : Number.MAX_VALUE);
}

/** Without a share of the requests it comes last, however idle it is. */
function load(target: Target, states: TargetStates): number {
  const { weight = 1 } = target;
  return weight > 0 ? states.of(target).inFlight / weight : Number.POSITIVE_INFINITY;
}

/** An unknown price is not a low one. */
function price({ facts }: Target, { inputTokens, outputTokens }: OrderBy): number {
  const { prices } = facts;
  return prices ? prices.inputNanoUsd * inputTokens + prices.outputNanoUsd * outputTokens : Number.POSITIVE_INFINITY;
}
