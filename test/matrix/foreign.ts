// Foreign JSON under test: a wrong shape makes a reading undefined, and a cell that fails.
// biome-ignore lint/suspicious/noExplicitAny: foreign JSON under test
export type Foreign = any;

/** The elements of what should be a list. */
export function each(value: Foreign): readonly Foreign[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: Foreign): string {
  return typeof value === "string" ? value : "";
}

export function countOf(value: Foreign): number | null {
  return typeof value === "number" ? value : null;
}

/** Texts of a content that is a string or a list of parts. */
export function textsIn(content: Foreign): string {
  if (typeof content === "string") return content;
  return each(content)
    .map((part) => textOf(part.text))
    .join("\n");
}

/** Kinds in order, those that repeat told once. */
export function orderOf(kinds: readonly string[]): string {
  return kinds.filter((kind, i) => kind !== kinds[i - 1]).join(" ");
}

/** The `data:` payloads of server-sent events, as JSON; `[DONE]` is left out. */
export function eventsIn(text: string): readonly Foreign[] {
  return text
    .split(/\r?\n\r?\n/)
    .flatMap((event) => /^data: ?(.*)$/m.exec(event)?.[1] ?? [])
    .filter((data) => data !== "[DONE]")
    .map((data) => JSON.parse(data));
}
