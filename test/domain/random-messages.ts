import { create, type DescField, type DescMessage, getOption, type Message, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { type FieldRules, field as fieldOption } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** A number from 0 up to 1, the same sequence in every run. Mulberry32. */
export type Random = () => number;

export function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How often a value lies at the edge of its rule, on either side; else it is well inside. */
const edgeShare = 0.015;
const setShare = 0.35;
/** Messages in which parts stand inside of a part: the validator that is compared with does not look in there. */
const nesting = ["ToolResult", "HostedResult", "SearchResultPart"];
/** Lists and texts beyond these take too long to build by the thousand. */
const maxItems = 2_100;
const maxText = 70_000;

/** A message whose values lie inside of the rules of its fields, or at their edges: one step out, or one step in. */
export function randomMessage(desc: DescMessage, random: Random): Message {
  const message = create(desc);
  const view = reflect(desc, message);
  for (const oneof of desc.oneofs) {
    const field = oneof.fields[Math.floor(random() * oneof.fields.length)];
    if (field && random() > edgeShare / 2) setField(view, field, random);
  }
  for (const field of desc.fields) {
    const nested = field.name === "parts" && nesting.includes(desc.name);
    if (field.oneof === undefined && !nested && isSet(field, random)) setField(view, field, random);
  }
  return message;
}

function isSet(field: DescField, random: Random): boolean {
  const needed =
    ["model", "messages", "inputs", "role", "media", "kind"].includes(field.name) || rulesOf(field).required;
  return random() < (needed ? 1 - edgeShare / 2 : setShare);
}

function rulesOf(field: DescField): FieldRules {
  return getOption(field, fieldOption);
}

function setField(view: ReflectMessage, field: DescField, random: Random): void {
  const rules = rulesOf(field);
  switch (field.fieldKind) {
    case "list": {
      const bounds = rules.type.case === "repeated" ? rules.type.value : undefined;
      const list = view.get(field);
      const { minItems, maxItems: most } = {
        minItems: Number(bounds?.minItems ?? 0n),
        maxItems: Number(bounds?.maxItems ?? 0n),
      };
      const count = sizeOf({ min: minItems, max: most || maxItems }, random, maxItems, 2);
      // Long lists repeat one item: only their length is at the edge.
      const first = itemOf(field, bounds?.items, random);
      for (let index = 0; index < count; index++) {
        list.add(count > 8 || index === 0 ? first : itemOf(field, bounds?.items, random));
      }
      return;
    }
    case "map": {
      const bounds = rules.type.case === "map" ? rules.type.value : undefined;
      const map = view.get(field);
      const count = sizeOf({ min: 0, max: Number(bounds?.maxPairs ?? 4n) }, random, maxItems, 2);
      for (let index = 0; index < count; index++) {
        const key = [...textOf(bounds?.keys, random)].slice(String(index).length).join("") + index;
        map.set(key, textOf(bounds?.values, random));
      }
      return;
    }
    default:
      view.set(field, itemOf(field, rules, random));
  }
}

function itemOf(field: DescField, rules: FieldRules | undefined, random: Random): never {
  // The reflection interface takes any value that fits the field; which one that is, only run time knows.
  return randomValue(field, rules, random) as never;
}

function randomValue(field: DescField, rules: FieldRules | undefined, random: Random): unknown {
  const { message, enum: named, scalar } = field;
  if (message?.typeName === DurationSchema.typeName) return reflect(DurationSchema, durationOf(rules, random));
  if (message) return reflect(message, randomMessage(message, random));
  if (named) return random() < edgeShare ? pick([0, 99], random) : pick(named.values, random).number || 1;
  switch (scalar) {
    case ScalarType.STRING:
      return textOf(rules, random);
    case ScalarType.BYTES:
      return new Uint8Array(Math.floor(random() * 20));
    case ScalarType.BOOL:
      return random() < 0.5;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return numberOf(rules, random, 0.125);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.UINT64:
      return BigInt(Math.round(numberOf(rules, random, 1)));
    default:
      return Math.round(numberOf(rules, random, 1));
  }
}

const alphabets = ["a", "é", "世", "👋"];

/** Text by its rules: what they count are code points, or bytes. */
function textOf(rules: FieldRules | undefined, random: Random): string {
  const bounds = rules?.type.case === "string" ? rules.type.value : undefined;
  const min = Number(bounds?.minLen ?? 0n);
  const max = Number(bounds?.maxLen ?? bounds?.maxBytes ?? 64n) || 64;
  const size = sizeOf({ min, max }, random, maxText, 6);
  const char = bounds?.pattern || random() < 0.6 ? "a" : pick(alphabets, random);
  if (bounds?.pattern && random() < edgeShare) return random() < 0.5 ? "" : "not allowed!";
  // By bytes, fewer characters reach the same edge.
  const text = char.repeat(bounds?.maxBytes ? Math.floor(size / Buffer.byteLength(char)) : size);
  return text.padEnd(text.length + (bounds?.maxBytes ? size - Buffer.byteLength(text) : 0), "a");
}

interface Sizes {
  readonly min: number;
  readonly max: number;
}

function sizeOf({ min, max }: Sizes, random: Random, limit: number, usual: number): number {
  if (random() >= edgeShare) return Math.min(Math.max(usual, min, 1), max);
  const edges = [min - 1, min, max, max + 1].filter((size) => size >= 0 && size <= limit);
  return edges.length === 0 ? usual : pick(edges, random);
}

interface NumberRules {
  readonly greaterThan: { readonly case?: string | undefined; readonly value?: unknown };
  readonly lessThan: { readonly case?: string | undefined; readonly value?: unknown };
}

function numberOf(rules: FieldRules | undefined, random: Random, step: number): number {
  const bounds = rules?.type.value;
  if (!hasRange(bounds)) return Math.floor(random() * 100);
  const min = Number(bounds.greaterThan.value ?? -1_000);
  const max = Number(bounds.lessThan.value ?? min + 1_000);
  if (random() >= edgeShare * 2) return step === 1 ? Math.floor((min + max) / 2) : min + (max - min) / 2;
  const odd = step === 1 ? [] : [Number.NaN, Number.POSITIVE_INFINITY];
  return pick([min - step, min, min + step, max - step, max, max + step, ...odd], random);
}

function hasRange(bounds: unknown): bounds is NumberRules {
  return typeof bounds === "object" && bounds !== null && "greaterThan" in bounds;
}

function durationOf(rules: FieldRules | undefined, random: Random) {
  const bounds = rules?.type.case === "duration" ? rules.type.value : undefined;
  const seconds = (limit: unknown, otherwise: number) =>
    typeof limit === "object" && limit !== null && "seconds" in limit ? Number(limit.seconds) : otherwise;
  const min = seconds(bounds?.greaterThan.value, 0);
  const max = seconds(bounds?.lessThan.value, 3_600);
  const value = random() < edgeShare ? pick([min - 1, min, max, max + 1], random) : (min + max) / 2;
  return create(DurationSchema, { seconds: BigInt(Math.floor(value)), nanos: 0 });
}

function pick<T>(items: readonly T[], random: Random): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new RangeError("Nothing to pick from.");
  return item;
}
