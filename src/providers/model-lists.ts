import type { Clock } from "../domain/clock.ts";
import { GatewayError, toGatewayError } from "../domain/errors.ts";
import type { ProviderInstance } from "../domain/instance.ts";
import type { Log } from "../domain/log.ts";
import type { ModelFacts } from "../domain/model-facts.ts";
import type { ModelPage, Provider } from "./provider.ts";
import { createWatchdog } from "./watchdog.ts";

/** A model that an instance serves. */
export interface ListedModel {
  readonly id: string;
  readonly facts: ModelFacts;
  readonly source: "provider" | "config";
}

/** What is known of an instance's models. */
export interface ModelList {
  readonly instance: ProviderInstance;
  readonly models: ReadonlyMap<string, ListedModel>;
  /** Whether the provider's own list was ever read to its end: then a name that is not on it is likely wrong. */
  readonly complete: boolean;
}

export interface ModelLists {
  /** The lists as they are now, in the configured order. Never waits. */
  current(): readonly ModelList[];
  /**
   * Reads the lists for the first time, or waits until that is done. At most `readTimeoutMs`, also when providers cannot
   * be reached; at once when it has been done.
   */
  ready(): Promise<void>;
  /** Ends the reading and the refreshing. */
  stop(): void;
}

export interface ModelListParts {
  readonly instances: readonly ProviderInstance[];
  readonly clock: Clock;
  readonly log: Log;
  providerOf(kind: string): Provider;
  /** What the catalogue knows of a model. */
  facts(kind: string, model: string): ModelFacts;
  /** Reads one page. */
  fetchPage(instance: ProviderInstance, path: string, signal: AbortSignal): Promise<ModelPage>;
  /** Asks about one model, where the provider tells more of single models than its list does. */
  fetchFacts(instance: ProviderInstance, model: string, signal: AbortSignal): Promise<ModelFacts>;
}

/** How old a list may become. Milliseconds. */
const refreshMs = 10 * 60_000;
/** How soon a list that could not be read is tried again; each further time twice as long, up to `refreshMs`. Milliseconds. */
const retryMs = 30_000;
/** What servers say that have no list of models, as many that speak OpenAI's dialect have none. */
const noListStatuses: ReadonlySet<number | undefined> = new Set([404, 405, 501]);
/** How long one reading may take, all pages together. Milliseconds. */
const readTimeoutMs = 5_000;
/** No provider has so many; a list that never ends is cut here. */
const maxPages = 100;
const maxModels = 10_000;
/** Models of a list that are asked about singly; of the others, the list says what is known. */
const maxDetails = 200;
/** How many of them are asked about at once: the server has other things to do. */
const detailsAtOnce = 4;

/**
 * Keeps the providers' lists of models. Configured models are there from the start; a provider that is down delays
 * nothing, and a list that was read once is kept while its provider is down.
 */
export function createModelLists(parts: ModelListParts): ModelLists {
  const lists = new Map(parts.instances.map((instance) => [instance.name, configured(instance, parts)]));
  let current = [...lists.values()];
  const stopping = new AbortController();
  const stopped = stopping.signal;

  async function refresh(instance: ProviderInstance, failures = 0): Promise<void> {
    let nextMs = refreshMs;
    let failed = 0;
    try {
      const read = await readPages(instance, parts, stopped);
      if (read) {
        lists.set(instance.name, merged(instance, parts, read));
        current = [...lists.values()];
      }
    } catch (thrown) {
      if (stopped.aborted) return;
      const { code, message, detail } = toGatewayError(thrown);
      const provider = instance.name;
      if (noListStatuses.has(detail.upstreamStatus)) parts.log.info("provider has no list of models", { provider });
      else {
        failed = failures + 1;
        nextMs = Math.min(retryMs * 2 ** failures, refreshMs);
        parts.log.warn("model list not read", { provider, code, reason: message, retryMs: nextMs });
      }
    }
    const cancelTimer = parts.clock.after(nextMs, () => {
      stopped.removeEventListener("abort", cancelTimer);
      void refresh(instance, failed);
    });
    stopped.addEventListener("abort", cancelTimer, { once: true });
  }

  let first: Promise<unknown> | null = null;
  return {
    current: () => current,
    async ready() {
      first ??= Promise.all(parts.instances.map((instance) => refresh(instance)));
      await first;
    },
    stop: () => stopping.abort(new GatewayError("canceled", "The gateway is closing.")),
  };
}

/** @returns null when the provider has no list */
async function readPages(instance: ProviderInstance, parts: ModelListParts, stop: AbortSignal): Promise<Pages | null> {
  const { models: list } = parts.providerOf(instance.provider);
  if (!list) return null;
  const watchdog = createWatchdog(stop, parts.clock);
  watchdog.allow("total", readTimeoutMs);
  try {
    const models: ListedModel[] = [];
    let path: string | null = list.path;
    for (let page = 0; path !== null && page < maxPages && models.length < maxModels; page++) {
      const read: ModelPage = await parts.fetchPage(instance, path, watchdog.signal);
      for (const model of read.models) models.push({ ...model, source: "provider" });
      path = read.next;
    }
    const kept = models.slice(0, maxModels);
    const told = list.detail ? await withDetails(kept, instance, parts, watchdog.signal) : kept;
    return { models: told, complete: path === null };
  } finally {
    watchdog.stop();
  }
}

/** A model that cannot be asked about, or not in time, stays as the list has it. */
async function withDetails(
  models: readonly ListedModel[],
  instance: ProviderInstance,
  { fetchFacts }: ModelListParts,
  signal: AbortSignal,
): Promise<readonly ListedModel[]> {
  const told = [...models];
  const waiting = [...models.slice(0, maxDetails).entries()];
  const ask = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [position, model] = next;
      if (signal.aborted) return;
      const facts = await fetchFacts(instance, model.id, signal).catch(() => ({}));
      told[position] = { ...model, facts: { ...model.facts, ...facts } };
    }
  };
  await Promise.all(Array.from({ length: detailsAtOnce }, ask));
  return told;
}

function configured(instance: ProviderInstance, parts: ModelListParts): ModelList {
  const models = instance.models.map((id): [string, ListedModel] => {
    return [id, { id, facts: { ...parts.facts(instance.provider, id), ...instance.facts?.get(id) }, source: "config" }];
  });
  return { instance, models: new Map(models), complete: false };
}

interface Pages {
  readonly models: readonly ListedModel[];
  /** False when the list was cut. */
  readonly complete: boolean;
}

function merged(instance: ProviderInstance, parts: ModelListParts, { models: read, complete }: Pages): ModelList {
  const { models: list } = parts.providerOf(instance.provider);
  const models = new Map(configured(instance, parts).models);
  // The provider's own word wins over what the catalogue knows of the family, and the operator's over both.
  for (const model of read) {
    const known = parts.facts(instance.provider, model.id);
    const told = list?.merge?.(known, model.facts) ?? { ...known, ...model.facts };
    models.set(model.id, { ...model, facts: { ...told, ...instance.facts?.get(model.id) } });
  }
  return { instance, models, complete };
}
