/** Names that a provider may not know as they are, and what it knows them as. */
export interface Names {
  /** The legal name; the same for the same original every time. */
  toWire(original: string): string;
  /** Legal names → originals, where they differ. */
  readonly back: ReadonlyMap<string, string>;
}

/** What a provider takes as a name. */
export interface NameRule {
  /** Matches a legal name of any length. */
  readonly legal: RegExp;
  readonly maxLength: number;
  /** Makes any text one that `legal` matches. */
  clean(original: string): string;
}

/**
 * Legal names keep themselves; the others are cleaned and numbered until they are unique, in the order given, so that
 * two that become alike stay distinct.
 */
export function createNames(originals: readonly string[], { legal, maxLength, clean }: NameRule): Names {
  const wire = new Map<string, string>();
  const back = new Map<string, string>();
  const taken = new Set<string>();

  for (const name of originals) {
    if (name.length > maxLength || !legal.test(name)) continue;
    wire.set(name, name);
    taken.add(name);
  }

  function toWire(original: string): string {
    const known = wire.get(original);
    if (known !== undefined) return known;
    const cleaned = clean(original).slice(0, maxLength);
    let name = cleaned;
    for (let number = 2; taken.has(name); number++) {
      const suffix = `_${number}`;
      name = cleaned.slice(0, maxLength - suffix.length) + suffix;
    }
    taken.add(name);
    wire.set(original, name);
    if (name !== original) back.set(name, original);
    return name;
  }

  for (const name of originals) toWire(name);
  return { toWire, back };
}
