/** What stands in for values beyond a bound. */
const otherLabel = "other";

/** Gives values back as they are until there are too many different ones; new ones are then `other`. */
export interface LabelSet {
  /** The value if it has been admitted, else `other`. Never admits. */
  known(value: string): string;
  /** The value, admitting it while there is room. */
  admit(value: string): string;
}

/** Longest label value. Characters. */
const maxLabelChars = 128;

/**
 * Bounds the values of one label, so that nobody can fill the memory with series by sending random names.
 * @param first values that are always admitted, such as configured models
 */
export function createLabelSet(maxValues: number, first: Iterable<string> = []): LabelSet {
  const values = new Set<string>(first);
  return {
    known: (value) => (values.has(value) ? value : otherLabel),
    admit(value) {
      if (values.has(value)) return value;
      if (values.size >= maxValues || value.length > maxLabelChars) return otherLabel;
      values.add(value);
      return value;
    },
  };
}
