import type { Ask, AskPart, Turn } from "./ask.ts";
import type { Seen, SeenChoice } from "./seen.ts";
import type { Reached, Upstream } from "./upstreams/upstream.ts";

/** What of a question a feature sets; the rest is left unsaid. */
export type Asked = Partial<Omit<Ask, "feature" | "model" | "turns">> & {
  /** Directives to the simulator, and other parts of the user's turn. */
  readonly say: string;
  readonly parts?: readonly AskPart[];
  readonly history?: readonly Turn[];
  /** A fault of the simulator, added to the model's name. */
  readonly fault?: string;
};

/** A feature: how it is asked, and what must be seen on both sides when all of it arrives. */
export interface Feature {
  ask(upstream: Upstream, tag: string): Asked;
  /** Turns behind the first answer, where it takes a second question to see; empty repeats the first. */
  readonly next?: (first: Seen) => readonly Turn[];
  /** What is missing in the provider's request; null when nothing is. */
  reached(reached: Reached): string | null;
  /** What is missing in what the caller got. */
  got(seen: Seen): string | null;
  /** How a loss report or an error names the feature's field. */
  readonly field: RegExp;
  /** Whether it is only told and never asked for: where a provider has no such thing, there is nothing to lose. */
  readonly isTold?: boolean;
}

/** The caller's first choice; undefined when there is none. */
export const first = ({ choices }: Seen): SeenChoice | undefined => choices[0];

/** Says what is missing unless the condition holds. */
export const need = (holds: boolean | undefined, missing: string): string | null => (holds === true ? null : missing);

/** The first thing that is missing. */
export const all = (...checks: readonly (string | null)[]): string | null =>
  checks.find((check) => check !== null) ?? null;

/** Nothing is demanded of this side. */
export const fine = (): null => null;
