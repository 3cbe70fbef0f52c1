import type { Clock } from "../domain/clock.ts";
import { GatewayError, toGatewayError } from "../domain/errors.ts";
import type { ProviderInstance } from "../domain/instance.ts";
import type { Log } from "../domain/log.ts";
import type { ModelFacts } from "../domain/target.ts";
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
  /** Whether the provider's own list was ever read: then a name that is not on it is likely wrong. */
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
  /** Reads one page. */
  fetchPage(instance: ProviderInstance, path: string, signal: AbortSignal): Promise<ModelPage>;
}

/** How old a list may become. Milliseconds. */
const refreshMs = 10 * 60_000;
/** How soon a list that could not be read is tried again. Milliseconds. */
const retryMs = 30_000;
/** How long one reading may take, all pages together. Milliseconds. */
const readTimeoutMs = 5_000;
/** No provider has so many; a list that never ends is cut here. */
const maxPages = 100;
const maxModels = 10_000;

/**
 * Keeps the providers' lists of models. Configured models are there from the start; a provider that is down delays
 * nothing, and a list that was read once is kept while its provider is down.
 */
export function createModelLists(parts: ModelListParts): ModelLists {
  const lists = new Map(parts.instances.map((instance) => [instance.name, configured(instance, parts)]));
  const stopping = new AbortController();
  const stopped = stopping.signal;

  async function refresh(instance: ProviderInstance): Promise<void> {
    let nextMs = refreshMs;
    try {
      const models = await readPages(instance, parts, stopped);
      if (models) lists.set(instance.name, merged(instance, parts, models));
    } catch (thrown) {
      if (stopped.aborted) return;
      nextMs = retryMs;
      const { code, message } = toGatewayError(thrown);
      parts.log.warn("model list not read", { provider: instance.name, code, reason: message, retryMs });
    }
    const cancelTimer = parts.clock.after(nextMs, () => {
      stopped.removeEventListener("abort", cancelTimer);
      void refresh(instance);
    });
    stopped.addEventListener("abort", cancelTimer, { once: true });
  }

  let first: Promise<unknown> | null = null;
  return {
    current: () => [...lists.values()],
    async ready() {
      first ??= Promise.all(parts.instances.map(refresh));
      await first;
    },
    stop: () => stopping.abort(new GatewayError("canceled", "The gateway is closing.")),
  };
}

/** @returns null when the provider has no list */
async function readPages(instance: ProviderInstance, parts: ModelListParts, stop: AbortSignal) {
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
    return models.slice(0, maxModels);
  } finally {
    watchdog.stop();
  }
}

function configured(instance: ProviderInstance, parts: ModelListParts): ModelList {
  const { facts } = parts.providerOf(instance.provider);
  const models = instance.models.map((id): [string, ListedModel] => [id, { id, facts: facts(id), source: "config" }]);
  return { instance, models: new Map(models), complete: false };
}

function merged(instance: ProviderInstance, parts: ModelListParts, read: readonly ListedModel[]): ModelList {
  const { facts } = parts.providerOf(instance.provider);
  const models = new Map(configured(instance, parts).models);
  // The provider's own word wins over what the catalogue knows of the family.
  for (const model of read) models.set(model.id, { ...model, facts: { ...facts(model.id), ...model.facts } });
  return { instance, models, complete: true };
}
