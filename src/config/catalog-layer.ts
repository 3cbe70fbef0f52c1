import type { CatalogEntry, CatalogLayer } from "../domain/model-catalog.ts";
import type { CatalogFile, FileEntry } from "./catalog-schema.ts";
import { toFacts, toPrices } from "./fact-fields.ts";

/** A catalogue's entries under their names inside. Those of a provider are translated when somebody asks for them. */
export function layerOf(file: CatalogFile): CatalogLayer {
  const own = (kind: string) => (file.providers[kind] ?? []).map(toEntry);
  return (kind) => [...own(kind), ...(file.like?.[kind] ?? []).flatMap((other) => own(other).map(withoutPrices))];
}

/** An entry of a file as the lookup takes it. */
export function toEntry({ match, price, ...fields }: FileEntry): CatalogEntry {
  return { match, facts: toFacts(fields, price && toPrices(price, price.as_of ?? price.source)) };
}

/** The same model costs what its platform asks. */
function withoutPrices({ match, facts }: CatalogEntry): CatalogEntry {
  const { prices: _, ...others } = facts;
  return { match, facts: others };
}
