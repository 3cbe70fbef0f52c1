import { GatewayError } from "../domain/errors.ts";
import { isJsonObject, type JsonObject } from "./json-body.ts";

/**
 * Where a value stands: in the caller's dialect (`messages[0].content[1].image_url.url`) and in the contract
 * (`messages[0].parts[1].image.media`). A linked list, spelled out only when an error needs it.
 */
export class Place {
  readonly #parent: Place | null;
  readonly #param: string | number;
  readonly #field: string | number;

  private constructor(parent: Place | null, param: string | number, field: string | number) {
    this.#parent = parent;
    this.#param = param;
    this.#field = field;
  }

  static readonly root = new Place(null, "", "");

  /**
   * @param param key or index in the caller's dialect
   * @param field the same in the contract; an empty one adds no step
   */
  at(param: string | number, field: string | number = param): Place {
    return new Place(this, param, field);
  }

  get param(): string {
    return step(this.#parent?.param ?? "", this.#param);
  }

  get field(): string {
    return step(this.#parent?.field ?? "", this.#field);
  }
}

function step(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (key === "") return path;
  return path === "" ? key : `${path}.${key}`;
}

/** A refusal that names the value's place and says what is allowed there. */
export function invalid(place: Place, rule: string): GatewayError {
  const { param, field } = place;
  return new GatewayError("invalid_value", param === "" ? rule : `${param} ${rule}`, { param, field });
}

/** OpenAI's clients send null for what is not set. */
export function isSet<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}

export function toObject(value: unknown, place: Place): JsonObject {
  if (!isJsonObject(value)) throw invalid(place, "must be an object.");
  return value;
}

/** @param most how many elements there may be */
export function toArray(value: unknown, place: Place, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(place, "must be an array.");
  if (value.length > most) throw invalid(place, `must have at most ${most} elements.`);
  return value;
}

/** Text without lone surrogates, which no UTF-8 and no proto string can carry. */
export function toText(value: unknown, place: Place): string {
  if (typeof value !== "string") throw invalid(place, "must be a string.");
  if (!value.isWellFormed()) throw invalid(place, "must be well-formed Unicode, without lone surrogates.");
  return value;
}

/** A word of a bounded number of characters. */
export function toWord(value: unknown, place: Place, most: number, least = 1): string {
  const text = toText(value, place);
  if (text.length < least || text.length > most) {
    throw invalid(place, `must have ${least} to ${most} characters.`);
  }
  return text;
}

export function toBoolean(value: unknown, place: Place): boolean {
  if (typeof value !== "boolean") throw invalid(place, "must be true or false.");
  return value;
}

export function toNumber(value: unknown, place: Place, least: number, most: number): number {
  if (typeof value !== "number" || !(value >= least && value <= most)) {
    throw invalid(place, `must be a number from ${least} to ${most}.`);
  }
  return value;
}

const maxInt32 = 2_147_483_647;

export function toInteger(value: unknown, place: Place, least: number, most = maxInt32): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
    throw invalid(place, `must be an integer from ${least} to ${most}.`);
  }
  return value;
}

/** One of a closed set of words. */
export function toChoice<const T extends string>(value: unknown, place: Place, allowed: readonly T[]): T {
  const found = allowed.find((word) => word === value);
  if (found === undefined) throw invalid(place, `must be one of ${allowed.map((word) => `'${word}'`).join(", ")}.`);
  return found;
}

/** Reads one member of an object into a target. Never called with null: that means "not set". */
export type MemberReader<T, C> = (target: T, value: unknown, place: Place, context: C) => void;

/** Readers by member name; with the contract's name of the member where it differs. */
export type MemberTable<T, C> = Readonly<Record<string, MemberReader<T, C> | readonly [string, MemberReader<T, C>]>>;

/** A table made ready for `readMembers`. */
export type MemberReaders<T, C> = ReadonlyMap<string, { readonly field: string; readonly read: MemberReader<T, C> }>;

export function memberReaders<T, C>(table: MemberTable<T, C>): MemberReaders<T, C> {
  return new Map(
    Object.entries(table).map(([name, entry]) => {
      const [field, read] = typeof entry === "function" ? [name, entry] : entry;
      return [name, { field, read }];
    }),
  );
}

/** What a parse finds beside the values. */
export interface ParseNotes {
  /** Paths, in the caller's dialect, of members that the dialect does not define. */
  readonly unknown: string[];
}

/**
 * Reads an object member by member. Members that no reader knows are noted as unknown: they travel untouched to a
 * provider of the same dialect and are reported as lost to any other.
 */
export function readMembers<T, C extends ParseNotes>(
  value: JsonObject,
  place: Place,
  readers: MemberReaders<T, C>,
  target: T,
  context: C,
): T {
  for (const name of Object.keys(value)) {
    const member = value[name];
    if (!isSet(member)) continue;
    const reader = readers.get(name);
    if (reader) reader.read(target, member, place.at(name, reader.field), context);
    else context.unknown.push(place.at(name.slice(0, maxShownNameLength)).param);
  }
  return target;
}

const maxShownNameLength = 64;

/** The same noting for objects that are read by hand. */
export function noteUnknown(value: JsonObject, known: ReadonlySet<string>, place: Place, notes: ParseNotes): void {
  for (const name of Object.keys(value)) {
    if (known.has(name) || !isSet(value[name])) continue;
    notes.unknown.push(place.at(name.slice(0, maxShownNameLength)).param);
  }
}
