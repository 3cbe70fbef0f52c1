import type { LookupAddress, LookupOptions } from "node:dns";
import type { LookupFunction } from "node:net";
import type { Clock } from "../domain/clock.ts";

export interface NameOptions {
  readonly clock: Clock;
  /** Whom to ask; always for all addresses of a name. */
  readonly lookup: LookupFunction;
}

/** How long an answer is good: getaddrinfo tells no TTL. Milliseconds. */
const freshMs = 30_000;
/** How long after it came an answer is still given when newer ones cannot be had. Milliseconds. */
const staleMs = 5 * 60_000;
/** How long a failure stands before the resolver is asked again. Milliseconds. */
const failedMs = 1_000;
/** More names push the oldest out. */
const maxNames = 256;

/**
 * Remembers the addresses of names: an answer for 30 s, or for 5 minutes while the resolver fails; a failure for 1 s.
 * Those who ask for one name at the same time share one look-up. The order of the addresses stays the resolver's.
 * Always calls back later, never before it returns.
 */
export function createLookup({ clock, lookup }: NameOptions): LookupFunction {
  const names = new Map<string, Name>();

  function find(key: string): Name {
    const known = names.get(key);
    if (known) return known;
    const [oldest] = names.keys();
    // Those who wait for it are answered all the same.
    if (names.size >= maxNames && oldest !== undefined) names.delete(oldest);
    const name: Name = { answer: null, failure: null, waiting: null };
    names.set(key, name);
    return name;
  }

  return (hostname, options, callback) => {
    // Family and hints change the answer.
    const wide = { ...options, all: true };
    const name = find(JSON.stringify([hostname, wide]));
    const waiter = { callback, options };
    if (name.waiting) return void name.waiting.push(waiter);
    const nowMs = clock.nowMs();
    if (within(name.answer, freshMs, nowMs) || within(name.failure, failedMs, nowMs)) return tell(waiter, name, nowMs);

    const waiting = [waiter];
    name.waiting = waiting;
    lookup(hostname, wide, (error, address, family) => {
      const atMs = clock.nowMs();
      const addresses = typeof address === "string" ? [{ address, family: family ?? 4 }] : address;
      if (error !== null || addresses.length === 0) name.failure = { error: error ?? noAddress(), atMs };
      else [name.answer, name.failure] = [{ addresses, atMs }, null];
      name.waiting = null;
      for (const one of waiting) tell(one, name, atMs);
    });
  };
}

/** What is known of one name. */
interface Name {
  answer: { readonly addresses: readonly LookupAddress[]; readonly atMs: number } | null;
  /** Of the last look-up; null when it succeeded. */
  failure: { readonly error: NodeJS.ErrnoException; readonly atMs: number } | null;
  /** Those who wait for the look-up that is under way; null without one. */
  waiting: Waiter[] | null;
}

interface Waiter {
  readonly callback: Parameters<LookupFunction>[2];
  readonly options: LookupOptions;
}

function within(what: { readonly atMs: number } | null, ms: number, nowMs: number): boolean {
  return what !== null && nowMs - what.atMs < ms;
}

function tell({ callback, options }: Waiter, { answer, failure }: Name, nowMs: number): void {
  const [first] = answer?.addresses ?? [];
  const good = answer !== null && (failure === null || within(answer, staleMs, nowMs));
  process.nextTick(() => {
    if (!good || first === undefined) callback(failure?.error ?? noAddress(), "");
    else if (options.all) callback(null, [...answer.addresses]);
    else callback(null, first.address, first.family);
  });
}

function noAddress(): Error {
  return new Error("The name has no address.");
}
