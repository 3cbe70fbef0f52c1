import * as z from "zod";
import type { FieldNotes } from "./fields.ts";
import { schema } from "./schema.ts";

/** The part of a JSON Schema that this project writes and reads. */
export interface SchemaNode extends FieldNotes {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly propertyNames?: SchemaNode;
  readonly additionalProperties?: SchemaNode | false;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

/** The schema of trunkline.yaml, or another of ours, with our own notes on it, for error messages and the reference. */
export function annotatedSchema(of: z.ZodType = schema): SchemaNode {
  // zod types its result as any JSON Schema; what ours can contain is listed above.
  return z.toJSONSchema(of, { io: "input" }) as SchemaNode;
}

/** The schema of trunkline.yaml, or another of ours, as standard JSON Schema (draft 2020-12), for editors. */
export function jsonSchema(of: z.ZodType = schema): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(of, {
    io: "input",
    override({ jsonSchema: node }) {
      for (const note of ["unit", "allowed", "secret", "later"] satisfies (keyof FieldNotes)[]) delete node[note];
    },
  });
}

/** The node that a path of keys leads to; undefined where the schema knows no such place. */
export function nodeAt(root: SchemaNode, path: readonly PropertyKey[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const key of path) {
    if (node === undefined) return undefined;
    node = typeof key === "number" ? node.items : childOf(node, String(key));
  }
  return node;
}

function childOf(node: SchemaNode, key: string): SchemaNode | undefined {
  if (node.properties && Object.hasOwn(node.properties, key)) return node.properties[key];
  if (node.additionalProperties) return node.additionalProperties;
  const choices = node.anyOf ?? [];
  return choices.map((choice) => childOf(choice, key)).find((child) => child !== undefined);
}
