import * as z from "zod";
import { maxStars } from "../domain/model-pattern.ts";
import { factFields, priceFields } from "./fact-fields.ts";
import { section, text } from "./fields.ts";
import { providerKinds } from "./provider-kinds.ts";

/** Entries of one provider at most. */
const maxEntries = 2_000;

const pattern = z
  .string()
  .regex(/^[^\s\p{Cc}]{1,128}$/u)
  .refine((value) => value.split("*").length - 1 <= maxStars)
  .meta({ allowed: `1 to 128 characters without spaces: \`*\` for any text (at most ${maxStars}), \`#\` for a digit` });

const source = text(/^[^\p{Cc}]{1,500}$/u, "a URL or the name of a document, or `unverified`");
const asOf = text(/^\d{4}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?$/, "a date, such as 2026-11 or 2026-11-20");

const entry = z
  .strictObject({
    match: z.array(pattern).min(1).max(64).describe("Names of the models, or patterns of them."),
    source: source.describe("What the facts are from: a URL or a document; `unverified` where nobody can say."),
    as_of: asOf.optional().describe("When that was read."),
    unverified: z
      .array(z.enum(Object.keys(factFields) as (keyof typeof factFields)[]))
      .max(Object.keys(factFields).length)
      .optional()
      .describe("Facts of the entry that are not from that source, and that nobody has checked."),
    ...factFields,
    price: z
      .strictObject({
        ...priceFields,
        source: source.describe("What the prices are from; `unverified` where nobody can say."),
        as_of: asOf.optional().describe("When they were read. They change."),
      })
      .optional()
      .describe("What its tokens cost."),
  })
  .describe("What is known of the models that a pattern stands for.");

const kind = z.enum([...providerKinds.keys()]);

/** A catalogue of models, as the package has one and as a file may. */
export const catalogSchema = section("A catalogue of models.", {
  format: z.literal(1).describe("Version of this format."),
  like: z
    .partialRecord(kind, z.array(kind).max(8))
    .optional()
    .describe("Platforms of other providers' models: entries of those count too, after their own, but for the prices.")
    .meta({ allowed: "a map of provider kinds to lists of them" }),
  providers: z
    .partialRecord(kind, z.array(entry).max(maxEntries).describe("Its models."))
    .describe(
      "Entries by kind of provider. Of those that match a name, the one with the most specific pattern counts.",
    ),
});

export type CatalogFile = z.output<typeof catalogSchema>;
export type FileEntry = NonNullable<CatalogFile["providers"][string]>[number];
