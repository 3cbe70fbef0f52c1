import { createHash } from "node:crypto";
import type { ProviderKey } from "../domain/instance.ts";
import type { Strategy } from "../domain/route.ts";
import type { Target } from "../domain/target.ts";
import type { TargetStates } from "./target-states.ts";

export interface OrderParts {
  readonly states: TargetStates;
  /** Evenly spread in [0, 1). */
  readonly random: () => number;
  /** The keys of an instance. */
  keysOf(instance: string): readonly ProviderKey[];
}

/** What an order may depend on beside the targets' states. */
export interface OrderBy {
  readonly strategy: Strategy;
  /** What keeps requests together; null for nothing. */
  readonly stickTo: string | null;
  /** Expected size of the request, for `cheapest`. Tokens. */
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/**
 * Targets in the order in which to ask them, once for each key of their instance. Whatever the strategy says, those that
 * asked to be left alone come after those that did not, and those whose circuit is open come last.
 */
export function order(targets: readonly Target[], by: OrderBy, parts: OrderParts): readonly Target[] {
  const { states } = parts;
  const preferred = targets.length < 2 ? targets : byStrategy(targets, by, parts);
  const lanes = preferred.flatMap((target) => withKeys(target, by, parts));
  if (lanes.length < 2) return lanes;
  return sorted(lanes, (target) => (states.passable(target) ? (states.coolMs(target) > 0 ? 1 : 0) : 2));
}

/** The target with each key of its instance, by weight; as it is where there is no choice. */
function withKeys(target: Target, { stickTo }: OrderBy, { keysOf, random }: OrderParts): readonly Target[] {
  const keys = keysOf(target.instance);
  if (keys.length < 2) return [target];
  const drawn = keys.map(({ name, weight }) => {
    const share = stickTo === null ? random() : shareOf(stickTo, `${target.instance}#${name}`);
    return { key: name, place: draw(share, weight) };
  });
  return drawn.sort((a, b) => a.place - b.place).map(({ key }) => ({ ...target, key }));
}

function byStrategy(targets: readonly Target[], by: OrderBy, { states, random }: OrderParts): readonly Target[] {
  if (by.strategy === "ordered") return targets;
  if (by.stickTo !== null) {
    const { stickTo } = by;
    return sorted(targets, (target) => draw(shareOf(stickTo, target.name), target.weight));
  }
  switch (by.strategy) {
    case "weighted":
      return sorted(targets, (target) => draw(random(), target.weight));
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
  return ranked.sort((a, b) => a.rank - b.rank).map(({ target }) => target);
}

/**
 * Exponential race: the target with the smallest draw wins with a probability proportional to its weight, and so on for
 * the places behind it.
 * @param share in [0, 1)
 */
function draw(share: number, weight = 1): number {
  return weight <= 0 ? Number.POSITIVE_INFINITY : -Math.log(1 - share) / weight;
}

/**
 * Rendezvous hashing: each pair of conversation and target has a number of its own, so that a target that goes moves
 * only its own conversations.
 */
function shareOf(stickTo: string, target: string): number {
  return createHash("sha256").update(stickTo).update("\0").update(target).digest().readUInt32BE(0) / 2 ** 32;
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
