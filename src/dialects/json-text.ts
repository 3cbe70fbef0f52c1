/** JSON text that is written as it stands: a tool's arguments, a schema. Whoever makes one has checked the text. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What a wire format's encoder builds: plain JSON values with raw text among them. Undefined members are left out. */
export type JsonTree =
  | string
  | number
  | boolean
  | null
  | RawJson
  | readonly JsonTree[]
  | { readonly [member: string]: JsonTree | undefined };

/** An object under construction. */
export type JsonMembers = { [member: string]: JsonTree | undefined };

/**
 * Writes a tree as JSON text. Unlike JSON.stringify it splices raw text, so integers above 2^53, the difference between
 * 1 and 1.0 and the order of keys survive from whoever wrote them.
 */
export function toJsonText(tree: JsonTree): string {
  if (tree instanceof RawJson) return tree.text;
  if (typeof tree !== "object" || tree === null) return JSON.stringify(tree);
  if (isList(tree)) return `[${tree.map(toJsonText).join(",")}]`;
  const members: string[] = [];
  for (const [name, value] of Object.entries(tree)) {
    if (value !== undefined) members.push(`${JSON.stringify(name)}:${toJsonText(value)}`);
  }
  return `{${members.join(",")}}`;
}

// Array.isArray does not narrow readonly arrays.
function isList(tree: JsonTree): tree is readonly JsonTree[] {
  return Array.isArray(tree);
}
