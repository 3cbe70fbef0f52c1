import type { Frame } from "../domain/chat.ts";
import type { Clock } from "../domain/clock.ts";
import { type GatewayError, toGatewayError } from "../domain/errors.ts";
import { endsHolding, hold, type Leg } from "./leg.ts";

/** A leg that can be called off without touching the request it belongs to. */
export interface HedgeLeg extends Leg {
  /** Ends it: the call to the provider is aborted. */
  abort(): void;
}

export interface Hedge {
  readonly clock: Clock;
  /** How long the first leg has for itself. Milliseconds. */
  readonly afterMs: number;
  /** Begins the second leg; null when there is nobody to ask. */
  second(): HedgeLeg | null;
}

/**
 * The leg whose content comes first, read up to there. The other is aborted. When the first fails before the second has
 * begun, that is its failure; when both fail, the last one's.
 * @returns a leg whose answer begins with what was read, or throws what the leg failed with
 */
export async function hedged(first: HedgeLeg, { clock, afterMs, second }: Hedge): Promise<Leg> {
  const running = new Set<Runner>();
  let cancelTimer = () => {};
  const winner = await new Promise<Runner>((resolve) => {
    const run = (leg: HedgeLeg) => {
      const runner = new Runner(leg);
      running.add(runner);
      void runner.ready.then(() => {
        if (runner.failure !== null && running.size > 1) {
          running.delete(runner);
          // Counted here, since nobody reads this leg any further.
          runner.leg.watch.failed(runner.failure.error);
        } else resolve(runner);
      });
    };
    run(first);
    cancelTimer = clock.after(Math.ceil(afterMs), () => {
      const leg = second();
      if (leg !== null) run(leg);
    });
  });
  cancelTimer();
  for (const runner of running) if (runner !== winner) runner.callOff(runner.leg === first);
  return { target: winner.leg.target, watch: winner.leg.watch, answer: winner.rest() };
}

/** Reads a leg up to its first content. */
class Runner {
  readonly leg: HedgeLeg;
  /** Settles when there is content, an end or a failure; never rejects. */
  readonly ready: Promise<void>;
  failure: { readonly thrown: unknown; readonly error: GatewayError } | null = null;
  readonly #iterator: AsyncIterator<readonly Frame[]>;
  readonly #held: Frame[] = [];

  constructor(leg: HedgeLeg) {
    this.leg = leg;
    this.#iterator = leg.answer[Symbol.asyncIterator]();
    this.ready = this.#read();
  }

  async #read(): Promise<void> {
    try {
      for (let batch = await this.#iterator.next(); !batch.done; batch = await this.#iterator.next()) {
        if (batch.value.some(endsHolding)) {
          this.leg.watch.firstToken();
          this.#held.push(...batch.value);
          return;
        }
        hold(batch.value, this.#held);
      }
    } catch (thrown) {
      this.failure = { thrown, error: toGatewayError(thrown) };
    }
  }

  /** What was read, then what follows. */
  async *rest(): AsyncIterable<readonly Frame[]> {
    try {
      if (this.failure !== null) throw this.failure.thrown;
      if (this.#held.length > 0) yield this.#held;
      for (let batch = await this.#iterator.next(); !batch.done; batch = await this.#iterator.next()) yield batch.value;
    } finally {
      await this.#iterator.return?.();
    }
  }

  /** @param outrun whether it had been asked first, and so had its time */
  callOff(outrun: boolean): void {
    this.leg.abort();
    // Without its slow answers a target would look quicker with every hedge, and be hedged ever sooner.
    if (outrun) this.leg.watch.firstToken();
    this.leg.watch.left();
    // A failure of what nobody wants any more is nobody's.
    void this.ready.then(() => this.#iterator.return?.()).catch(() => {});
  }
}
