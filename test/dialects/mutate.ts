const strange = [
  null,
  true,
  -1,
  1e308,
  0.5,
  "",
  "\ud800",
  "x".repeat(600),
  [],
  [[]],
  {},
  { type: "x" },
  [null],
  { __proto__: null },
];

/** A copy with one random value, at any depth, replaced by something strange or removed. */
export function mutate(value: unknown, random: () => number): unknown {
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  if (typeof value !== "object" || value === null || random() < 0.15) return pick(strange);
  if (Array.isArray(value)) {
    const at = Math.floor(random() * value.length);
    return value.map((element, i) => (i === at ? mutate(element, random) : element));
  }
  const chosen = pick(Object.keys(value));
  const entries = Object.entries(value).filter(([key]) => key !== chosen || random() > 0.1);
  return Object.fromEntries(entries.map(([key, member]) => [key, key === chosen ? mutate(member, random) : member]));
}
