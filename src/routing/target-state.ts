import type { Clock } from "../domain/clock.ts";
import { Circuit, type CircuitOptions } from "./circuit.ts";
import type { FailureClass } from "./failure-table.ts";

export interface StateOptions extends CircuitOptions {
  /** A first token later than this counts as a failure of the circuit; null for never. Milliseconds. */
  readonly slowMs: number | null;
}

/** Weight of the newest sample in a moving average. */
const newest = 0.2;
/** Figures older than this say nothing of now. Milliseconds. */
const freshMs = 60_000;
/** Samples that a percentile is made from, and the fewest that make one. */
const keptSamples = 128;
const fewestSamples = 20;

/** What has been seen of one target, or of one key: whether it may be asked, and how it does. */
export class TargetState {
  readonly name: string;
  readonly circuit: Circuit;
  /** Attempts under way. */
  inFlight = 0;
  readonly #clock: Clock;
  readonly #slowMs: number | null;
  #coolUntilMs = 0;
  #firstTokenMs: number | null = null;
  #failureRate = 0;
  #seenMs = 0;
  readonly #streams = new Samples();
  readonly #wholes = new Samples();

  constructor(name: string, clock: Clock, options: StateOptions) {
    this.name = name;
    this.circuit = new Circuit(clock, options);
    this.#clock = clock;
    this.#slowMs = options.slowMs;
  }

  /** Until then others are asked first, because the provider said so. Milliseconds from now; 0 when it may be asked. */
  get coolMs(): number {
    return Math.max(0, this.#coolUntilMs - this.#clock.nowMs());
  }

  coolDown(ms: number): void {
    this.#coolUntilMs = Math.max(this.#coolUntilMs, this.#clock.nowMs() + ms);
  }

  /** Moving average of the time to the first token, dearer by its failures; null without recent figures. Milliseconds. */
  get score(): number | null {
    if (this.#firstTokenMs === null || this.#clock.nowMs() - this.#seenMs > freshMs) return null;
    // At a failure rate of one half it counts as twice as slow, near one as endless.
    return this.#firstTokenMs / Math.max(1 - this.#failureRate, 0.01);
  }

  /**
   * The time to the first content that 95 of 100 answers keep; null while too few were seen. Milliseconds.
   * @param stream whether of streams, or of answers that come whole
   */
  p95Ms(stream: boolean): number | null {
    return (stream ? this.#streams : this.#wholes).p95;
  }

  /** The first content came. */
  sawFirstToken(ms: number, stream: boolean): void {
    this.#seenMs = this.#clock.nowMs();
    this.#firstTokenMs = average(this.#firstTokenMs, ms);
    (stream ? this.#streams : this.#wholes).add(ms);
  }

  /** @param firstTokenMs how long it took; null when that is not known */
  succeeded(isProbe: boolean, firstTokenMs: number | null): void {
    this.#seenMs = this.#clock.nowMs();
    const slow = this.#slowMs !== null && firstTokenMs !== null && firstTokenMs > this.#slowMs;
    this.#failureRate = average(this.#failureRate, slow ? 1 : 0);
    if (slow) this.circuit.failed(isProbe);
    else this.circuit.succeeded();
  }

  failed(isProbe: boolean): void {
    this.#seenMs = this.#clock.nowMs();
    this.#failureRate = average(this.#failureRate, 1);
    // A target that has only failed so far has no figures; it must not look like one that was never asked.
    this.#firstTokenMs ??= 1_000;
    this.circuit.failed(isProbe);
  }
}

/** The last times of one kind. */
class Samples {
  readonly #kept: number[] = [];
  #next = 0;

  add(sample: number): void {
    this.#kept[this.#next] = sample;
    this.#next = (this.#next + 1) % keptSamples;
  }

  get p95(): number | null {
    if (this.#kept.length < fewestSamples) return null;
    const sorted = [...this.#kept].sort((a, b) => a - b);
    return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? null;
  }
}

function average(before: number | null, sample: number): number {
  return before === null ? sample : before + newest * (sample - before);
}

/** Whose state a failure of this class changes. */
export function blamed(failure: FailureClass, target: TargetState, key: TargetState | null): TargetState | null {
  if (failure.blames === "target") return target;
  return failure.blames === "key" ? key : null;
}
