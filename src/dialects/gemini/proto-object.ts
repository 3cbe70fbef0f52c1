import { invalid, type ParseNotes, type Place, toArray, toObject, toText, toWord } from "../json-read.ts";
import type { JsonSlice } from "../json-slice.ts";
import { type JsonMembers, RawJson } from "../json-text.ts";

interface Member {
  /** As the caller spelled it. */
  readonly name: string;
  readonly value: unknown;
}

/** An element of a list, and where it stands. */
export interface Element {
  readonly value: unknown;
  readonly place: Place;
  readonly json: JsonSlice | undefined;
}

/**
 * An object in Google's JSON: its members may be spelled in camel case or as the proto spells them, and null is not set.
 * It remembers what was read, so that the rest can be told as unknown.
 */
export class ProtoObject {
  readonly place: Place;
  readonly json: JsonSlice | undefined;
  readonly #members = new Map<string, Member>();
  readonly #read = new Set<string>();

  /** @throws GatewayError `invalid_value` for what is no object, and for a member in both spellings */
  constructor(value: unknown, place: Place, json: JsonSlice | undefined) {
    this.place = place;
    this.json = json;
    for (const [name, member] of Object.entries(toObject(value, place))) {
      if (member === null) continue;
      const key = camelOf(name);
      if (this.#members.has(key)) throw invalid(place.at(name, ""), `is given twice: as '${key}' too.`);
      this.#members.set(key, { name, value: member });
    }
  }

  /** Whether a member is set, without reading it. */
  has(name: string): boolean {
    return this.#members.has(name);
  }

  /** The names of all members that are set, in camel case. */
  get names(): readonly string[] {
    return [...this.#members.keys()];
  }

  get(name: string): unknown {
    this.#read.add(name);
    return this.#members.get(name)?.value;
  }

  /** Where a member stands. @param field its path in the contract, from this object */
  at(name: string, field: string): Place {
    return this.place.at(this.#members.get(name)?.name ?? name, field);
  }

  /** A member as text. */
  slice(name: string): JsonSlice | undefined {
    return this.json?.member(this.#members.get(name)?.name ?? name);
  }

  object(name: string, field: string): ProtoObject | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : new ProtoObject(value, this.at(name, field), this.slice(name));
  }

  /** @param most elements that there may be */
  list(name: string, field: string, most: number): readonly Element[] | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const place = this.at(name, field);
    const json = this.slice(name);
    return toArray(value, place, most).map((one, i) => ({ value: one, place: place.at(i), json: json?.element(i) }));
  }

  /** @param most characters that there may be */
  word(name: string, field: string, most: number, least = 1): string | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : toWord(value, this.at(name, field), most, least);
  }

  text(name: string, field: string): string | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : toText(value, this.at(name, field));
  }

  flag(name: string, field: string): boolean | undefined {
    const value = this.get(name);
    if (value === undefined || typeof value === "boolean") return value;
    throw invalid(this.at(name, field), "must be true or false.");
  }

  /** A number; as Google's JSON has it, it may be written as a string. */
  number(name: string, field: string, [least, most]: readonly [number, number]): number | undefined {
    const value = numberOf(this.get(name));
    if (value === undefined) return undefined;
    if (typeof value === "number" && value >= least && value <= most) return value;
    throw invalid(this.at(name, field), `must be a number from ${least} to ${most}.`);
  }

  integer(name: string, field: string, [least, most]: readonly [number, number]): number | undefined {
    const value = numberOf(this.get(name));
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
    throw invalid(this.at(name, field), `must be an integer from ${least} to ${most}.`);
  }

  /** Notes what nobody has read as unknown. @param kept takes it, for the provider that may know it */
  noteRest(notes: ParseNotes, kept?: JsonMembers): void {
    for (const [key, { name }] of this.#members) {
      if (this.#read.has(key)) continue;
      notes.unknown.push(this.place.at(name.slice(0, maxShownNameLength), "").param);
      const text = this.slice(key)?.text;
      if (kept && text !== undefined && key !== "__proto__") kept[key] = new RawJson(text);
    }
  }
}

const maxShownNameLength = 64;

/** `generation_config` → `generationConfig`; what is in camel case already stays as it is. */
export function camelOf(name: string): string {
  return name.replaceAll(/(?<=[^_])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function numberOf(value: unknown): unknown {
  return typeof value === "string" && /^-?\d{1,19}(?:\.\d{1,19})?$/.test(value) ? Number(value) : value;
}

/** An enumeration's word, without the name of its type: `HIGH`, `MEDIA_RESOLUTION_HIGH` → `high`; "" for UNSPECIFIED. */
export function enumWord(value: unknown, place: Place, prefix = ""): string {
  const word = toWord(value, place, 128).toUpperCase();
  const short = word.startsWith(prefix) ? word.slice(prefix.length) : word;
  return short.endsWith("UNSPECIFIED") ? "" : short.toLowerCase();
}
