import { create } from "@bufbuild/protobuf";
import { type Model, ModelSchema, type Price, PriceSchema } from "../../gen/trunkline/v1/models_pb.ts";
import type { ModelFacts, ModelPrices, TokenPrices } from "../domain/model-facts.ts";
import type { ModelAlias } from "../domain/route.ts";
import { toTimestamp } from "../domain/timestamps.ts";
import { type Listing, notFound } from "./resolve.ts";

/** A listing that also says where each model's entry comes from: `provider` or `config`. */
export interface SourcedListing extends Listing {
  readonly models: ReadonlyMap<string, { readonly facts: ModelFacts; readonly source: string }>;
}

export interface ModelsParts {
  readonly aliases: readonly ModelAlias[];
  /** The listings as they are now, in the configured order. */
  listings(): readonly SourcedListing[];
  /** Whether a target is left out at present because its last answers failed. @param name `instance/model` */
  isOut(name: string): boolean;
  /** Waits, with a bound, until the providers' lists were read once, however that went. */
  ready(): Promise<void>;
}

/** What callers are told of the models. */
export interface Models {
  /** Aliases first, then every listed model as `instance/model`; each part sorted by name. */
  list(): Promise<readonly Model[]>;
  /** By alias, by `instance/model`, or by a bare id: then the first instance that lists it. @throws `model_not_found` */
  get(name: string): Promise<Model>;
}

export function createModels(parts: ModelsParts): Models {
  const now = (model: Model): Model => (parts.isOut(model.name) ? { ...model, available: false } : model);
  const targetsOf = (alias: ModelAlias, listings: readonly SourcedListing[]) =>
    alias.targets.map(({ model }) => findEntry(model, listings)?.name ?? model);
  // An alias can be asked as long as one of its targets can.
  const aliasNow = (alias: ModelAlias, listings: readonly SourcedListing[]): Model => {
    return { ...ofAlias(alias, listings), available: !targetsOf(alias, listings).every(parts.isOut) };
  };
  return {
    async list() {
      await parts.ready();
      const listings = parts.listings();
      const aliases = parts.aliases.map((alias) => aliasNow(alias, listings));
      const listed = listings.flatMap((listing) =>
        [...listing.models.keys()].flatMap((id) => entry(listing, id) ?? []),
      );
      return [...aliases.sort(byName), ...listed.map(now).sort(byName)];
    },
    async get(name) {
      await parts.ready();
      const listings = parts.listings();
      const alias = parts.aliases.find((one) => one.name === name);
      if (alias) return aliasNow(alias, listings);
      const found = findEntry(name, listings);
      if (!found) throw notFound(name, { aliases: parts.aliases, listings });
      return now(found);
    },
  };
}

/** An alias of one model says what that model is; one of several promises nothing. */
function ofAlias({ name, targets }: ModelAlias, listings: readonly SourcedListing[]): Model {
  const [only, ...others] = targets;
  const model = only === undefined || others.length > 0 ? undefined : findEntry(only.model, listings);
  if (!model) return create(ModelSchema, { name, displayName: name, available: true, source: "alias" });
  return { ...model, name, aliases: [model.name, ...model.aliases], source: "alias" };
}

function findEntry(name: string, listings: readonly SourcedListing[]): Model | undefined {
  for (const listing of listings) {
    const prefix = `${listing.instance.name}/`;
    const found = name.startsWith(prefix) ? entry(listing, name.slice(prefix.length)) : undefined;
    if (found) return found;
  }
  for (const listing of listings) {
    const found = entry(listing, name);
    if (found) return found;
  }
  return undefined;
}

function entry({ instance, models }: SourcedListing, id: string): Model | undefined {
  const listed = models.get(id);
  if (!listed) return undefined;
  const { facts, source } = listed;
  const { contextWindow, maxOutputTokens, createdAtMs = Number.NaN, shutdownAtMs = Number.NaN, prices } = facts;
  const [created, shutdownAt] = [toTimestamp(createdAtMs), toTimestamp(shutdownAtMs)];
  return create(ModelSchema, {
    name: `${instance.name}/${id}`,
    provider: instance.name,
    aliases: [id],
    displayName: facts.displayName ?? id,
    inputModalities: [...(facts.inputModalities ?? [])],
    outputModalities: [...(facts.outputModalities ?? [])],
    capabilities: [...(facts.capabilities ?? [])],
    efforts: [...(facts.efforts ?? [])],
    parametersRefused: [...(facts.parametersRefused ?? [])],
    prices: prices && isPrice(prices.inputNanoUsd) && isPrice(prices.outputNanoUsd) ? pricesOf(prices) : [],
    available: true,
    source,
    ...(contextWindow === undefined ? {} : { contextWindow }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(created && { created }),
    ...(shutdownAt && { shutdownAt }),
  });
}

/** Providers tell their prices themselves: what can be no price must not break the list of all models. */
function isPrice(nanoUsd: number): boolean {
  return nanoUsd >= 0 && nanoUsd <= Number.MAX_SAFE_INTEGER;
}

function pricesOf({ tiers, version, ...standard }: ModelPrices): Price[] {
  const all = [["default", standard] as const, ...Object.entries(tiers ?? {})];
  return all.flatMap(([tier, prices]) => tierPrices(tier, prices, version));
}

function tierPrices(tier: string, prices: TokenPrices, version: string): Price[] {
  const units: readonly (readonly [unit: string, nanoUsd: number | undefined])[] = [
    ["input_token", prices.inputNanoUsd],
    ["output_token", prices.outputNanoUsd],
    ["cache_read_token", prices.cacheReadNanoUsd],
    ["cache_write_token", prices.cacheWriteNanoUsd],
  ];
  return units.flatMap(([unit, nanoUsd]) =>
    nanoUsd === undefined || !isPrice(nanoUsd)
      ? []
      : [create(PriceSchema, { unit, tier, nanoUsdPerMillion: BigInt(Math.round(nanoUsd)), version })],
  );
}

function byName(a: Model, b: Model): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
