import type { CatalogLayer } from "../domain/model-catalog.ts";
import { layerOf } from "./catalog-layer.ts";
import type { CatalogFile } from "./catalog-schema.ts";
import file from "./model-catalog.json" with { type: "json" };

/** The catalogue that the package brings. test/config/catalog.test.ts checks it against the schema; a start does not. */
// TypeScript takes the words of a JSON file for any text.
export const packageFile = file as unknown as CatalogFile;

export const packageCatalog: CatalogLayer = layerOf(packageFile);
