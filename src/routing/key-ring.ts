import type { ProviderKey } from "../domain/instance.ts";
import { placeOf } from "./chance.ts";

/** Draws in a row that may hit keys which do not count, before those that do are looked through. */
const maxMisses = 4;

/** The keys of one instance, made ready to be drawn by weight at a cost that does not grow with their number. */
export class KeyRing {
  readonly #keys: readonly ProviderKey[];
  /** Sum of the weights up to and with each key. */
  readonly #sums: Float64Array;
  readonly #total: number;

  constructor(keys: readonly ProviderKey[]) {
    let sum = 0;
    this.#keys = keys;
    this.#sums = Float64Array.from(keys, ({ weight }) => (sum += Math.max(0, weight)));
    this.#total = sum;
  }

  get size(): number {
    return this.#keys.length;
  }

  /**
   * Names of the keys that count, each once: the next is any of those that are left, with a probability by weight; those
   * without weight come last, in their order. As an exponential race orders them, but drawn only as far as it is read.
   * @param counts must not change its mind
   */
  *drawn(random: () => number, counts: (name: string) => boolean): Generator<string> {
    const gone = new Set<string>();
    for (let misses = 0; misses < maxMisses && this.#total > 0; ) {
      const { name } = this.#at(random() * this.#total);
      if (gone.has(name) || !counts(name)) misses++;
      else {
        misses = 0;
        gone.add(name);
        yield name;
      }
    }
    // The misses said nothing of those that are left: a race among them continues the same order.
    yield* this.raced(random, (name) => !gone.has(name) && counts(name));
  }

  /** The same order, of shares that are given instead of drawn: it looks at every key. */
  *raced(shareOf: (name: string) => number, counts: (name: string) => boolean): Generator<string> {
    const left = this.#keys
      .filter(({ name }) => counts(name))
      .map(({ name, weight }) => ({ name, place: placeOf(shareOf(name), weight) }));
    while (left.length > 0) {
      // Most read only the first: cheaper found than sorted.
      let first = 0;
      for (let i = 1; i < left.length; i++) if (before(left[i], left[first])) first = i;
      const [winner] = left.splice(first, 1);
      if (winner) yield winner.name;
    }
  }

  /** The key whose stretch of the sums a point lies in: by halving, since weights need not be whole. */
  #at(point: number): ProviderKey {
    let [low, high] = [0, this.#sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (point < (this.#sums[middle] ?? 0)) high = middle;
      else low = middle + 1;
    }
    return this.#keys[low] as ProviderKey; // Never empty where anything is drawn: its total is above 0.
  }
}

function before(one: { readonly place: number } | undefined, other: { readonly place: number } | undefined): boolean {
  return one !== undefined && other !== undefined && one.place < other.place;
}
