import { describe, expect, it } from "vitest";
import { toJsonText } from "../../../src/dialects/json-text.ts";
import { LossReport } from "../../../src/domain/loss.ts";
import { toSchemaSubset } from "../../../src/providers/anthropic/schema-subset.ts";
import { failure } from "./fixtures.ts";

function convert(schema: unknown) {
  const losses = new LossReport(false);
  const text = toJsonText(
    toSchemaSubset(typeof schema === "string" ? schema : JSON.stringify(schema), "schema", losses),
  );
  return { text, schema: JSON.parse(text), losses: losses.losses };
}

describe("the schema subset", () => {
  it("leaves properties that are named like keywords alone", () => {
    const properties = {
      minLength: { type: "string" },
      type: { type: "string" },
      format: { const: 1 },
      not: { enum: [1] },
      oneOf: { type: "null" },
    };
    const { schema, losses } = convert({ type: "object", properties, additionalProperties: false });
    expect(schema.properties).toEqual(properties);
    expect(losses).toEqual([]);
  });

  it("moves what is not enforced into the description, behind the caller's own words", () => {
    const { schema, losses } = convert({
      type: "string",
      description: "A code.",
      pattern: "^\\d+$",
      maxLength: 9,
      format: "credit-card",
    });
    expect(schema).toEqual({
      type: "string",
      description: 'A code.\n\n{pattern: "^\\\\d+$", maxLength: 9, format: "credit-card"}',
    });
    expect(losses).toHaveLength(1);
  });

  it("turns oneOf into anyOf, keeps anyOf, allOf, $ref and $defs, and goes into all of them", () => {
    const open = { type: "object", properties: {} };
    const { schema } = convert({
      $defs: { a: open },
      anyOf: [open, { $ref: "#/$defs/a" }],
      allOf: [open],
      items: open,
    });
    const closed = { ...open, additionalProperties: false };
    expect(schema).toEqual({
      $defs: { a: closed },
      anyOf: [closed, { $ref: "#/$defs/a" }],
      allOf: [closed],
      items: closed,
    });
    expect(convert({ oneOf: [{ type: "string" }, { type: "null" }] }).schema).toEqual({
      anyOf: [{ type: "string" }, { type: "null" }],
    });
  });

  it("converting twice changes nothing more", () => {
    const once = convert({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: {
        a: { type: ["object", "null"], minProperties: 1 },
        b: { type: "array", minItems: 3, items: { oneOf: [{ minimum: 1 }] } },
      },
      additionalProperties: { type: "string" },
    });
    const twice = convert(once.text);
    expect(twice.text).toBe(once.text);
    expect(twice.losses).toEqual([]);
  });

  it("keeps numbers as they were written", () => {
    const { text } = convert('{"enum":[9007199254740993, 1.0],"minimum":9007199254740993}');
    expect(text).toContain("[9007199254740993, 1.0]");
    expect(text).toContain("{minimum: 9007199254740993}");
  });

  it("keeps minItems 0 and 1, which are enforced", () => {
    expect(convert({ type: "array", minItems: 1 }).losses).toEqual([]);
  });

  it("refuses a schema that nests without end before walking it", () => {
    const deep = `${'{"items":'.repeat(5000)}{}${"}".repeat(5000)}`;
    expect(failure(() => convert(deep))).toMatchObject({ code: "invalid_value", detail: { field: "schema" } });
  });
});
