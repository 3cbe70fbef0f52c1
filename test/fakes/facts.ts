import { createFacts } from "../../src/providers/catalog.ts";

/** What the package's catalogue knows of a model. */
export const packageFacts = createFacts();
