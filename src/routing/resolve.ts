import { didYouMean } from "../domain/did-you-mean.ts";
import { GatewayError } from "../domain/errors.ts";
import type { ProviderInstance } from "../domain/instance.ts";
import type { ModelFacts, Target } from "../domain/target.ts";

/** A name of the operator's own for one or several models. */
export interface Alias {
  readonly name: string;
  /** Model names, best first; never another alias. */
  readonly targets: readonly string[];
}

/** What routing needs to know of an instance's models. */
export interface Listing {
  readonly instance: ProviderInstance;
  readonly models: ReadonlyMap<string, { readonly facts: ModelFacts }>;
  /** Whether the provider's own list is part of it. */
  readonly complete: boolean;
}

export interface ResolveParts {
  readonly aliases: readonly Alias[];
  /** The listings as they are now, in the configured order. */
  listings(): readonly Listing[];
  /** Waits, with a bound, until the providers' lists were read once, however that went. */
  listed(): Promise<void>;
  /** What the catalogue says of a model that no list has. */
  facts(provider: string, model: string): ModelFacts;
}

/** @param names the model that was asked for, then those to fall back to */
export type Resolve = (names: readonly string[]) => Promise<readonly Target[]>;

/** Names in error messages are cut here. Characters. */
const maxShownChars = 80;

/**
 * Orders the targets that may answer, best first; never empty, none twice.
 *
 * An alias wins over everything. Then `instance/model`, for any model: a list may be old, so the provider has the last
 * word. Then `provider/model` on the instances of that kind, those that list the model if any does. Then a bare `model`
 * on the instances that list it, in the configured order; on the only instance there is; or on those of whose models
 * nothing is known. Waits for the first reading of the lists only where they would decide.
 * @throws GatewayError `model_not_found` when a name leads nowhere
 */
export function createResolver(parts: ResolveParts): Resolve {
  const aliases = new Map(parts.aliases.map((alias) => [alias.name, alias.targets]));

  return async (names) => {
    const targets = new Map<string, Target>();
    for (const [position, name] of names.entries()) {
      const found = await lookUp(name);
      if (found.length === 0) {
        const field = position === 0 ? "model" : `fallback_models[${position - 1}]`;
        throw notFound(name, { aliases: parts.aliases, listings: parts.listings() }, field);
      }
      for (const target of found) if (!targets.has(target.name)) targets.set(target.name, target);
    }
    return [...targets.values()];
  };

  async function lookUp(name: string): Promise<readonly Target[]> {
    const wanted = aliases.get(name) ?? [name];
    let found = wanted.map((one) => find(one, parts));
    if (found.some(({ sure }) => !sure)) {
      await parts.listed();
      found = wanted.map((one) => find(one, parts));
    }
    return found.flatMap(({ targets }) => targets);
  }
}

interface Found {
  readonly targets: readonly Target[];
  /** Whether a list that has not been read yet could not change the choice. */
  readonly sure: boolean;
}

function find(name: string, parts: ResolveParts): Found {
  const listings = parts.listings();
  const slash = name.indexOf("/");
  if (slash > 0 && slash < name.length - 1) {
    const [prefix, model] = [name.slice(0, slash), name.slice(slash + 1)];
    const named = listings.find(({ instance }) => instance.name === prefix);
    if (named) return { targets: [toTarget(named, model, parts)], sure: true };
    const ofKind = listings.filter(({ instance }) => instance.provider === prefix);
    if (ofKind.length > 0) return choose(ofKind, { model, otherwise: ofKind }, parts);
  }
  // A bare name, which may hold slashes of its own.
  const unknown = listings.filter(({ complete, models }) => !complete && models.size === 0);
  return choose(listings, { model: name, otherwise: unknown }, parts);
}

interface Choice {
  readonly model: string;
  /** Who is asked when nobody lists the model. */
  readonly otherwise: readonly Listing[];
}

function choose(among: readonly Listing[], { model, otherwise }: Choice, parts: ResolveParts): Found {
  const listing = among.filter(({ models }) => models.has(model));
  const chosen = listing.length > 0 ? listing : among.length === 1 ? among : otherwise;
  const sure = listing.length > 0 || among.length === 1 || among.every(({ complete }) => complete);
  return { targets: chosen.map((candidate) => toTarget(candidate, model, parts)), sure };
}

function toTarget({ instance, models }: Listing, model: string, parts: ResolveParts): Target {
  return {
    name: `${instance.name}/${model}`,
    instance: instance.name,
    provider: instance.provider,
    model,
    wire: instance.wire,
    facts: models.get(model)?.facts ?? parts.facts(instance.provider, model),
  };
}

/** What a caller could have meant. */
export interface Known {
  readonly aliases: readonly Alias[];
  readonly listings: readonly Listing[];
}

/** Names that a wrong one is compared with. A provider that lists more must not make typos costly. */
const maxCompared = 1_000;

/**
 * The one answer for every name that cannot be served, whatever the reason.
 * @param field where the caller wrote the name, as a contract path
 */
export function notFound(name: string, known: Known, field = "model"): GatewayError {
  const shown = name.length > maxShownChars ? `${name.slice(0, maxShownChars)}…` : name;
  const near = didYouMean(name, namesLike(name, known).slice(0, maxCompared));
  const advice = near === undefined ? "" : ` Did you mean ${JSON.stringify(near)}?`;
  return new GatewayError(
    "model_not_found",
    `The model ${JSON.stringify(shown)} does not exist here.${advice} ` +
      "GET /v1/models (or ListModels) lists those that do.",
    { field, param: field, retryable: false },
  );
}

/** Names as they can be written: with a slash when the wrong one has it. */
function namesLike(name: string, { aliases, listings }: Known): readonly string[] {
  const listed = listings.flatMap(({ instance, models }) => {
    const ids = [...models.keys()];
    return name.includes("/") ? [...ids.map((id) => `${instance.name}/${id}`), ...ids] : ids;
  });
  return [...aliases.map((alias) => alias.name), ...listed];
}
