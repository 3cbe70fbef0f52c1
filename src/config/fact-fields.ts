import * as z from "zod";
import type { ModelFacts, ModelPrices, ReasoningFacts, TokenPrices } from "../domain/model-facts.ts";
import { refusableFields } from "../domain/refusable.ts";
import { text } from "./fields.ts";

const tokens = (doc: string) => z.int().min(1).max(1_000_000_000).meta({ unit: "tokens" }).optional().describe(doc);
const words = (doc: string) =>
  z
    .array(text(/^[a-z][a-z0-9_]{0,63}$/, "lower-case words"))
    .max(64)
    .optional()
    .describe(doc);
const usd = (doc: string) => z.number().min(0).max(1_000_000).describe(doc).meta({ unit: "USD" });

/** What tokens cost, in the default tier or in another. */
const tokenPrices = {
  input: usd("A million tokens of the prompt."),
  output: usd("A million tokens of the answer."),
  cache_read: usd("A million tokens of the prompt that were read from the provider's cache.").optional(),
  cache_write: usd("A million tokens of the prompt that were written to it.").optional(),
};

const tierName = text(/^[a-z][a-z0-9_-]{0,31}$/, "lower-case names, such as batch, flex or priority");

export const priceFields = {
  ...tokenPrices,
  tiers: z
    .record(tierName, z.strictObject(tokenPrices).describe("What a tier costs."))
    .optional()
    .describe("What other tiers cost, by name: `batch`, `flex`, `priority`.")
    .meta({ allowed: "a map of names to prices" }),
};

const reasoning = z
  .strictObject({
    style: z
      .enum(["effort", "budget", "adaptive", "none"])
      .describe("How it is told how much: by a word, by a number of tokens, by itself or a word, or not at all."),
    min_budget: z
      .int()
      .min(0)
      .max(10_000_000)
      .optional()
      .describe("Least tokens of a budget.")
      .meta({ unit: "tokens" }),
    max_budget: z.int().min(1).max(10_000_000).optional().describe("Most tokens of a budget.").meta({ unit: "tokens" }),
    can_stop: z.boolean().optional().describe("Whether it answers without reasoning when it is told so."),
    by_default: z.boolean().optional().describe("Whether it reasons when nothing is said of it."),
  })
  .refine(({ min_budget = 0, max_budget = Number.POSITIVE_INFINITY }) => min_budget <= max_budget)
  .meta({ allowed: "a section whose min_budget is not above its max_budget" })
  .optional()
  .describe("How the model reasons.");

/** What may be said of a model: in the catalogue, in a catalogue file, and in the configuration. */
export const factFields = {
  context_window: tokens("Tokens of prompt and answer together."),
  max_output_tokens: tokens("Tokens of an answer at most."),
  input_modalities: words("What it reads: `text`, `image`, `audio`, `video`, `document`."),
  output_modalities: words("What it writes."),
  capabilities: words("What it can do: `tools`, `json_schema`, `reasoning`, `prefill`, `caching`, `citations`, …"),
  efforts: words("Words of `reasoning.effort` that it takes, from low to high."),
  reasoning,
  parameters_refused: z
    .array(z.enum(refusableFields))
    .max(refusableFields.length)
    .optional()
    .describe(
      `Settings that it refuses, as fields of the contract: ${refusableFields.map((name) => `\`${name}\``).join(", ")}.`,
    ),
  drop_refused: z
    .boolean()
    .optional()
    .describe(
      "Whether these settings are left out of every request, and reported, also where the caller speaks the " +
        "provider's own dialect. Default: yes where the configuration names them, no for those of the catalogue.",
    ),
  api: z
    .enum(["chat", "responses"])
    .optional()
    .describe(
      "Which of OpenAI's interfaces the model is asked through. Default: what the catalogue knows of it, else `chat`.",
    ),
};

type Fields = z.output<z.ZodObject<typeof factFields, z.core.$strict>>;
type Price = z.output<z.ZodObject<typeof priceFields, z.core.$strict>>;
type Tier = Omit<Price, "tiers">;

/** Facts under their names in a file → under theirs inside; those that are not said are absent. */
export function toFacts(fields: Fields, prices: ModelPrices | undefined): ModelFacts {
  const { context_window, max_output_tokens, input_modalities, output_modalities, capabilities, efforts } = fields;
  const { reasoning, parameters_refused, drop_refused, api } = fields;
  return {
    ...(context_window !== undefined && { contextWindow: context_window }),
    ...(max_output_tokens !== undefined && { maxOutputTokens: max_output_tokens }),
    ...(input_modalities && { inputModalities: input_modalities }),
    ...(output_modalities && { outputModalities: output_modalities }),
    ...(capabilities && { capabilities }),
    ...(efforts && { efforts }),
    ...(reasoning && { reasoning: toReasoning(reasoning) }),
    ...(parameters_refused && { parametersRefused: parameters_refused }),
    ...(drop_refused !== undefined && { dropRefused: drop_refused }),
    ...(api && { api }),
    ...(prices && { prices }),
  };
}

function toReasoning({
  style,
  min_budget,
  max_budget,
  can_stop,
  by_default,
}: NonNullable<Fields["reasoning"]>): ReasoningFacts {
  return {
    style,
    ...(min_budget !== undefined && { minBudget: min_budget }),
    ...(max_budget !== undefined && { maxBudget: max_budget }),
    ...(can_stop !== undefined && { canStop: can_stop }),
    ...(by_default !== undefined && { byDefault: by_default }),
  };
}

/** @param version of the price list that they are from */
export function toPrices({ tiers, ...standard }: Price, version: string): ModelPrices {
  const others = Object.entries(tiers ?? {}).map(([name, tier]) => [name, toTokenPrices(tier)] as const);
  return { ...toTokenPrices(standard), ...(tiers && { tiers: Object.fromEntries(others) }), version };
}

function toTokenPrices({ input, output, cache_read, cache_write }: Tier): TokenPrices {
  return {
    inputNanoUsd: toNanoUsd(input),
    outputNanoUsd: toNanoUsd(output),
    ...(cache_read !== undefined && { cacheReadNanoUsd: toNanoUsd(cache_read) }),
    ...(cache_write !== undefined && { cacheWriteNanoUsd: toNanoUsd(cache_write) }),
  };
}

function toNanoUsd(usd: number): number {
  return Math.round(usd * 1e9);
}
