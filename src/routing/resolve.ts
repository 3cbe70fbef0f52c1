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
  /** What the catalogue says of a model that no list has. */
  facts(provider: string, model: string): ModelFacts;
}

/** Names in error messages are cut here. Characters. */
const maxShownChars = 80;

/**
 * Orders the targets that may answer a model name, best first; never empty.
 *
 * An alias wins over everything. Then `instance/model` and `provider/model` (every instance of that kind), for any
 * model: lists may be old, so the provider has the last word. Then a bare `model` on the instances that list it; on the
 * only instance there is; or on those whose list could not be read.
 * @throws GatewayError `model_not_found` when none may serve it
 */
export function createResolver(parts: ResolveParts): (name: string) => readonly Target[] {
  const aliases = new Map(parts.aliases.map((alias) => [alias.name, alias.targets]));

  function find(name: string): readonly Target[] {
    const listings = parts.listings();
    const slash = name.indexOf("/");
    if (slash > 0 && slash < name.length - 1) {
      const [prefix, model] = [name.slice(0, slash), name.slice(slash + 1)];
      const named = listings.filter(({ instance }) => instance.name === prefix);
      const chosen = named.length > 0 ? named : listings.filter(({ instance }) => instance.provider === prefix);
      if (chosen.length > 0) return chosen.map((listing) => toTarget(listing, model, parts));
    }
    // A bare name, which may hold slashes of its own.
    const listing = listings.filter(({ models }) => models.has(name));
    const unread = listings.filter(({ complete, models }) => !complete && models.size === 0);
    const candidates = listing.length > 0 ? listing : listings.length === 1 ? listings : unread;
    return candidates.map((candidate) => toTarget(candidate, name, parts));
  }

  return (name) => {
    const targets = (aliases.get(name) ?? [name]).flatMap(find);
    if (targets.length === 0) throw notFound(name);
    return targets;
  };
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

/** The one answer for every name that cannot be served, whatever the reason. */
export function notFound(name: string): GatewayError {
  const shown = name.length > maxShownChars ? `${name.slice(0, maxShownChars)}…` : name;
  return new GatewayError(
    "model_not_found",
    `The model ${JSON.stringify(shown)} does not exist here. GET /v1/models (or ListModels) lists those that do.`,
    { field: "model", param: "model", retryable: false },
  );
}
