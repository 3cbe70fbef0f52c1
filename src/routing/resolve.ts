import type { ChatRequest } from "../../gen/trunkline/v1/chat_pb.ts";
import { didYouMean } from "../domain/did-you-mean.ts";
import { GatewayError } from "../domain/errors.ts";
import { estimateInputTokens } from "../domain/estimate.ts";
import type { ProviderInstance } from "../domain/instance.ts";
import type { ModelFacts } from "../domain/model-facts.ts";
import type { AliasTarget, ModelAlias, Route, RoutePolicy, Stickiness, Strategy } from "../domain/route.ts";
import type { Target } from "../domain/target.ts";
import { needsOf, unfitness } from "./fitness.ts";
import { type LaneParts, Lanes, type Preferred } from "./lanes.ts";
import { type OrderBy, preferred } from "./order.ts";

/** What routing needs to know of an instance's models. */
export interface Listing {
  readonly instance: ProviderInstance;
  readonly models: ReadonlyMap<string, { readonly facts: ModelFacts }>;
  /** Whether the provider's own list is part of it. */
  readonly complete: boolean;
}

export interface ResolveParts extends LaneParts {
  readonly aliases: readonly ModelAlias[];
  /** The rules of names that are no alias. */
  readonly policy: RoutePolicy;
  /** The listings as they are now, in the configured order; the same array as long as none has changed. */
  listings(): readonly Listing[];
  /** Waits, with a bound, until the providers' lists were read once, however that went. */
  listed(): Promise<void>;
  /** What the catalogue says of a model that no list has. */
  facts(provider: string, model: string): ModelFacts;
}

/** What is asked for. */
export interface Wanted {
  /** The model that was asked for, then those to fall back to. */
  readonly names: readonly string[];
  /** Null where the request is no chat: then nothing is known of what it needs. */
  readonly chat: ChatRequest | null;
}

/** A target that was left out, and why. */
export interface Skipped {
  readonly target: Target;
  readonly reason: string;
}

export type Resolve = (wanted: Wanted) => Promise<Route & { readonly skipped: readonly Skipped[] }>;

/** Names in error messages are cut here. Characters. */
const maxShownChars = 80;
/** What an answer is taken to cost where the request does not bound it. Tokens. */
const usualOutputTokens = 1_000;

/**
 * Orders the targets that may answer, best first; never empty, none twice. The rules are those of the first name.
 *
 * An alias wins over everything. Then `instance/model`, for any model: a list may be old, so the provider has the last
 * word. Then `provider/model`, on the instances of that kind that list the model, or on all of them. Then a bare model,
 * on the instances that list it, in the configured order; on the only instance there is; or on those of whose models
 * nothing is known. Waits for the first reading of the lists only where they would decide.
 *
 * Targets that cannot serve the request, as far as their models are known, are left out, unless that leaves nobody: then
 * the provider has the last word here too.
 * @throws GatewayError `model_not_found` when a name leads nowhere
 */
export function createResolver(parts: ResolveParts): Resolve {
  const aliases = new Map(parts.aliases.map((alias) => [alias.name, alias]));
  // What the aliases mean, as long as the listings are the same: an alias may have dozens of targets.
  let meanings = { listings: parts.listings(), targets: new Map<string, readonly Target[]>() };

  return async ({ names, chat }) => {
    const preferences: Preferred[] = [];
    const taken = new Set<string>();
    const [first = ""] = names;
    for (const [position, name] of names.entries()) {
      const found = await lookUp(name);
      if (found.length === 0) {
        const field = position === 0 ? "model" : `fallback_models[${position - 1}]`;
        throw notFound(name, { aliases: parts.aliases, listings: parts.listings() }, field);
      }
      const { strategy, sticky } = aliases.get(name)?.policy ?? parts.policy;
      const by = orderBy(strategy, sticky, chat);
      const targets = preferred(found, by, parts).filter(({ name }) => {
        const isNew = !taken.has(name);
        taken.add(name);
        return isNew;
      });
      preferences.push({ targets, stickTo: by.stickTo });
    }
    const policy = aliases.get(first)?.policy ?? parts.policy;
    const { names: fit, skipped } = fitting(preferences, chat);
    const lanes = new Lanes(fit, parts);
    const out = lanes.out.map((target) => ({ target, reason: "circuit_open" }));
    return { policy, targets: lanes, skipped: out.length === 0 ? skipped : [...skipped, ...out] };
  };

  async function lookUp(name: string): Promise<readonly Target[]> {
    let listings = parts.listings();
    if (meanings.listings !== listings) meanings = { listings, targets: new Map() };
    const known = meanings.targets.get(name);
    if (known !== undefined) return known;
    const alias = aliases.get(name);
    const wanted = alias?.targets ?? [{ model: name, weight: 1, bounds: {} }];
    let found = wanted.map((one) => find(one.model, listings, parts));
    const sure = found.every((one) => one.sure);
    if (!sure) {
      await parts.listed();
      listings = parts.listings();
      found = wanted.map((one) => find(one.model, listings, parts));
    }
    const targets = found.flatMap((one, position) => one.targets.map((target) => withRules(target, wanted[position])));
    // Other names are the callers', and without end.
    if (alias !== undefined && sure) meanings.targets.set(name, targets);
    return targets;
  }
}

/** What an alias says of a target beside its name. */
function withRules(target: Target, rules: AliasTarget | undefined): Target {
  if (rules === undefined || (rules.weight === 1 && Object.keys(rules.bounds).length === 0)) return target;
  return { ...target, weight: rules.weight, bounds: rules.bounds };
}

function orderBy(strategy: Strategy, sticky: Stickiness, chat: ChatRequest | null): OrderBy {
  const key = sticky === "session" ? chat?.routing?.sessionId : sticky === "prompt_cache_key" ? chat?.cache?.key : null;
  const byPrice = strategy === "cheapest" && chat !== null;
  return {
    strategy,
    stickTo: key || null,
    inputTokens: byPrice ? estimateInputTokens(chat) : 0,
    outputTokens: chat?.maxOutputTokens ?? usualOutputTokens,
  };
}

function fitting(names: readonly Preferred[], chat: ChatRequest | null) {
  const [first, ...more] = names;
  if (chat === null || (more.length === 0 && first !== undefined && first.targets.length < 2))
    return { names, skipped: [] };
  const needs = needsOf(chat);
  const skipped: Skipped[] = [];
  const fit = names.map(({ targets, stickTo }) => ({ stickTo, targets: targets.filter(canServe) }));
  return fit.some(({ targets }) => targets.length > 0) ? { names: fit, skipped } : { names, skipped: [] };

  function canServe(target: Target): boolean {
    const reason = unfitness(target, needs);
    if (reason !== null) skipped.push({ target, reason });
    return reason === null;
  }
}

interface Found {
  readonly targets: readonly Target[];
  /** Whether a list that has not been read yet could not change the choice. */
  readonly sure: boolean;
}

function find(name: string, listings: readonly Listing[], parts: ResolveParts): Found {
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

/** Of models that are listed: as many as there are, and the same for all requests. */
const listedTargets = new WeakMap<Listing, Map<string, Target>>();

function toTarget(listing: Listing, model: string, parts: ResolveParts): Target {
  if (!listing.models.has(model)) return createTarget(listing, model, parts);
  let known = listedTargets.get(listing);
  if (known === undefined) {
    known = new Map();
    listedTargets.set(listing, known);
  }
  let target = known.get(model);
  if (target === undefined) {
    target = createTarget(listing, model, parts);
    known.set(model, target);
  }
  return target;
}

function createTarget({ instance, models }: Listing, model: string, parts: ResolveParts): Target {
  return {
    name: `${instance.name}/${model}`,
    instance: instance.name,
    provider: instance.provider,
    model,
    wire: instance.wire,
    facts: models.get(model)?.facts ?? { ...parts.facts(instance.provider, model), ...instance.facts?.get(model) },
  };
}

/** What a caller could have meant. */
export interface Known {
  readonly aliases: readonly ModelAlias[];
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
