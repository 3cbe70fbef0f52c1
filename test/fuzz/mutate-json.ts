import type { Random } from "../domain/random-messages.ts";

/** One of a list that is not empty. */
export function pick<T>(list: readonly T[], random: Random): T {
  const chosen = list[below(list.length, random)];
  if (chosen === undefined) throw new Error("there is nothing to pick from");
  return chosen;
}

/** A whole number from 0 up to, not including, `end`. */
export function below(end: number, random: Random): number {
  return Math.floor(random() * end);
}

/** Stands in a value for what JSON.stringify cannot write: numbers beyond any type, and nesting beyond any stack. */
const wild = (json: string) => `@@${json}@@`;
const deep = "[deep]";
const deepObjects = "{deep}";
/** Deeper than any recursion goes on Node's usual stack, about 11,000 frames. Levels. */
const depth = 20_000;

/** JSON text of a value with stand-ins. */
export function toWildJson(value: unknown): string {
  const text = JSON.stringify(value) ?? "null";
  if (!text.includes("@@")) return text;
  return text.replace(/"@@(.*?)@@"/g, (_, json: string) => {
    if (json === deep) return "[".repeat(depth) + "]".repeat(depth);
    if (json === deepObjects) return `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
    return json;
  });
}

const strange: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1, 0.5, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 50, 2 ** 53, -(2 ** 31) - 1, 1e21, 1e308],
  ...["1e999", "-1e999", "-0", "123456789012345678901234567890", "1.0", "1e-400"].map(wild),
  ...[deep, deepObjects].map(wild),
  ...["", " ", "\0", "\ud800", "a\udc00b", "\ufeff", "\r\n\r\n", "\u2028", "[DONE]", "__proto__", "x".repeat(70_000)],
  ...["{", "[]", "null", "not base64!", "AAAA", "data:image/png;base64,AAAA", "2024-13-45T99:99:99Z", "NaN", "-5s"],
  ...[[], [[]], [null], [{}], {}, { type: "from_the_future" }, { type: null }, { text: 1 }, { "": "" }],
  ...[JSON.parse('{"__proto__":{"a":1},"constructor":1,"toString":null}'), Array.from({ length: 300 }, () => ({}))],
];

/** Where a value stands: in this object or list, under this key. */
interface Slot {
  readonly holder: Record<string, unknown> | unknown[];
  readonly key: string | number;
}

/**
 * Changes a parsed JSON value in one place, at any depth, and returns it.
 * @param value changed in place; its own parts are put into each other's places
 */
export function mutateJson(value: unknown, random: Random): unknown {
  const root = { value };
  const slots: Slot[] = [];
  collectSlots(root, slots);
  const slot = pick(slots, random);
  pick(edits, random)(slot, random, () => structuredClone(get(pick(slots, random))));
  return root.value;
}

type Edit = (slot: Slot, random: Random, other: () => unknown) => void;

const edits: readonly Edit[] = [
  (slot, random) => set(slot, structuredClone(pick(strange, random))),
  (slot, random) => set(slot, structuredClone(pick(strange, random))),
  (slot, random) => set(slot, otherType(get(slot), random)),
  (slot, random) => set(slot, otherText(get(slot), random)),
  (slot) => remove(slot),
  (slot, random) => set(slot, withMember(get(slot), random)),
  (slot, random) => set(slot, rearranged(get(slot), random)),
  (slot, _, other) => set(slot, other()),
];

function collectSlots(holder: object, into: Slot[]): void {
  const keys = Array.isArray(holder) ? holder.keys() : Object.keys(holder);
  for (const key of keys) {
    const slot: Slot = { holder: holder as Record<string, unknown>, key };
    into.push(slot);
    const value = get(slot);
    if (typeof value === "object" && value !== null && into.length < 5_000) collectSlots(value, into);
  }
}

function get({ holder, key }: Slot): unknown {
  return (holder as Record<string | number, unknown>)[key];
}

function set({ holder, key }: Slot, value: unknown): void {
  // A plain assignment to `__proto__` would set what it names.
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
}

function remove({ holder, key }: Slot): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else if (key !== "value" || Object.keys(holder).length > 1) delete holder[key];
}

function otherType(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) return random() < 0.5 ? (value[0] ?? null) : Object.fromEntries(value.entries());
  if (typeof value === "object" && value !== null) return random() < 0.5 ? Object.values(value) : JSON.stringify(value);
  return pick([[value], { value }, String(value), Number(value) || 7, value !== true], random);
}

/** A text with one of the faults that texts have, a number next to itself. */
function otherText(value: unknown, random: Random): unknown {
  if (typeof value === "number") return value + pick([1, -1, 0.25, 1e6], random);
  if (typeof value !== "string") return pick(strange, random);
  const at = below(value.length + 1, random);
  const piece = pick(["\0", "\ud83d", "\n\ndata: x\n\n", '"', "\\", "_from_the_future", "é👋"], random);
  return pick([value.slice(0, at) + piece + value.slice(at), value.slice(0, at), value.toUpperCase()], random);
}

function withMember(value: unknown, random: Random): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return structuredClone(pick(strange, random));
  const name = pick(["from_the_future", "type", "index", "id", "error", "content", "role", "text", "usage"], random);
  set({ holder: value as Record<string, unknown>, key: name }, structuredClone(pick(strange, random)));
  return value;
}

function rearranged(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) {
    if (value.length === 0) return [structuredClone(pick(strange, random))];
    const again = structuredClone(pick(value, random));
    return random() < 0.5 ? [...value, again] : [...value].reverse();
  }
  if (typeof value !== "object" || value === null) return [value, structuredClone(value)];
  const entries = Object.entries(value);
  return Object.fromEntries(random() < 0.5 ? entries.reverse() : entries.map(([key, member]) => [`${key}_`, member]));
}
