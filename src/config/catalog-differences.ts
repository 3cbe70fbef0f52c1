import { isDeepStrictEqual } from "node:util";
import type { ModelFacts, ModelPrices } from "../domain/model-facts.ts";
import { toEntry } from "./catalog-layer.ts";
import type { CatalogFile } from "./catalog-schema.ts";

/** What one catalogue over the package's makes different from another. Counts are of patterns. */
export interface CatalogDifferences {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** Patterns whose prices changed or came. */
  readonly prices: readonly PriceChange[];
}

export interface PriceChange {
  readonly kind: string;
  readonly pattern: string;
  readonly before: ModelPrices | undefined;
  readonly after: ModelPrices | undefined;
}

/**
 * @param before and `after`: catalogues from the package's up, the later one winning fact by fact, as the lookup has it
 */
export function differencesOf(before: readonly CatalogFile[], after: readonly CatalogFile[]): CatalogDifferences {
  const [known, told] = [factsByPattern(before), factsByPattern(after)];
  const added = [...told.keys()].filter((key) => !known.has(key));
  const removed = [...known.keys()].filter((key) => !told.has(key));
  const changed = [...told].filter(([key, facts]) => known.has(key) && !isDeepStrictEqual(facts, known.get(key)));
  const keys = [...changed.map(([key]) => key), ...added];
  const prices = keys.flatMap((key): PriceChange[] => {
    const [was, is] = [known.get(key)?.prices, told.get(key)?.prices];
    const [kind = "", pattern = ""] = key.split("\0");
    return isDeepStrictEqual(was, is) ? [] : [{ kind, pattern, before: was, after: is }];
  });
  return { added: added.length, changed: changed.length, removed: removed.length, prices };
}

/** What a catalogue holds, and how much of it nobody has checked. */
export function countsOf({ providers }: CatalogFile) {
  const entries = Object.values(providers).flatMap((list) => list ?? []);
  const unverified = entries.filter(
    ({ source, unverified = [], price }) =>
      source === "unverified" || unverified.length > 0 || price?.source === "unverified",
  );
  return { providers: Object.keys(providers).length, entries: entries.length, unverified: unverified.length };
}

function factsByPattern(files: readonly CatalogFile[]): ReadonlyMap<string, ModelFacts> {
  const facts = new Map<string, ModelFacts>();
  for (const { providers } of files) {
    for (const [kind, entries] of Object.entries(providers)) {
      for (const { match, facts: said } of (entries ?? []).map(toEntry)) {
        for (const pattern of match) {
          const key = `${kind}\0${pattern.toLowerCase()}`;
          facts.set(key, { ...facts.get(key), ...said });
        }
      }
    }
  }
  return facts;
}
