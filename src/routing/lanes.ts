import type { ProviderKey } from "../domain/instance.ts";
import type { Target } from "../domain/target.ts";
import { sharesOf } from "./chance.ts";
import { KeyRing } from "./key-ring.ts";
import type { TargetStates } from "./target-states.ts";

export interface LaneParts {
  readonly states: TargetStates;
  /** Evenly spread in [0, 1). */
  readonly random: () => number;
  /** The keys of an instance: the same array as long as they are the same. */
  keysOf(instance: string): readonly ProviderKey[];
}

/** Targets that one name stands for, as they are preferred. */
export interface Preferred {
  readonly targets: readonly Target[];
  /** What keeps requests together; null for nothing. */
  readonly stickTo: string | null;
}

/** 0: may be asked. 1: asked to be left alone. 2: a circuit is open. */
type Rank = 0 | 1 | 2;

interface Planned {
  readonly target: Target;
  /** Null where the instance has no choice of keys. */
  readonly ring: KeyRing | null;
  /** Of the target itself. */
  readonly rank: Rank;
  /** Keys that are worse off than their target. */
  readonly worse: ReadonlyMap<string, Rank>;
}

/**
 * The targets in the order in which to ask them, once for each key of their instance. For each name, those that asked to
 * be left alone come after those that did not, and those whose circuit is open come last, as it was when the order was
 * made. Keys are drawn when they are asked for: few requests ever see a second one.
 */
export class Lanes implements Iterable<Target> {
  readonly #names: readonly Preferred[];
  readonly #plans: readonly (readonly Planned[])[];
  readonly #random: () => number;
  readonly #found: Target[] = [];
  // Where the search goes on: the name, the rank, the target among its plans, and that target's keys.
  #name = 0;
  #rank: Rank = 0;
  #target = 0;
  #keys: Iterator<string> | null = null;

  constructor(names: readonly Preferred[], parts: LaneParts) {
    this.#names = names;
    this.#plans = names.map(({ targets }) => targets.map((target) => planned(target, parts)));
    this.#random = parts.random;
  }

  /** Those whose circuit is open, each with its key if that alone is out; none when there are no others. */
  get out(): readonly Target[] {
    const plans = this.#plans.flat();
    if (plans.every(isUnharmed) || !plans.some(isUsable)) return [];
    return plans.flatMap(({ target, rank, worse }) => {
      if (rank === 2) return [target];
      return [...worse].filter(([, rankOfKey]) => rankOfKey === 2).map(([key]) => ({ ...target, key }));
    });
  }

  /** The same each time. */
  [Symbol.iterator](): Iterator<Target> {
    let at = 0;
    return {
      next: () => {
        const value = this.#found[at++] ?? this.#find();
        return value === undefined ? { value, done: true } : { value, done: false };
      },
    };
  }

  /** One more. By hand: generators inside each other cost every request 3 µs. */
  #find(): Target | undefined {
    for (; this.#name < this.#plans.length; this.#name++) {
      const plans = this.#plans[this.#name] ?? [];
      for (let rank: Rank | null = this.#rank; rank !== null; rank = worseThan[rank]) {
        this.#rank = rank;
        for (let plan = plans[this.#target]; plan !== undefined; plan = plans[++this.#target]) {
          const lane = this.#lane(plan, rank);
          if (lane === undefined) continue;
          this.#found.push(lane);
          return lane;
        }
        this.#target = 0;
      }
      this.#rank = 0;
    }
    return undefined;
  }

  /** The next lane of a target among those that have the rank. Goes to the next target where this has no more. */
  #lane({ target, ring, rank: own, worse }: Planned, rank: Rank): Target | undefined {
    if (rank !== own && worse.size === 0) return undefined;
    if (ring === null) {
      this.#target++;
      return target;
    }
    const stickTo = this.#names[this.#name]?.stickTo ?? null;
    this.#keys ??= keysInOrder(ring, (key) => (worse.get(key) ?? own) === rank, target, stickTo, this.#random);
    const { value: key, done } = this.#keys.next();
    if (!done) return { ...target, key };
    this.#keys = null;
    return undefined;
  }
}

const worseThan: Readonly<Record<Rank, Rank | null>> = { 0: 1, 1: 2, 2: null };

function planned(target: Target, { states, keysOf }: LaneParts): Planned {
  const keys = keysOf(target.instance);
  if (keys.length < 2) return { target, ring: null, rank: rankOf(target, states), worse: none };
  const ring = ringOf(keys);
  // A target's own circuit counts for all of its keys.
  if (!states.of(target).circuit.passable) return { target, ring, rank: 2, worse: none };
  let worse: Map<string, Rank> | null = null;
  for (const key of states.troubledKeys(target.instance)) {
    const rank = rankOf({ ...target, key }, states);
    if (rank !== 0) worse = (worse ?? new Map()).set(key, rank);
  }
  return { target, ring, rank: 0, worse: worse ?? none };
}

const none: ReadonlyMap<string, Rank> = new Map();

/** Rings by the keys that they are made of. */
const rings = new WeakMap<readonly ProviderKey[], KeyRing>();

function ringOf(keys: readonly ProviderKey[]): KeyRing {
  const known = rings.get(keys);
  if (known !== undefined) return known;
  const ring = new KeyRing(keys);
  rings.set(keys, ring);
  return ring;
}

function rankOf(target: Target, states: TargetStates): Rank {
  if (!states.passable(target)) return 2;
  return states.coolMs(target) > 0 ? 1 : 0;
}

function isUnharmed({ rank, worse }: Planned): boolean {
  return rank !== 2 && worse.size === 0;
}

function isUsable({ ring, rank, worse }: Planned): boolean {
  if (rank === 2) return false;
  return ring === null || worse.size < ring.size || [...worse.values()].includes(1);
}

function keysInOrder(
  ring: KeyRing,
  counts: (key: string) => boolean,
  { instance }: Target,
  stickTo: string | null,
  random: () => number,
): Iterator<string> {
  if (stickTo === null) return ring.drawn(random, counts);
  const shareOf = sharesOf(stickTo);
  return ring.raced((key) => shareOf(`${instance}#${key}`), counts);
}
