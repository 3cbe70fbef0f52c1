import { type Clock, systemClock } from "../../src/domain/clock.ts";
import type { ModelAlias, Route, RoutePolicy } from "../../src/domain/route.ts";
import type { Target } from "../../src/domain/target.ts";
import type { AttemptParts, Sender } from "../../src/routing/attempt.ts";
import { budgets } from "../../src/routing/retry-budget.ts";
import { TargetStates } from "../../src/routing/target-states.ts";

/** Parts of routing, for its tests. */

export const policy: RoutePolicy = {
  strategy: "ordered",
  sticky: "none",
  onCut: "error",
  failOver: new Set(["outage", "rate_limit", "context_length"]),
  maxAttempts: 4,
  retryAfterSent: false,
  hedge: null,
  queueMs: 1_000,
  priority: 0,
  singleFlight: false,
};

export function routeOf(targets: readonly Target[], more: Partial<RoutePolicy> = {}): Route {
  return { targets, policy: { ...policy, ...more } };
}

/** @param name `instance/model` */
export function targetNamed(name: string, more: Partial<Target> = {}): Target {
  const [instance = "", model = ""] = name.split("/");
  return { name, instance, provider: "openai", model, wire: "repair", facts: {}, ...more };
}

/** Time as it is, but nobody waits: what is set goes off in the next turn of the event loop. */
const hurried: Clock = {
  ...systemClock,
  after(_, callback) {
    const timer = setImmediate(callback);
    return () => clearImmediate(timer);
  },
};

export const breaker = { failures: 5, openMs: 30_000, slowMs: null };

export function attemptParts(sender: Sender, more: Partial<AttemptParts> = {}): AttemptParts {
  const clock = more.clock ?? hurried;
  return {
    sender,
    clock,
    random: () => 0.5,
    states: new TargetStates(clock, breaker),
    budgetOf: budgets(clock, 0.1),
    maxWaitMs: 10_000,
    ...more,
  };
}

/** An alias as configuration gives it. */
export function aliasOf(name: string, models: readonly string[], more: Partial<RoutePolicy> = {}): ModelAlias {
  const targets = models.map((model) => ({ model, weight: 1, bounds: {} }));
  return { name, targets, policy: { ...policy, ...more } };
}
