import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { catalogSchema } from "../../src/config/catalog-schema.ts";
import { repository } from "../tooling/repository.ts";

const text = readFileSync(join(repository, "src/config/model-catalog.json"), "utf8");

it("the package's catalogue keeps to the schema, and says each thing once", () => {
  const file = catalogSchema.parse(JSON.parse(text));
  for (const entries of Object.values(file.providers)) {
    const patterns = (entries ?? []).flatMap(({ match }) => match);
    expect(new Set(patterns).size).toBe(patterns.length);
  }
});
