import type { CatalogEntry, CatalogLayer } from "../domain/model-catalog.ts";
import type { CatalogFile, FileEntry } from "./catalog-schema.ts";
import { toFacts, toPrices } from "./fact-fields.ts";

/** A catalogue's entries under their names inside. Those of a provider are translated when somebody asks for them. */
export function layerOf(file: CatalogFile): CatalogLayer {
  return (kind) => (file.providers[kind] ?? []).map(toEntry);
}

function toEntry({ match, price, ...fields }: FileEntry): CatalogEntry {
  return { match, facts: toFacts(fields, price && toPrices(price, price.as_of ?? price.source)) };
}
