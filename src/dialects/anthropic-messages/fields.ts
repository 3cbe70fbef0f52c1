/** A foreign JSON object: read by the functions below, tolerant of members that are new, absent or null. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A string member made well-formed, since no UTF-8 and no proto string carries a lone surrogate; "" when absent. */
export function text(from: Fields, name: string): string {
  const value = from[name];
  return typeof value === "string" ? value.toWellFormed() : "";
}

/** A token count or index; undefined when absent or not one whose sums the contract's int32 can hold. */
export function count(from: Fields, name: string): number | undefined {
  const value = from[name];
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= maxCount ? value : undefined;
}

export function fieldsOrNone(from: Fields, name: string): Fields {
  const value = from[name];
  return isFields(value) ? value : none;
}

const none: Fields = {};
/** Ten of them make an int32; a hundred times the largest context window. */
const maxCount = 200_000_000;
