import type { Clock } from "../domain/clock.ts";
import type { GatewayError } from "../domain/errors.ts";
import type { Target } from "../domain/target.ts";
import type { CircuitState } from "./circuit.ts";
import { classOf, failureTable } from "./failure-table.ts";
import { blamed, type StateOptions, TargetState } from "./target-state.ts";

/** Targets that are remembered. Callers name models as they like, so there must be an end. */
const maxStates = 5_000;

/** One attempt as its target's state sees it. Ends with exactly one of `succeeded`, `failed` and `left`. */
export interface Watch {
  /** The first content came, or it is known to take longer than this. */
  firstToken(): void;
  succeeded(): void;
  failed(error: GatewayError): void;
  /** The caller went away, or the attempt was no longer wanted: no failure of the provider. */
  left(): void;
}

/** A circuit as metrics and health show it. */
export interface CircuitSight {
  readonly instance: string;
  /** Absent for a key. */
  readonly model?: string;
  readonly key?: string;
  readonly state: CircuitState;
  readonly inFlight: number;
}

/** What is known of all targets and keys: circuits, cool-downs, times, attempts under way. */
export class TargetStates {
  readonly #clock: Clock;
  readonly #options: StateOptions;
  readonly #targets = new Map<string, TargetState>();
  readonly #keys = new Map<string, TargetState>();
  /** Keys that have failed, by instance, with the end of the last time that they are left alone. On the clock. */
  readonly #troubled = new Map<string, Map<string, number>>();

  constructor(clock: Clock, options: StateOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** The target's own state, over all keys of its instance. */
  of({ name }: Target): TargetState {
    return this.#find(this.#targets, name);
  }

  /** The state of the key that a target is asked with; null where the instance has only one. */
  ofKey({ instance, key }: Target): TargetState | null {
    return key === undefined ? null : this.#find(this.#keys, `${instance}#${key}`);
  }

  /** Whether circuits let a request pass now. */
  passable(target: Target): boolean {
    return this.of(target).circuit.passable && (this.ofKey(target)?.circuit.passable ?? true);
  }

  /** How long until circuits may let one pass. Milliseconds; 0 for now. */
  waitMs(target: Target): number {
    return Math.max(this.of(target).circuit.waitMs, this.ofKey(target)?.circuit.waitMs ?? 0);
  }

  /** How long the provider asked to be left alone, for this model with this key. Milliseconds; 0 when it did not. */
  coolMs(target: Target): number {
    return Math.max(this.#laneOf(target).coolMs, this.ofKey(target)?.coolMs ?? 0);
  }

  /**
   * The keys of an instance that may be in trouble, for this model or for others; all others are not. As many as have
   * failed of late, however many there are.
   */
  *troubledKeys(instance: string): Iterable<string> {
    const keys = this.#troubled.get(instance);
    if (keys === undefined) return;
    for (const [key, untilMs] of keys) {
      const state = this.#keys.get(`${instance}#${key}`)?.circuit.state ?? "closed";
      if (state === "closed" && untilMs <= this.#clock.nowMs()) keys.delete(key);
      else yield key;
    }
  }

  /**
   * An attempt begins.
   * @param stream whether a stream was asked for: whole answers take their time
   * @param repeat whether its request has asked this target before: another failure then says nothing new of it
   */
  watch(target: Target, stream: boolean, repeat = false): Watch {
    const clock = this.#clock;
    const [state, key, lane] = [this.of(target), this.ofKey(target), this.#laneOf(target)];
    const startedMs = clock.nowMs();
    let firstTokenMs: number | null = null;
    let over = false;
    const isProbe = state.circuit.enter();
    const isKeyProbe = key?.circuit.enter() ?? false;
    state.inFlight++;
    const end = (): boolean => {
      if (over) return false;
      over = true;
      state.inFlight--;
      return true;
    };
    return {
      firstToken() {
        if (firstTokenMs !== null) return;
        firstTokenMs = clock.nowMs() - startedMs;
        state.sawFirstToken(firstTokenMs, stream);
      },
      succeeded() {
        if (!end()) return;
        state.succeeded(isProbe, stream ? firstTokenMs : null);
        key?.succeeded(isKeyProbe, null);
      },
      failed: (error) => {
        if (!end()) return;
        const failure = classOf(error);
        const guilty = blamed(failure, state, key);
        if (guilty === state && !repeat) state.failed(isProbe);
        else state.circuit.left(isProbe);
        if (key !== null && guilty === key) key.failed(isKeyProbe);
        else key?.circuit.left(isKeyProbe);
        // The only key of an instance has no state of its own.
        const cooled = failure === failureTable.account ? (key ?? lane) : lane;
        this.#coolDown(cooled, error);
        if (target.key !== undefined) this.#trouble(target.instance, target.key, cooled.coolMs);
      },
      left() {
        if (!end()) return;
        state.circuit.left(isProbe);
        key?.circuit.left(isKeyProbe);
      },
    };
  }

  /** Every target that has been asked and every key of instances with several, for metrics and health. */
  sights(): readonly CircuitSight[] {
    const targets = [...this.#targets.values()].map(({ name, circuit, inFlight }) => {
      const slash = name.indexOf("/");
      return { instance: name.slice(0, slash), model: name.slice(slash + 1), state: circuit.state, inFlight };
    });
    // Those with a model are no keys of their own, but what a key may ask of one model.
    const keys = [...this.#keys.values()].filter(({ name }) => !name.includes("/"));
    const sightOfKey = ({ name, circuit, inFlight }: TargetState) => {
      const hash = name.indexOf("#");
      return { instance: name.slice(0, hash), key: name.slice(hash + 1), state: circuit.state, inFlight };
    };
    return [...targets, ...keys.map(sightOfKey)];
  }

  /** An instance is there again: each of its targets may be asked once. */
  letProbe(instance: string): void {
    for (const { name, circuit } of this.#targets.values()) if (name.startsWith(`${instance}/`)) circuit.letProbe();
  }

  /** Whether a target's circuit is open, by `instance/model`; one that was never asked is closed. */
  isOpen(name: string): boolean {
    return this.#targets.get(name)?.circuit.state === "open";
  }

  /** A rate limit holds for one model with one key. With a single key that is the target itself. */
  #laneOf(target: Target): TargetState {
    if (target.key === undefined) return this.of(target);
    return this.#find(this.#keys, `${target.instance}#${target.key}/${target.model}`);
  }

  #trouble(instance: string, key: string, coolMs: number): void {
    const keys = this.#troubled.get(instance) ?? new Map<string, number>();
    keys.set(key, Math.max(keys.get(key) ?? 0, this.#clock.nowMs() + coolMs));
    this.#troubled.set(instance, keys);
  }

  #coolDown(state: TargetState, { code, detail }: GatewayError): void {
    // A refused or empty account comes back by somebody's hand: it is left alone as long as an open circuit is.
    if (code === "upstream_auth" || code === "insufficient_quota") state.coolDown(this.#options.openMs);
    else if (detail.retryAfterMs !== undefined) state.coolDown(detail.retryAfterMs);
  }

  #find(states: Map<string, TargetState>, name: string): TargetState {
    let state = states.get(name);
    if (state === undefined) {
      if (states.size >= maxStates) forgetIdle(states);
      state = new TargetState(name, this.#clock, this.#options);
      states.set(name, state);
    } else if (states.size > maxStates / 2) {
      // Only where it may soon be full: the last in the map are those that were used last.
      states.delete(name);
      states.set(name, state);
    }
    return state;
  }
}

/** Makes room: the longest unused state that nothing runs on and that has nothing to say; open circuits go last. */
function forgetIdle(states: Map<string, TargetState>): void {
  let idle: string | undefined;
  let closed: string | undefined;
  for (const [name, { inFlight, circuit, coolMs }] of states) {
    if (inFlight > 0) continue;
    idle ??= name;
    if (circuit.state !== "closed") continue;
    closed ??= name;
    if (circuit.failures > 0 || coolMs > 0) continue;
    states.delete(name);
    return;
  }
  const name = closed ?? idle;
  if (name !== undefined) states.delete(name);
}
