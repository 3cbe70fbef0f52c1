import { describe, expect, it } from "vitest";
import { variables } from "../../src/config/environment.ts";
import { annotatedSchema, nodeAt, type SchemaNode } from "../../src/config/json-schema.ts";

function leaves(node: SchemaNode, path: string): [string, SchemaNode][] {
  const entry = node.additionalProperties ? node.additionalProperties : node;
  const fields = Object.entries(entry.properties ?? {});
  if (fields.length === 0) return [[path, node]];
  return fields.flatMap(([name, field]) => leaves(field, `${path}.${name}`));
}

describe("the schema", () => {
  const settings = leaves(annotatedSchema(), "");

  it.each(settings)("documents %s", (_, node) => {
    expect(node.description).toMatch(/\.$/);
  });

  it("bounds every number, list and text", () => {
    for (const [path, { type, minimum, maximum, maxItems, later }] of settings.filter(([, node]) => !node.later)) {
      if (type === "integer") expect([path, typeof minimum, typeof maximum]).toEqual([path, "number", "number"]);
      if (type === "array") expect([path, typeof maxItems]).toEqual([path, "number"]);
      expect(later).toBeUndefined();
    }
  });

  it("has the setting of every variable", () => {
    for (const { name, path } of variables)
      expect([name, nodeAt(annotatedSchema(), path)?.description]).not.toContain(undefined);
  });
});
