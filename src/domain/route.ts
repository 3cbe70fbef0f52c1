import type { Target } from "./target.ts";
import type { BoundOverrides } from "./time-bounds.ts";

/** How the target that is asked first is chosen. */
export const strategies = ["ordered", "weighted", "least-latency", "least-busy", "cheapest"] as const;
export type Strategy = (typeof strategies)[number];

/** What keeps the requests of one conversation at one target: nothing, the caller's session id, or its cache key. */
export const stickiness = ["none", "session", "prompt_cache_key"] as const;
export type Stickiness = (typeof stickiness)[number];

/** Groups of failures after which another target may be asked, as operators name them. */
export const failoverGroups = ["outage", "rate_limit", "context_length", "content_filter"] as const;
export type FailoverGroup = (typeof failoverGroups)[number];

/** What a model name means beyond its targets. */
export interface RoutePolicy {
  readonly strategy: Strategy;
  readonly sticky: Stickiness;
  /** What happens when an answer breaks off after its first content: a typed error, or an attempt to go on. */
  readonly onCut: "error" | "continue";
  readonly failOver: ReadonlySet<FailoverGroup>;
  /** Attempts over all targets, hedges and continuations included. */
  readonly maxAttempts: number;
  /** Whether a request that was fully sent may be sent again to the same target although nobody knows what became of it. */
  readonly retryAfterSent: boolean;
  /** When a second target is asked beside the first; null for never. */
  readonly hedge: HedgePolicy | null;
  /** How long requests may wait to be admitted. Milliseconds. */
  readonly queueMs: number;
  /** Larger goes first when requests wait to be admitted. */
  readonly priority: number;
  /** Whether identical deterministic requests of one caller that run at the same time are sent once. */
  readonly singleFlight: boolean;
}

export interface HedgePolicy {
  /** How long the first target has. Milliseconds; null: its own 95th percentile. */
  readonly afterMs: number | null;
}

/** Where one request may be sent, and by which rules. */
export interface Route {
  /** Best first; never empty, none twice, the same each time. They may be found only when they are asked for. */
  readonly targets: Iterable<Target>;
  readonly policy: RoutePolicy;
}

/** A name of the operator's own, for one model or for several. */
export interface ModelAlias {
  readonly name: string;
  /** Best first; never empty, never another alias. */
  readonly targets: readonly AliasTarget[];
  readonly policy: RoutePolicy;
}

export interface AliasTarget {
  /** `instance/model`, or a model name. */
  readonly model: string;
  readonly weight: number;
  readonly bounds: BoundOverrides;
}
