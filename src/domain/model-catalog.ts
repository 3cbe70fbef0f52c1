import type { ModelFacts } from "./model-facts.ts";
import { bySpecificity, type ModelPattern, matches, toPattern } from "./model-pattern.ts";

/** What a catalogue says of the models that one of its patterns stands for. */
export interface CatalogEntry {
  /** Patterns of model names; see `ModelPattern`. */
  readonly match: readonly string[];
  readonly facts: ModelFacts;
}

/** One catalogue: the entries of a provider kind, none where it has none. */
export type CatalogLayer = (kind: string) => readonly CatalogEntry[];

export interface ModelCatalog {
  /**
   * What is known of a model by its name, or by what stands behind the last slash of it; `{}` where nothing is. In each layer the entry with the most specific pattern
   * counts, and of two as specific the first; a later layer's facts win over an earlier's.
   */
  facts(kind: string, model: string): ModelFacts;
}

/** Names whose facts are kept at hand. */
const maxRemembered = 1_000;

interface Rule {
  readonly pattern: ModelPattern;
  readonly facts: ModelFacts;
}

/** @param layers the later one wins, fact by fact */
export function createModelCatalog(layers: readonly CatalogLayer[]): ModelCatalog {
  const rulesByKind = new Map<string, readonly (readonly Rule[])[]>();
  // Provider kinds come from the configuration, so that the map stays small; those that nobody has are never sorted.
  const rulesOf = (kind: string) => {
    let rules = rulesByKind.get(kind);
    if (rules === undefined) {
      rules = layers.map((layer) => toRules(layer(kind)));
      rulesByKind.set(kind, rules);
    }
    return rules;
  };
  const known = new Map<string, ModelFacts>();
  return {
    facts(kind, model) {
      const name = model.toLowerCase();
      const key = `${kind}/${name}`;
      let facts = known.get(key);
      if (facts === undefined) {
        facts = Object.assign({}, ...rulesOf(kind).map((rules) => lookUp(rules, name))) as ModelFacts;
        // Names come from callers: those that are made up must not stay for ever.
        if (known.size >= maxRemembered) known.clear();
        known.set(key, facts);
      }
      return facts;
    },
  };
}

function toRules(entries: readonly CatalogEntry[]): readonly Rule[] {
  return entries
    .flatMap(({ match, facts }) => match.map((text) => ({ pattern: toPattern(text), facts })))
    .sort((one, other) => bySpecificity(one.pattern, other.pattern));
}

function lookUp(rules: readonly Rule[], name: string): ModelFacts {
  const base = name.slice(name.lastIndexOf("/") + 1);
  const found = rules.find(({ pattern }) => matches(pattern, base) || (base !== name && matches(pattern, name)));
  if (found === undefined) return {};
  if (base === name) return found.facts;
  // `openai/gpt-5` at a reseller is the same model, behind an interface of the reseller's own.
  const { api: _, ...facts } = found.facts;
  return facts;
}
