import * as z from "zod";

/** What a field says about itself beside its type; read by the error messages and the reference, not by code. */
export interface FieldNotes {
  /** Unit of the value, such as `ms`. */
  readonly unit?: string;
  /** The allowed values in words, where bounds and choices do not say it. */
  readonly allowed?: string;
  /** The value is never shown. */
  readonly secret?: true;
  /** Reserved for a later version: present so that it is refused with a sentence of its own. */
  readonly later?: true;
}

/** A section that may be left out whole: its fields then have their defaults. */
export function section<Shape extends z.ZodRawShape>(doc: string, shape: Shape) {
  return z.strictObject(shape).describe(doc);
}

export function milliseconds(doc: string, bounds: { min: number; max: number; default: number }) {
  return z
    .int()
    .min(bounds.min)
    .max(bounds.max)
    .default(bounds.default)
    .describe(doc)
    .meta(notes({ unit: "ms" }));
}

export function host(doc: string, fallback = "127.0.0.1") {
  return text(/^[A-Za-z0-9._:%-]{1,253}$/, "a host name or an IP address, such as 127.0.0.1, 0.0.0.0 or ::1")
    .default(fallback)
    .describe(doc);
}

export function port(doc: string, fallback: number) {
  return z.int().min(0).max(65_535).default(fallback).describe(doc);
}

/** A string of a given form. */
export function text(form: RegExp, allowed: string) {
  return z.string().regex(form).meta(notes({ allowed }));
}

/** A reference to a secret. The secret itself is refused: a file is copied, committed and shown around. */
export function secretReference(doc: string) {
  return z
    .string()
    .regex(/^(env:\/\/[A-Za-z_][A-Za-z0-9_]*|file:\/\/\/.+)$/s)
    .describe(doc)
    .meta(notes({ secret: true, allowed: "a reference: env://NAME or file:///absolute/path" }));
}

/** A setting of a later version. Refused rather than ignored, because whoever sets it counts on it. */
export function later(what: string) {
  return z
    .never()
    .optional()
    .describe(`${what} Not supported by this version.`)
    .meta(notes({ later: true }));
}

/** zod keeps notes as loose metadata; this gives them their type at the one place where they enter. */
function notes(fields: FieldNotes): Record<string, unknown> {
  return { ...fields };
}
