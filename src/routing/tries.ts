import type { Clock } from "../domain/clock.ts";
import type { RequestContext, TrailEntry } from "../domain/context.ts";
import { type ErrorCode, GatewayError, toGatewayError } from "../domain/errors.ts";
import type { Route } from "../domain/route.ts";
import type { Target } from "../domain/target.ts";
import { backoffMs } from "./backoff.ts";
import { classOf, type FailureClass, failureTable } from "./failure-table.ts";
import { pause } from "./pause.ts";
import type { RetryBudget } from "./retry-budget.ts";
import type { TargetStates } from "./target-states.ts";

export interface TryParts {
  readonly clock: Clock;
  /** Evenly spread in [0, 1). */
  readonly random: () => number;
  readonly states: TargetStates;
  /** The budget of retries at an instance. */
  budgetOf(instance: string): RetryBudget;
  /** Longest wait before a retry; who is asked to wait longer gives the error to the caller. Milliseconds. */
  readonly maxWaitMs: number;
}

/** A target that has failed this request, and why. */
export interface Failed {
  readonly target: Target;
  readonly code: ErrorCode;
}

interface Repeat {
  readonly target: Target;
  readonly notBeforeMs: number;
  /** Whether it may be answered, and billed, twice. */
  readonly risky: boolean;
}

/**
 * The attempts of one request: which target is next, and when. Another target comes before the same one again, since it
 * costs no wait; only when none is left are those that failed asked once more, after a pause.
 */
export class Tries {
  readonly #parts: TryParts;
  readonly #route: Route;
  readonly #context: RequestContext;
  readonly #limit: number;
  /** Found, but not tried yet; more come from `#more`. */
  #untried: Target[] = [];
  readonly #more: Iterator<Target>;
  readonly #repeats: Repeat[] = [];
  readonly #failed: Failed[] = [];
  #attempts = 0;
  #repeated = 0;
  /** Whether a request that may already have been answered was sent again. */
  #risked = false;
  #movedOn = false;
  /** The largest context window that the prompt did not fit. Tokens. */
  #tooSmall = -1;

  /** @param wanted attempts at most, if the caller said so */
  constructor(parts: TryParts, route: Route, context: RequestContext, wanted = Number.POSITIVE_INFINITY) {
    this.#parts = parts;
    this.#route = route;
    this.#context = context;
    this.#limit = Math.min(route.policy.maxAttempts, wanted);
    this.#more = route.targets[Symbol.iterator]();
  }

  /** Targets that failed so far, oldest first. */
  get failed(): readonly Failed[] {
    return this.#failed;
  }

  /** Whether a target has failed this request before. */
  isRepeat(target: Target): boolean {
    return this.#failed.some((one) => one.target === target);
  }

  /** @throws GatewayError `service_unavailable` when every circuit is open */
  first(): Target {
    const { states } = this.#parts;
    const target = this.#find((one) => states.passable(one));
    if (target === undefined) throw this.#allOpen();
    for (const one of this.#untried) if (one !== target) this.#noteOut(one);
    this.#parts.budgetOf(target.instance).earn();
    return this.#take(target);
  }

  /** A target to ask beside the one that is being asked; null when there is none or the budget is spent. */
  beside(): Target | null {
    if (this.#attempts >= this.#limit) return null;
    const target = this.#find((one) => this.#parts.states.passable(one));
    if (target === undefined || !this.#spend(target)) return null;
    this.#note(target, "hedge", 0);
    return this.#take(target);
  }

  /**
   * The next target after a failure, when it may be asked.
   * @param resume whether the answer had begun and is to be continued: then what was sent is known to be lost
   * @throws the failure when nothing is left to try; the signal's reason when the caller leaves meanwhile
   */
  async next(failed: Target, thrown: unknown, resume = false): Promise<Target> {
    const { states, clock } = this.#parts;
    const error = toGatewayError(thrown);
    const failure = classOf(error);
    if (this.#context.signal.aborted || failure.elsewhere === null) throw thrown;
    this.#failed.push({ target: failed, code: error.code });
    if (this.#attempts >= this.#limit) throw thrown;
    if (mayRepeat(failure, error, resume || this.#route.policy.retryAfterSent)) {
      const notBeforeMs = clock.nowMs() + (error.detail.retryAfterMs ?? 0);
      const risky = failure.again === "configured" && !resume && error.detail.retryable !== true;
      this.#repeats.push({ target: failed, notBeforeMs, risky });
    }
    if (failure === failureTable.tooLong) {
      this.#tooSmall = Math.max(this.#tooSmall, failed.facts.contextWindow ?? 0);
    }
    const other = this.#find((one) => states.passable(one) && this.#mayServe(one, failed, failure));
    return other === undefined ? this.#repeat(thrown, resume) : this.#moveOn(other, error, resume);
  }

  /** The first target that was not tried and is wanted; those behind it are not even looked for. */
  #find(isWanted: (target: Target) => boolean): Target | undefined {
    const known = this.#untried.find(isWanted);
    if (known !== undefined) return known;
    for (;;) {
      const { value: target, done } = this.#more.next();
      if (done) return undefined;
      this.#untried.push(target);
      if (isWanted(target)) return target;
    }
  }

  #mayServe(other: Target, failed: Target, failure: FailureClass): boolean {
    if (failure.elsewhere === null || !this.#route.policy.failOver.has(failure.elsewhere)) return false;
    // Another key of the same instance helps against limits and bad keys, not against a server that is down.
    if (other.name === failed.name) return failure === failureTable.limited || failure === failureTable.account;
    return (other.facts.contextWindow ?? Number.POSITIVE_INFINITY) > this.#tooSmall;
  }

  #moveOn(other: Target, error: GatewayError, resume: boolean): Target {
    // The first failover is free: it moves load away from where the trouble is.
    if (this.#movedOn && !this.#spend(other)) throw error;
    this.#movedOn = true;
    this.#context.log.warn("attempt failed, trying the next target", { target: other.name, code: error.code });
    this.#note(other, resume ? "continuation" : "failover", 0);
    return this.#take(other);
  }

  async #repeat(thrown: unknown, resume: boolean): Promise<Target> {
    const { clock, random, states, maxWaitMs } = this.#parts;
    const soonest = this.#repeats
      .filter(({ target, risky }) => states.passable(target) && !(risky && this.#risked))
      .sort((a, b) => a.notBeforeMs - b.notBeforeMs)[0];
    if (soonest === undefined) throw thrown;
    const nowMs = clock.nowMs();
    const askedMs = Math.max(0, soonest.notBeforeMs - nowMs);
    // What the provider asked for is kept to the end; the jitter comes on top.
    const waitMs = Math.ceil(askedMs > 0 ? askedMs + backoffMs(0, random) : backoffMs(this.#repeated, random));
    const { deadlineMs, signal } = this.#context;
    if (askedMs > maxWaitMs || (deadlineMs !== null && nowMs + waitMs >= deadlineMs)) throw thrown;
    if (!this.#spend(soonest.target)) throw thrown;
    this.#repeats.splice(this.#repeats.indexOf(soonest), 1);
    this.#repeated++;
    this.#risked ||= soonest.risky;
    const { code } = toGatewayError(thrown);
    this.#context.log.warn("attempt failed, trying again", { target: soonest.target.name, code, waitMs });
    this.#note(soonest.target, resume ? "continuation" : "retry", waitMs);
    await pause(waitMs, clock, signal);
    // Others may have opened its circuit meanwhile.
    if (!states.passable(soonest.target)) throw thrown;
    return this.#take(soonest.target);
  }

  #take(target: Target): Target {
    this.#attempts++;
    this.#untried = this.#untried.filter((one) => one !== target);
    return target;
  }

  #spend(target: Target): boolean {
    if (this.#parts.budgetOf(target.instance).spend()) return true;
    this.#context.trail.note({ kind: "retry_refused", target });
    return false;
  }

  /** Notes that a circuit is open, unless whoever made the route has said so. */
  #noteOut(target: Target): void {
    const { trail } = this.#context;
    const isNoted = trail.entries.some(
      (entry) =>
        entry.kind === "skipped" &&
        entry.target.name === target.name &&
        (entry.target.key === undefined || entry.target.key === target.key),
    );
    if (!isNoted) trail.note({ kind: "skipped", target, reason: "circuit_open" });
  }

  #note(target: Target, how: Extract<TrailEntry, { kind: "retried" }>["how"], waitMs: number): void {
    this.#context.trail.note({ kind: "retried", target, how, waitMs });
  }

  #allOpen(): GatewayError {
    const { states } = this.#parts;
    const targets = [...this.#route.targets];
    const retryAfterMs = Math.min(...targets.map((target) => states.waitMs(target)));
    const names = [...new Set(targets.map(({ name }) => name))].slice(0, maxNamed).join(", ");
    const message = `Not asked, because the last answers failed one after the other: ${names}.`;
    return new GatewayError("service_unavailable", message, { retryAfterMs, retryable: true });
  }
}

/** Targets that an error names. */
const maxNamed = 4;

/** Whether the same target may be asked again; what the provider itself says of that counts. */
function mayRepeat({ again }: FailureClass, { detail }: GatewayError, evenIfSent: boolean): boolean {
  if (again === "no" || detail.retryable === false) return false;
  return again === "yes" || detail.retryable === true || evenIfSent;
}
